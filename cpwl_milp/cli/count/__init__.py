"""The command `count`: how many regions."""
