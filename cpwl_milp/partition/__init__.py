"""Samples and lists of regions turned into partitions of the input space."""
