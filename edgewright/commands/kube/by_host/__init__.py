"""The API of a cluster that one of its hosts reaches, over SSH and without a plane."""
