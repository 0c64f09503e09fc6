"""The command `local`: what surrounds each data point."""
