"""Registry client for the OCI distribution API: one implementation for forge, hub and agent.

Standard library and `edgewright.core` only, Python 3.9+. Blocking: callers with an event loop use a worker thread.
`registry.Registry` is one repository, `pull` reads blobs, `push` writes them, `access.Access` decides TLS, login,
proxies and mirrors. Every failure is an `EdgewrightError`.
"""
