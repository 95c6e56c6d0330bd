"""The change log: every committed change as a numbered row, in the order of the commits."""
