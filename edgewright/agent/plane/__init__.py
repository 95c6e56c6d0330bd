"""The agent's link to the management plane."""
