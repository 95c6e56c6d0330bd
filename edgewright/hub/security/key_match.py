"""Whether keys and database belong together: a hub that starts with other keys locks out every host in silence.

The database has a check value of `secret.key` (an HMAC, useless for anything else) and the fingerprint of the CA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, inspect, select

from edgewright.core.errors import Failed
from edgewright.hub.db import schema
from edgewright.hub.db.data_directory import database_lost, used_before
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.security import pki, plane_keys
from edgewright.hub.security.secretbox import KEY_FILE, SecretBox

KEY_CHECK, CA_FINGERPRINT = "key_check", "ca_fingerprint"
_SAMPLE = 20
"""Sealed tokens to try against a key, in a database of v0.1.0, which has no check value."""


@dataclass(frozen=True)
class Stored:
    """What a database contains about the keys that it belongs to."""

    in_use: bool
    key_check: str
    ca_fingerprint: str
    sealed: tuple[str, ...]
    keys: Mapping[str, str]
    """What `plane_keys` has."""


def read(engine: Engine) -> Stored:
    """Read it; also from a database that was not migrated yet, and from an empty one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("settings"):
            return Stored(False, "", "", (), {})
        settings = {row.key: row.value for row in connection.execute(select(schema.settings))}
        sealed: tuple[str, ...] = ()
        if "tenant_uid" in settings and KEY_CHECK not in settings:
            sealed = tuple(connection.execute(select(schema.tokens.c.secret_encrypted).limit(_SAMPLE)).scalars())
        in_use, check, ca = "tenant_uid" in settings, settings.get(KEY_CHECK, ""), settings.get(CA_FINGERPRINT, "")
        return Stored(in_use, check, ca, sealed, plane_keys.read(connection))


def check(options: ServeOptions, stored: Stored) -> None:
    """Raise `Failed` when the key file is missing or that of another database, or a CA that only the directory had."""
    data = options.data
    if not stored.in_use:
        shown = used_before(data)
        if shown:
            raise database_lost("The database has no records", data, shown)
        return
    _check_missing(options, stored)
    wrap = SecretBox.open(data)
    others = bool(stored.sealed) and not any(wrap.unseal(sealed) for sealed in stored.sealed)
    if (stored.key_check and stored.key_check != wrap.key_check) or others:
        raise Failed(
            f"{data / KEY_FILE} is not the key of this database: its registration tokens were sealed with another.",
            "Copy the keys from the data directory that was used with this database, or restore its backup.",
            code="WrongKey",
        )
    if plane_keys.has_ca(stored.keys):
        return  # what the directory has is a copy
    if stored.ca_fingerprint and not options.new_ca and pki.ca_fingerprint(data) not in ("", stored.ca_fingerprint):
        raise Failed(
            f"{data / pki.CA_CERT} is not the authority of this database: its hosts and consoles trust another.",
            f"Copy {pki.CA_CERT} and {pki.CA_KEY} from the data directory that was used with this database, or "
            f"{pki.NEW_CA}.",
            code="WrongCA",
        )


def _check_missing(options: ServeOptions, stored: Stored) -> None:
    alone = options.new_ca or plane_keys.has_ca(stored.keys)
    needed = (KEY_FILE,) if alone else (KEY_FILE, pki.CA_CERT, pki.CA_KEY)
    missing = [name for name in needed if not (options.data / name).exists()]
    if not missing:
        return
    names = ", ".join(missing[:-1]) + (" and " if missing[:-1] else "") + missing[-1]
    verb = "are" if missing[1:] else "is"
    key, them = KEY_FILE in missing, "them" if missing[1:] else "it"
    raise Failed(
        f"{names} {verb} missing in {options.data}, and this database was used with {them}.",
        f"Copy {them} from the data directory that was used with this database, or restore a backup into a new "
        f"directory (edgewright hub restore){'' if key else f', or {pki.NEW_CA}'}.",
        code="MissingKey" if key else "MissingCA",
    )


def store(engine: Engine, wrap: SecretBox, data: Path) -> None:
    """Write into the database which key file and CA it is used with from now on."""
    table = schema.settings
    with engine.begin() as connection:
        for key, value in ((KEY_CHECK, wrap.key_check), (CA_FINGERPRINT, pki.ca_fingerprint(data))):
            if not connection.execute(table.update().where(table.c.key == key).values(value=value)).rowcount:
                connection.execute(table.insert().values(key=key, value=value))
