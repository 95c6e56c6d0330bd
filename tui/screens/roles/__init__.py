"""Roles: list and detail."""
