"""Shells on hosts: the session, what it shows where, its recording, and the recordings of before."""
