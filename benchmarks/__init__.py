"""Timings of the engines, side by side."""
