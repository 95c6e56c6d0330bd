"""Users: who they are, their roles, activation, end."""
