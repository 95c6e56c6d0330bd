"""Commands that a user typed, run by the user's shell on a host as ssh does."""
