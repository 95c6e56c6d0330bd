"""What the read model contains: rows and how they are made, selected and grouped."""
