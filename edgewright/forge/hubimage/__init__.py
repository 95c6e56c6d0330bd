"""The container image of the hub: a base with Python, the libraries that run here, and the hub."""
