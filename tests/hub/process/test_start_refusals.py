"""What keeps a hub from starting is told in one sentence that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.core.errors import EdgewrightError, Failed
from edgewright.hub.db.engines import open_engines
from edgewright.hub.security import pki
from tests.postgres import Cluster


def test_a_torn_authority_is_named_in_plain_words(tmp_path: Path) -> None:
    pki.ensure_certificates(tmp_path, ())
    (tmp_path / "ca.key").write_bytes(b"-----BEGIN")
    with pytest.raises(Failed, match=r"is damaged \(ca.crt, ca.key\): one of them is not complete\."):
        pki.ensure_certificates(tmp_path, ())
    (tmp_path / "ca.key").unlink()
    with pytest.raises(Failed, match=r"ca\.key is missing"):
        pki.ensure_certificates(tmp_path, ())


@pytest.mark.parametrize("url", ["foo://bar", "mysql://u:secret@h/d"])
def test_an_unknown_kind_of_database_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(EdgewrightError) as told:
        open_engines(tmp_path, url)
    assert told.value.message.startswith("There is no hub data in ")
    assert "secret" not in told.value.message


@pytest.mark.e2e
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_store_every_text_is_refused(tmp_path: Path, postgres: Cluster, encoding: str) -> None:
    """The driver gave bytes for text of such a database, and the hub ended with a traceback."""
    name = f"old_{encoding.lower()}"
    postgres.psql("postgres", f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    with pytest.raises(Failed, match=f"The database {name} has the encoding {encoding}; a hub needs UTF8") as refused:
        open_engines(tmp_path, postgres.url(name))
    assert "ENCODING 'UTF8' TEMPLATE template0" in refused.value.hint
