"""Registries and packs on the command line, against a real hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.packs import archive
from tests.cli_support import Cli
from tests.hub.packs.sources import PASSWORD, helm_server
from tests.oci.raw_server import Handler, RawServer, give
from tests.packs.samples import DOCUMENT, MANIFEST, chart_archive, pack_files

Serve = Callable[..., RawServer]
pytestmark = pytest.mark.e2e
"""Some thirty processes: half a minute."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[RawServer] = []

    def start(handler: Handler) -> RawServer:
        running.append(RawServer(handler))
        return running[-1]

    yield start
    for server in running:
        server.close()


def test_the_catalogue(plane: Cli) -> None:
    listed = plane("pack", "list", "layer:cni").out.splitlines()
    assert listed[0].split()[:4] == ["PACK", "VERSION", "LAYER", "KIND"]
    assert [line.split()[0] for line in listed[1:]] == ["cni-cilium", "cni-flannel"]
    assert plane("pack", "list", "layer:k8s", "-o", "name").out == "edge-k3s:1.32.9\nedge-k8s:1.36.3\nedge-k8s:1.35.4\n"
    shown = plane("pack", "show", "edge-k8s:1.36.3")
    assert "registry.k8s.io/etcd:3.6.8-0" in shown.out and shown.code == 0
    two = plane("pack", "show", "edge-k8s")
    assert two.code == 6 and "2 packs are called edge-k8s" in two.err and "NAME:VERSION" in two.err
    near = plane("pack", "show", "podinf")
    assert near.code == 3 and "podinfo" in near.err
    values = plane("pack", "values", "cni-flannel").out
    assert "    podCidr: 100.64.0.0/18\n" in values and values.startswith("pack:\n")
    assert plane("pack", "values", "traefik", "--readme").out.startswith("# Traefik\n")


def test_a_pack_from_a_directory_an_archive_a_chart_and_manifests(plane: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for path, data in pack_files({**DOCUMENT, "name": "from-folder"}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    planned = plane("pack", "import", str(folder), "--plan")
    assert planned.code == 0 and "needs the image registry.example/app:1" in planned.out
    assert plane("pack", "import", str(folder), "--yes").code == 0
    again = plane("pack", "import", str(folder), "--yes")
    assert again.code == 6 and "exists already" in again.err
    for name, data in (
        ("from-archive.tgz", archive.pack(pack_files({**DOCUMENT, "name": "from-archive"}))),
        ("demo-1.2.3.tgz", chart_archive()),
        ("objects-1.0.0.yaml", MANIFEST),
    ):
        (tmp_path / name).write_bytes(data)
        done = plane("pack", "import", str(tmp_path / name), "--yes")
        assert done.code == 0, done.err
    names = plane("pack", "list", "content:stored", "-o", "name").out.split()
    assert sorted(names) == ["demo:1.2.3", "from-archive:2.0.0", "from-folder:2.0.0", "objects:1.0.0"]
    assert plane("pack", "delete", *names, "--yes").code == 0
    assert plane("pack", "delete", "podinfo", "--yes").code == 6


@pytest.mark.parametrize(
    "name, data, code, sentence",
    [
        ("a.tgz", b"x", 7, "not a tar archive"),
        ("a.tgz", archive.pack({"pack.json": b'{"layer": "adon"}'}), 7, "Did you mean addon?"),
        ("a.tgz", archive.pack({"x/templates/a.yaml": b""}), 7, "has no Chart.yaml"),
        ("a.tgz", archive.pack({"x": b""}), 7, "has no pack.json"),
        ("a.tgz", archive.pack({**pack_files(), "charts/demo-1.2.3.tgz": b""}), 7, "not a tar archive"),
        ("a.yaml", b"a: 1\n", 7, "not a Kubernetes manifest"),
        ("", b"", 3, "There is no file"),
    ],
)
def test_what_cannot_be_imported(plane: Cli, tmp_path: Path, name: str, data: bytes, code: int, sentence: str) -> None:
    path = tmp_path / (name or "missing.tgz")
    if name:
        path.write_bytes(data)
    done = plane("pack", "import", str(path), "--yes")
    assert done.code == code and sentence in done.err
    assert plane("pack", "list", "content:stored", "-o", "name").out == ""


def test_a_registry_from_its_addition_to_its_removal(plane: Cli, serve: Serve) -> None:
    server = helm_server(serve)
    address = f"http://{server.host}/repo"
    refused = plane("registry", "add", "charts", address, "--yes")
    assert refused.code == 4 and "is this machine" in refused.err and "--addresses private" in refused.err
    assert server.requests == [] and "charts" not in plane("registry", "list").out
    done = plane("registry", "add", "charts", address, "--addresses", "private", "--yes")
    assert done.code == 0 and "1 packs in 3 versions." in done.out
    assert plane("registry", "check", "charts").code == 0
    assert plane("pack", "list", "registry:charts", "-o", "name").out == "demo:1.3.0-rc.1\n"
    assert plane("registry", "remove", "charts", "--yes").code == 0
    kept = plane("registry", "remove", "Edgewright catalogue", "--yes")
    assert kept.code == 4 and "is shipped with the plane" in kept.err
    nothing = plane("registry", "check", "Edgewright catalogue")
    assert nothing.code == 0 and "there is nothing to check" in nothing.out + nothing.err
    assert " checked" not in nothing.out + nothing.err


@pytest.mark.parametrize(
    "handler, code, sentence",
    [
        (give("503 Busy"), 5, "answers with an error of its own"),
        (give("401 Unauthorized"), 5, "does not accept the login"),
        (give("200 OK", b"<html>"), 7, "is not the index of a Helm repository"),
    ],
)
def test_a_registry_that_fails_is_not_added(
    plane: Cli, serve: Serve, tmp_path: Path, handler: Handler, code: int, sentence: str
) -> None:
    server = serve(handler)
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    login = ("--user", "ana", "--password-file", str(secret), "--addresses", "private")
    done = plane("registry", "add", "bad", f"http://{server.host}", *login, "--yes")
    assert done.code == code and sentence in done.err
    assert PASSWORD not in done.out + done.err
    rows = json.loads(plane("registry", "list", "-o", "json").out)
    assert [row["metadata"]["name"] for row in rows] == ["Edgewright catalogue", "Imported packs"]


def test_what_a_registry_needs(plane: Cli, tmp_path: Path) -> None:
    for words in (("--user", "a"), ("--password-file", "x"), ("--token-file", "x", "--user", "a")):
        assert plane("registry", "add", "x", "registry.example", *words, "--yes").code == 2
    missing = plane("registry", "add", "x", "registry.example", "--ca", str(tmp_path / "no.pem"), "--yes")
    assert missing.code == 3 and "There is no file" in missing.err
    plain = plane("registry", "add", "x", "http://charts.example", "--yes")
    assert plain.code == 7 and "without TLS" in plain.err
    later = plane("registry", "add", "later", "registry.invalid:5000", "--unchecked", "--yes")
    assert later.code == 0 and plane("registry", "remove", "later", "--yes").code == 0
