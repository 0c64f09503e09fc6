"""``python -m cpwl_milp.cli``."""

from cpwl_milp.cli import main

main()
