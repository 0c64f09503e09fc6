"""Entropies and mutual information of activation regions, with their biases in sight."""
