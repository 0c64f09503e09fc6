"""``python -m cpwl_milp.cli``."""

from cpwl_milp.cli import main

# Worker processes of an embedded cluster import this module as well.
if __name__ == "__main__":
    main()
