"""The command `plane`: information along checkpoints."""
