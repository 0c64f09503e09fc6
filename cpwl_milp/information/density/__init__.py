"""Densities of data: the regions as bins of a histogram, beside what is used elsewhere."""
