"""Component events and the audit log."""
