"""Around data points: bounds and counts of regions in balls, distances, comparisons."""
