"""Health alerts: problems found on the plane, sent to receivers through a durable outbox (rule P58)."""
