"""The command `estimate`: about how many regions."""
