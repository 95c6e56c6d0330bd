"""Simulated hosts against a real plane."""
