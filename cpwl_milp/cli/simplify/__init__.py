"""The commands `units` and `simplify`."""
