"""What runs on the edge host (standard library, core and wire only; Python 3.9)."""
