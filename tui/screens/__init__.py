"""Screens, one public class per file."""
