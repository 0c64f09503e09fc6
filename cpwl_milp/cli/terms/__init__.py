"""The command `terms`: linear terms of data."""
