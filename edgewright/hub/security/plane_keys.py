"""The keys of a plane: they belong to its database, wrapped by a key file, so that every hub of it has the same.

The table `plane_keys` has the key that seals tokens and signs sessions, and the CA with its private key. What is secret
in it is encrypted by `secret.key` of the data directory, the one file that a further machine needs: with it, an empty
directory on a known database becomes a hub of that plane. CA files in a directory are copies.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet
from sqlalchemy import Connection, Engine, inspect, select

from edgewright.core.errors import Failed
from edgewright.hub.db import schema
from edgewright.hub.process.files import PUBLIC, write_atomically
from edgewright.hub.security import pki
from edgewright.hub.security.secretbox import KEY_FILE, SecretBox

BOX_KEY: Final = "box_key"
_CA_FILES: Final = {pki.CA_KEY: "ca_key", pki.CA_CERT: "ca_certificate"}
"""Names of the files, the private key first: a cut between the two leaves a pair that the next start writes again."""
_SECRET: Final = frozenset({BOX_KEY, "ca_key"})
_TABLE: Final = schema.plane_keys


def read(connection: Connection) -> dict[str, str]:
    """Return what the database has, wrapped; empty for one that was not migrated yet."""
    if not inspect(connection).has_table(_TABLE.name):
        return {}
    return {row.name: row.value for row in connection.execute(select(_TABLE))}


def has_ca(stored: Mapping[str, str]) -> bool:
    """Return whether the database has the CA: then a directory without it takes it from there."""
    return all(name in stored for name in _CA_FILES.values())


def fetch_ca(stored: Mapping[str, str], wrap: SecretBox, data: Path) -> bool:
    """Write the CA of the database into the data directory where it has another one or none; returns whether it did.

    Raises `Failed` when the key file does not open it.
    """
    if not has_ca(stored):
        return False
    written = False
    for file, name in _CA_FILES.items():
        content = _opened(stored, name, wrap, data).encode()
        if not (data / file).exists() or (data / file).read_bytes() != content:
            write_atomically(data / file, content, *((PUBLIC,) if file == pki.CA_CERT else ()))
            written = True
    return written


def _opened(stored: Mapping[str, str], name: str, wrap: SecretBox, data: Path) -> str:
    text = wrap.unseal(stored[name]) if name in _SECRET else stored[name]
    if text:
        return text
    raise Failed(
        f"The keys in the database are damaged: {data / KEY_FILE} is theirs and does not open {name}.",
        "Restore a backup of the database.",
        code="DamagedKeys",
    )


def store(engine: Engine, wrap: SecretBox, data: Path, *, in_use: bool) -> SecretBox:
    """Store the CA of the data directory and, at the first start, the key of the box; returns the box.

    A database that was used before with `secret.key` itself continues with it as the key of its box: what it sealed
    stays readable.
    """
    with engine.begin() as connection:
        stored = read(connection)
        if BOX_KEY not in stored:
            key = wrap.key if in_use else Fernet.generate_key()
            _put(connection, stored, BOX_KEY, wrap.seal(key.decode()))
            stored = read(connection)
        for file, name in _CA_FILES.items():
            text = (data / file).read_text()
            if name not in stored or _opened(stored, name, wrap, data) != text:
                _put(connection, stored, name, wrap.seal(text) if name in _SECRET else text)
    return SecretBox(_opened(stored, BOX_KEY, wrap, data).encode())


def _put(connection: Connection, stored: Mapping[str, str], name: str, value: str) -> None:
    if name in stored:
        connection.execute(_TABLE.update().where(_TABLE.c.name == name).values(value=value))
    else:
        connection.execute(_TABLE.insert().values(name=name, value=value))
