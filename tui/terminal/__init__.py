"""The one place that touches private Textual API; each place with its test."""
