"""Readers of packs: directories, archives, registries, Helm repositories, manifests, and the built-in catalogue.

Uses core, wire, oci and yamltext; hub and commands use it. Blocking: callers with an event loop use a worker thread.
Everything is bounded and read into memory; nothing is written anywhere. Every failure is an `EdgewrightError`.
"""
