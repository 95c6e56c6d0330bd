"""From the output of probes to facts, by subject: what cannot be read is unknown, never healthy."""
