"""Boot of a host that is open: its state for the console, and the verbs that set its next boot."""
