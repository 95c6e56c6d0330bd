"""Users, sessions, API keys and projects."""
