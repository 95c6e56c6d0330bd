"""Installation of the agent on a host over SSH: scripts, what the host must have, the steps and their way back."""
