"""The run folder: whole-or-absent writes, the journal and the region files."""
