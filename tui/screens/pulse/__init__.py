"""The start screen: problems first."""
