"""Network settings of a site: shown, changed by forms, confirmed in time."""
