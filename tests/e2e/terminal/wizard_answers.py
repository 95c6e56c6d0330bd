"""Valid answers of a small installer; `%s` is the path of its base."""

from __future__ import annotations

ANSWERS = """apiVersion: edgewright/v1
kind: Installer
metadata: {name: shop-7}
answers:
  plane.endpoint: hub.acme.io
  token.text: ewt_9Qm2Wm7XzB4nR8s
  user.keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@x"]
  base.kind: file
  base.path: %s
  output.folder: .
"""
