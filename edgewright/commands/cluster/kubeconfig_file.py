"""The user's own kubeconfig file: a cluster of the plane is added to it or replaced, everything else stays."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgewright.config.locations import ensure
from edgewright.core.errors import Conflict, Failed, InvalidInput
from edgewright.core.small_file import local_path
from edgewright.forge.secret_files import write_secret
from edgewright.yamltext.documents import read_one
from edgewright.yamltext.writer import write

Json = dict[str, Any]
LISTS = (("clusters", "cluster"), ("users", "user"), ("contexts", "context"))
SERVER_NAME = "kubernetes"
"""In the certificate of every API server that kubeadm made: the file works through any tunnel."""

LOCK_WITHIN = 5.0
"""Seconds for which a merge waits for another program that changes the file."""


def default_path() -> Path:
    """Return the file that kubectl changes: the first of KUBECONFIG, else ~/.kube/config."""
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return local_path(first).absolute() if first else Path.home() / ".kube" / "config"


def merge_into(path: Path, name: str, content: str) -> str:
    """Add a cluster to a file (0600, written completely or not at all); returns the name of its context.

    A link stays one, and so do the rights of a folder that is there. Raises `InvalidInput` for a file that is not a
    kubeconfig: it stays unchanged; `Conflict` while another program changes it.
    """
    real = Path(os.path.realpath(path))
    for folder in (path.parent, real.parent):
        if not folder.exists():
            ensure(folder)
    with _locked(path):
        try:
            before = real.read_text("utf-8") if real.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise Failed(f"{real} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}.") from None
        write_secret(real, merged(before, name, content, str(real)).encode())
    return name


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Have the file to ourselves, by the lock that kubectl uses for it (client-go, `clientcmd.ModifyConfig`).

    Without it two programs that read before either writes lose the cluster of one. Raises `Conflict`, `Failed`.
    """
    lock = Path(f"{path}.lock")
    latest = time.monotonic() + LOCK_WITHIN
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > latest:
                hint = f"If no program changes it now, remove its lock: rm {shlex.quote(str(lock))}"
                raise Conflict(f"{path} is being changed by another program.", hint) from None
            time.sleep(0.05)
        except OSError as error:
            why = error.strerror or str(error)
            raise Failed(f"{lock} cannot be written: {why}.", "Check space and rights.") from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def merged(before: str, name: str, content: str, shown: str = "The kubeconfig") -> str:
    """Return the text of a kubeconfig with a cluster in it, under a name of its own; the current context stays."""
    added = read_one(content, "The kubeconfig of the plane")
    document = read_one(before, shown) if before.strip() else {"apiVersion": "v1", "kind": "Config"}
    if not isinstance(added, dict) or not isinstance(document, dict) or document.get("kind", "Config") != "Config":
        raise InvalidInput(f"{shown} is not a kubeconfig.", "Name another file with --out.")
    try:
        cluster, user = added["clusters"][0]["cluster"], added["users"][0]["user"]
    except (KeyError, IndexError, TypeError):
        raise InvalidInput("The kubeconfig of the plane has no cluster and user.", "Ask again in a minute.") from None
    values = {
        "clusters": {**cluster, "tls-server-name": SERVER_NAME},
        "users": user,
        "contexts": {"cluster": name, "user": name},
    }
    for key, inner in LISTS:
        listed = document.get(key) or []
        if not isinstance(listed, list):
            raise InvalidInput(f"{shown}: {key} is not a list.", "Correct the file, or name another one with --out.")
        others = [entry for entry in listed if not (isinstance(entry, dict) and entry.get("name") == name)]
        document[key] = [*others, {"name": name, inner: values[key]}]
    if not document.get("current-context"):
        document["current-context"] = name
    return write(document)
