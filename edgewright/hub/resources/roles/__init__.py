"""The fixed roles admin, operator and viewer."""
