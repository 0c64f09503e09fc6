"""Many models in one run: what is asked, jobs in processes of their own, one file of results."""
