"""The API that a host serves itself: its session, what it answered as rows, and the verb of the command line."""
