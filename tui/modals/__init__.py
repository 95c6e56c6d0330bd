"""Dialogs that ask for a decision."""
