"""A site that is open by SSH: what is wrong with the host, and its logs."""
