"""The catalogue: closed, bounded, constant, understood by every shell; docs/bundle.md has its table."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess

import pytest

from edgewright.clients.ssh.bundle.catalogue.contents import ENTRIES, NEVER, TOTAL
from edgewright.clients.ssh.bundle.entries import MB
from edgewright.clients.ssh.bundle.script import Resume, script
from tests.support import ROOT, missing

WHOLE = script(list(enumerate(ENTRIES)), "0" * 32, ago=3600)


def test_names_and_limits() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES) > 100
    for entry in ENTRIES:
        assert re.fullmatch(r"[a-z][a-z0-9-]*/[A-Za-z0-9._-]+", entry.name), entry.name
        assert 0 < entry.size <= 4 * MB and 0 < entry.seconds <= 120 and 0 < entry.most <= 40
        assert entry.what and "\n" not in entry.what
        if entry.kind in ("file", "glob"):
            assert re.fullmatch(r"/[A-Za-z0-9._/*-]+", entry.source), entry.source
        if entry.kind == "journal":
            assert re.fullmatch(r"-k|[A-Za-z0-9-]+", entry.source)
    assert sum(entry.size * entry.most for entry in ENTRIES if entry.kind != "glob") < TOTAL


def test_it_names_no_file_that_is_never_read() -> None:
    for entry in ENTRIES:
        if entry.kind in ("file", "glob"):
            assert not [pattern for pattern in NEVER if fnmatch.fnmatchcase(entry.source, pattern)], entry.source
    text = WHOLE.decode()
    for part in (
        "/environ ",
        "shadow",
        "get secret",
        "secrets -",
        "helm get",
        "--all-namespaces secret",
        "config view",
    ):
        lines = [line for line in text.splitlines() if part in line and "/etc/gshadow" not in line]
        assert lines == [], part


def test_it_writes_nothing_on_the_host() -> None:
    for line in WHOLE.decode().splitlines():
        for target in re.findall(r"(?<![0-9$<'-])>{1,2}\s*(\S+)", re.sub(r"'[^']*'", "", line)):
            assert target in ("/dev/null", "/dev/null;", "&2", "/dev/null)") or target.startswith(("&", "/dev/null")), (
                line
            )
    assert not re.search(r"\b(?:mktemp|tee|touch|mkdir|rm|mv|cp|sed -i)\b", WHOLE.decode())


@pytest.mark.parametrize("shell", [("sh",), ("bash", "--posix"), ("busybox", "ash"), ("bash",)], ids=" ".join)
def test_every_shell_reads_it(shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        missing("e2e", f"{shell[0]} is not installed")
    done = subprocess.run([*shell, "-n"], input=WHOLE, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_only_checked_values_get_into_it() -> None:
    entries = list(enumerate(ENTRIES))
    for marker, resume in (("x; reboot", None), ("0" * 31, None), ("0" * 32, Resume(0, 1, "x'; reboot"))):
        with pytest.raises(ValueError, match="32 hex digits"):
            script(entries, marker, ago=1, resume=resume)
    with pytest.raises(ValueError, match="out of range"):
        script(entries, "0" * 32, ago=-1)


def test_the_docs_have_the_table_of_contents() -> None:
    text = (ROOT / "docs" / "bundle.md").read_text(encoding="utf-8")
    rows = []
    for entry in ENTRIES:
        source = "a command" if entry.kind == "command" else f"`{entry.shown}`"
        most = f"{entry.most} × " if entry.most > 1 else ""
        root = "yes" if entry.root == "needed" else ""
        rows.append(f"| `{entry.name}` | {entry.what} | {source} | {most}{entry.size // 1024:,} KB | {root} |")
    expected = "\n".join(rows)
    if expected not in text:
        pytest.fail(f"The table of docs/bundle.md is not the catalogue's. It is:\n{expected}", pytrace=False)
