"""A terminal of a host inside the console: emulation, keys, view, screen."""
