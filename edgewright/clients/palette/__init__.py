"""The client of Palette's API, one module per resource."""
