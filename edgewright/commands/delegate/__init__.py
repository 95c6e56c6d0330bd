"""Verbs that are programs of their own: hub, agent, lab."""
