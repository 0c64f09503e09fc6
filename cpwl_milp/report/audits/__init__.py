"""The report of an audit: one HTML file that needs nothing else."""
