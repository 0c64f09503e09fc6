"""What the example scripts share: data sets, networks, training, export."""
