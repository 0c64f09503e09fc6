"""What commands are asked with: their shared options, and the values read from them."""
