"""Pages of a site that is open by SSH."""
