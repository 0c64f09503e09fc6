"""The command `information`: region and volume information of one network or run."""
