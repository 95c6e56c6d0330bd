"""Small packs and charts for tests."""

from __future__ import annotations

import json
from typing import Any

from edgewright.packs import archive

CHART_YAML = b"apiVersion: v2\nname: demo\nversion: 1.2.3\nappVersion: 7.0\ndescription: A demo\n"
VALUES = b"# how many\nreplicas: 1\nimage:\n  tag: '7.0'\n"
CHART = {
    "Chart.yaml": CHART_YAML,
    "values.yaml": VALUES,
    "README.md": b"# Demo\n",
    "templates/a.yaml": b"kind: {{ .x }}\n",
}
MANIFEST = b"""apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  template:
    spec:
      containers:
        - image: registry.example/app:1
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
"""
DOCUMENT = {
    "name": "demo-pack",
    "displayName": "Demo",
    "version": "2.0.0",
    "layer": "addon",
    "cloudTypes": ["all"],
    "charts": ["charts/demo-1.2.3.tgz"],
    "kubeManifests": ["manifests/a.yaml"],
}


def chart_archive(**changes: bytes) -> bytes:
    """Return the archive of a chart; `changes` replace files by their name without its ending (`Chart=b""`)."""
    files = {path: changes.get(path.partition(".")[0], data) for path, data in CHART.items()}
    return archive.pack(files, "demo")


def pack_files(document: Any = DOCUMENT, **more: bytes) -> dict[str, bytes]:
    """Return the files of a pack; `more` are files by name, `__` for `/` and `_` for `.`: `presets_yaml=...`."""
    return {
        "pack.json": document if isinstance(document, bytes) else json.dumps(document).encode(),
        "values.yaml": b"pack:\n  content:\n    images:\n      - image: registry.example/other:2\n",
        "README.md": b"# Demo\n",
        "charts/demo-1.2.3.tgz": chart_archive(),
        "manifests/a.yaml": MANIFEST,
        **{name.replace("__", "/").replace("_", "."): data for name, data in more.items()},
    }
