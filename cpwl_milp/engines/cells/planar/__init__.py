"""Cells in the plane: polygons whose vertices know the signs of all open lines."""
