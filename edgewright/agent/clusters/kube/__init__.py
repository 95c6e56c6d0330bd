"""Kubernetes itself: configuration, init, join, leader, release."""
