"""How fast: our engines beside the textbook loop and the peers that PyPI has."""
