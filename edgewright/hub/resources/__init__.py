"""Resources of the hub's API, one package per noun."""
