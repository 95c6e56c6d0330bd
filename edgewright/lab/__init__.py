"""A small real fleet on this machine, driven through the product's command line only."""
