"""Profiles and macros on the command line, against a real hub: shipped ones, directories in git, images, macros."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgewright.profiles import archive
from tests.cli_support import Cli

pytestmark = pytest.mark.e2e
"""Some fifty processes: half a minute."""


def test_a_shipped_profile_from_the_list_to_a_cluster_definition(plane: Cli, cli: Cli, tmp_path: Path) -> None:
    assert cli("profile", "shipped", "-o", "name").out.split() == [
        "one-node",
        "one-node-k3s",
        "three-control-planes",
        "three-control-planes-addons",
    ]
    listed = cli("profile", "shipped").out
    assert "osImage, treeRef, treeDigest" in listed and "edge-k3s 1.32.9" in listed
    near = plane("profile", "import", "--shipped", "one-nod", "--yes")
    assert near.code == 3 and "the nearest is `one-node`" in near.err
    assert plane("profile", "import", "--yes").code == 2
    done = plane("profile", "import", "--shipped", "one-node", "--yes")
    assert done.code == 0 and "imported as a draft" in done.out
    images = plane("profile", "images", "one-node", "-o", "name").out.splitlines()
    assert images[0] == "{{.spectro.var.osImage}}" and "registry.k8s.io/etcd:3.6.8-0" in images
    table = plane("profile", "images", "one-node").out.splitlines()
    assert "has no value yet" in table[1] and table[0].split() == ["IMAGE", "LAYER", "NAMED", "BY", "STATE"]
    file = tmp_path / "site.tgz"
    written = plane("profile", "definition", "one-node", "--out", str(file), "--yes")
    assert written.code == 0 and "1 profile" in written.out, written.err
    assert file.stat().st_mode & 0o077 == 0
    name, (profile,) = archive.read_archive(file)
    assert (name, profile.label, len(profile.layers)) == ("one-node", "one-node 1.0.0", 4)
    assert plane("profile", "definition", "one-node", "--out", "x.zip", "--yes").code == 7


def test_a_directory_is_applied_once_and_then_nothing_changes(plane: Cli, tmp_path: Path) -> None:
    assert plane("profile", "import", "--shipped", "one-node-k3s", "--yes").code == 0
    git = tmp_path / "git"
    assert plane("profile", "export", "one-node-k3s", "--directory", str(git / "k3s")).code == 0
    same = plane("apply", "-f", str(git / "k3s"))
    assert same.code == 0 and "one-node-k3s 1.0.0: no change." in same.out
    head = git / "k3s" / "profile.yaml"
    head.write_text(head.read_text().replace("version: 1.0.0", "version: 1.1.0"))
    planned = plane("apply", "-f", str(git / "k3s"), "--plan")
    assert planned.code == 0 and "one-node-k3s 1.1.0: new, created as a draft" in planned.out
    assert "one-node-k3s:1.1.0" not in plane("profile", "list", "-o", "name").out.split()
    made = plane("apply", "-f", str(git))
    assert made.code == 0 and "one-node-k3s 1.1.0: created, a draft." in made.out, made.err
    assert "one-node-k3s 1.1.0: no change." in plane("apply", "-f", str(head)).out
    values = git / "k3s" / "layers" / "cni-flannel" / "values.yaml"
    values.write_text(values.read_text() + "# a comment\n")
    changed = plane("apply", "-f", str(git))
    assert "layer cni-flannel: values" in changed.err and "one-node-k3s 1.1.0: changed, a draft." in changed.out
    assert plane("--read-only", "apply", "-f", str(git)).code == 0, "nothing would change"
    values.write_text("- a list\n")
    wrong = plane("apply", "-f", str(git))
    assert wrong.code == 7 and "layer cni-flannel" in wrong.err and "not a map" in wrong.err
    empty = plane("apply", "-f", str(tmp_path / "git" / "k3s" / "layers"))
    assert empty.code == 7 and "has no profile" in empty.err
    assert plane("apply", "-f", str(tmp_path / "missing")).code == 3
    values.unlink()
    refused = plane("--read-only", "apply", "-f", str(git))
    assert refused.code == 4 and "read-only" in refused.err


def test_macros(plane: Cli, tmp_path: Path) -> None:
    assert plane("macro", "set", "site_code", "north", "--yes").code == 0
    same = plane("macro", "set", "site_code", "north", "--plan")
    assert "It has this value already." in same.out
    secret = tmp_path / "secret"
    secret.write_text("hunter-two\n")
    typed = plane("macro", "set", "key", "hunter-two", "--masked", "--yes")
    assert typed.code == 2 and "--file FILE" in typed.err
    planned = plane("macro", "set", "key", "--file", str(secret), "--masked", "--plan")
    assert "hunter-two" not in planned.out and "masked" in planned.out
    assert plane("macro", "set", "key", "--file", str(secret), "--masked", "--yes").code == 0
    assert plane("macro", "set", "key", "--file", "-", "--yes", stdin="hunter-three\n").code == 0
    listed = plane("macro", "list").out
    assert listed.splitlines()[0].split() == ["MACRO", "PROJECT", "KIND", "CHANGED"]
    assert plane("macro", "list", "kind:masked", "-o", "name").out == "key\n"
    shown = plane("macro", "show", "key")
    assert "********" in shown.out and "{{.spectro.macro.key}}" in shown.out
    assert "north" in plane("macro", "show", "site_code").out
    every = [plane("macro", *words, "-o", "json").out for words in (("list",), ("show", "key"))]
    assert "hunter" not in "".join(every) and json.loads(every[1])["spec"]["value"] == "********"
    bad = plane("macro", "set", "two words", "x", "--yes")
    assert bad.code == 7 and "not the name of a macro" in bad.err
    gone = plane("macro", "remove", "site_code", "--yes")
    assert gone.code == 0 and "Macro site_code removed." in gone.out
    assert plane("macro", "remove", "site_code", "--yes").code == 3
    assert plane("macro", "remove", "key", "--yes").code == 0
