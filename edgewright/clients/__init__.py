"""Clients of the planes and hosts: each turns a protocol into typed documents and plain errors."""
