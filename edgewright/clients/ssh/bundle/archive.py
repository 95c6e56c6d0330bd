"""From a partial folder to the bundle: one `.tar.gz` with an index, a README and the entries, encrypted if wanted."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from edgewright.clients.ssh.bundle.catalogue.contents import ENTRIES
from edgewright.clients.ssh.bundle.encryption import Encryption
from edgewright.clients.ssh.bundle.entries import Entry
from edgewright.clients.ssh.bundle.partial import Partial, not_written
from edgewright.core import times
from edgewright.core.errors import Conflict
from edgewright.core.slow_files import Check, unchecked

INDEX, README = "index.json", "README.txt"
INDEX_FORMAT = 1
_ODD = re.compile(r"[^A-Za-z0-9._-]+")

_TEXT = """Support bundle of {host}
========================{line}

Read over SSH by Edgewright from {began} on, {seconds:.0f} s{interrupted}.
{present} entries are there, {missing} are missing; {left_out} secrets were left out.

index.json        every entry: what was read, its size and SHA-256, what was left out, why it is missing
edgewright/       the script that ran on the host, and what this console did on the host before
system/ boot/ units/ network/ disk/ time/ ssh/    the host
agent/ palette/ user-data/ journal/ logs/         agents, their settings and logs
kubernetes/ runtime/ etcd/ pods/                  Kubernetes

Secrets are left out by rules, before anything was written to a disk: values of names such as password and token,
private keys, tokens and hashes of known forms, passwords in URLs, long random texts. ******** replaces each. A
secret that has neither such a name nor such a form may still be there: give the bundle to those alone who need it.
Files cut to their end, and journals to their last hours, are marked `cut` in the index.
"""


def file_name(host: str, began: float, *, encrypted: bool) -> str:
    """Return the usual name of a bundle: `edge-1-20261129T160000Z.tar.gz`."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(began))
    return f"{_ODD.sub('-', host).strip('-.')[:80] or 'host'}-{stamp}.tar.gz{'.age' if encrypted else ''}"


def index(partial: Partial, about: Mapping[str, Any], entries: Sequence[Entry] = ENTRIES) -> dict[str, Any]:
    """Return the index. `about` is what is known of the connection."""
    state = partial.state
    records = {record.name: record for record in state.entries}
    listed = []
    for entry in entries:
        record = records.get(entry.name)
        complete = record is not None and record.complete
        document: dict[str, Any] = {"entry": entry.name, "what": entry.what, "kind": entry.kind, "source": entry.shown}
        document["missing"] = (record.reason or None) if record is not None and complete else "not read yet"
        if record is not None:
            document |= {"seconds": record.seconds, "readAgain": record.read_again, "note": record.note}
            document["files"] = [
                {
                    "name": file.name,
                    "bytes": file.bytes,
                    "sha256": file.sha256,
                    "cut": file.cut,
                    "leftOut": file.left_out,
                    **({"status": file.status} if entry.kind == "command" else {}),
                }
                for file in record.files
            ]
        listed.append(document)
    files = [file for document in listed for file in document.get("files", [])]
    return {
        "format": INDEX_FORMAT,
        "host": state.host,
        "target": state.target,
        "began": times.rfc3339(state.began),
        "journalsFrom": times.rfc3339(state.since),
        "journalsTo": times.rfc3339(state.until),
        "clockSkewSeconds": state.skew,
        "seconds": round(state.seconds, 1),
        "interruptions": state.interruptions,
        "root": state.root,
        "way": state.way,
        "bytesReceived": state.received,
        "bytesRead": state.raw,
        "connection": dict(about),
        "present": sum(bool(document.get("files")) for document in listed),
        "missing": sum(document["missing"] is not None and not document.get("files") for document in listed),
        "leftOut": sum(sum(file["leftOut"].values()) for file in files),
        "entries": listed,
    }


def write_bundle(
    partial: Partial,
    target: Path,
    document: Mapping[str, Any],
    extra: Mapping[str, bytes],
    encryption: Encryption | None = None,
    check: Check = unchecked,
) -> int:
    """Write the bundle and return its size in bytes. `extra`: further files by name, free of secrets; blocks.

    `check` is that of `in_thread`. It is written beside `target` and renamed. Raises `Conflict` where `target` exists,
    `Failed`.
    """
    if target.exists() or target.is_symlink():
        raise Conflict(f"{target} exists already.", "Give another --out, or move it.", "FileExists")
    new = target.with_name(f".{target.name}.new")
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if encryption is not None:
                    encryption.run(lambda plain: _write(partial, plain, document, extra, check), file)
                else:
                    _write(partial, file, document, extra, check)
                file.flush()
                os.fsync(file.fileno())
            _place(new, target)
        finally:
            new.unlink(missing_ok=True)
        return target.stat().st_size
    except FileExistsError:
        raise Conflict(f"{target} exists already.", "Give another --out, or move it.", "FileExists") from None
    except OSError as error:
        raise not_written(target, error) from None


def _place(new: Path, target: Path) -> None:
    """Give the file its name, and never replace a file that came meanwhile."""
    try:
        os.link(new, target)
    except FileExistsError:
        raise
    except OSError:  # FAT and some shares have no hard links
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        new.replace(target)


class _Checked:
    """A file that can be stopped while it is read."""

    def __init__(self, file: IO[bytes], check: Check) -> None:
        self._file, self._check = file, check

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raises what `check` raises."""
        self._check()
        return self._file.read(size)


def _write(
    partial: Partial,
    target: IO[bytes],
    document: Mapping[str, Any],
    extra: Mapping[str, bytes],
    check: Check,
) -> None:
    state = partial.state
    folder = file_name(state.host or state.target, state.began, encrypted=False).removesuffix(".tar.gz")
    text = _TEXT.format(
        host=state.host or state.target,
        line="=" * len(state.host or state.target),
        began=document["began"],
        seconds=state.seconds,
        interrupted=f", {state.interruptions} times interrupted" if state.interruptions else "",
        present=document["present"],
        missing=document["missing"],
        left_out=document["leftOut"],
    )
    first = {INDEX: json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n", README: text.encode()}
    with tarfile.open(fileobj=target, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
        for name, data in {**first, **extra}.items():
            tar.addfile(_info(f"{folder}/{name}", len(data), state.began), io.BytesIO(data))
        for record in state.entries:
            for file in record.files:
                with partial.path(file).open("rb") as source:
                    tar.addfile(_info(f"{folder}/{file.name}", file.bytes, state.began), _Checked(source, check))


def _info(name: str, size: int, when: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(when), 0o600
    return info
