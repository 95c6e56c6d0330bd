"""Whatever an image says of itself: it is built on, or refused with a sentence; nothing else comes out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright.core.errors import EdgewrightError
from edgewright.forge.image import bases, content, sign
from edgewright.forge.image.bases import FromLayout, open_layout
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers
from edgewright.forge.registry.spool import Blob, Spool
from edgewright.forge.registry.store import Folder
from edgewright.oci import credentials, media
from edgewright.oci.registry import Manifest

QUIET = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("sha256:" + "a" * 64)
KEYS = st.sampled_from(
    ["mediaType", "config", "layers", "manifests", "digest", "size", "annotations", "platform", "rootfs", "diff_ids"]
)
ANY = st.recursive(
    LEAVES | st.sampled_from([media.OCI_INDEX, media.OCI_MANIFEST, media.OCI_LAYER, media.OCI_CONFIG]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)


def refused_or_fine(call: Any) -> None:
    try:
        call()
    except EdgewrightError as error:
        assert error.message.endswith(".") and "\n" not in error.message


@QUIET
@given(ANY, ANY)
def test_any_document_as_a_manifest(tmp_path: Path, document: Any, config: Any) -> None:
    raw, folder = json.dumps(config).encode(), tmp_path / "blobs/sha256"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(raw).hexdigest()).write_bytes(raw)
    if isinstance(document, dict):
        document["config"] = {"digest": media.digest(raw)}
    data = json.dumps(document).encode()

    def read() -> None:
        manifest = Manifest(data, media.of_manifest(data, ""), media.digest(data))
        manifest = bases.one_platform(manifest, "amd64", "x", lambda digest: manifest)
        FromLayout("x", Folder(tmp_path), manifest)

    refused_or_fine(read)


@QUIET
@given(ANY)
def test_any_document_as_an_index(tmp_path: Path, document: Any) -> None:
    (tmp_path / "index.json").write_text(json.dumps(document))
    for tag in ("", ":tag"):
        where = f"{tmp_path}{tag}"
        refused_or_fine(lambda where=where: open_layout(where, "oci", "amd64", Spool.__new__(Spool), Job()))


@QUIET
@given(st.binary(max_size=3000) | st.binary(max_size=300).map(lambda tail: layers.GZIP + b"\x08\0" + tail))
def test_any_bytes_as_a_layer(data: bytes) -> None:
    class Source:
        layers = (Blob("x", len(data), ""),)

        def read(self, blob: Blob) -> Any:
            return iter([data])

    refused_or_fine(lambda: layers.files(Source(), content.wanted, Job()))


@QUIET
@given(
    st.binary(max_size=400) | st.binary(max_size=80).map(lambda b: b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----" + b)
)
def test_any_bytes_as_a_key(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)
    refused_or_fine(lambda: sign.load_key(path, lambda: b"x"))


LOGINS = st.dictionaries(st.sampled_from(["auth", "username", "password", "identitytoken"]), LEAVES, max_size=3)


@QUIET
@given(
    st.dictionaries(st.sampled_from(["auths", "credsStore"]), LEAVES | st.dictionaries(st.just("r.example"), LOGINS))
)
def test_any_document_as_a_file_of_logins(home: Path, document: Any) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker/config.json").write_text(json.dumps(document))
    refused_or_fine(lambda: credentials.find("r.example", "a"))
