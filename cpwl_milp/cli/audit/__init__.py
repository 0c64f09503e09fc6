"""``audit``: many models in one run, and the report that is made of it."""
