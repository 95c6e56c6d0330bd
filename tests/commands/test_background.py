"""Verbs in the background: a real verb of the forge, in a process of its own, with its record."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgewright.commands.forge import background
from edgewright.core.errors import InvalidInput, NotFound, UsageError
from edgewright.forge import builds
from tests.forge.isos import USER_DATA, kairos_iso


def finished(build_id: str) -> builds.Build:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if (build := builds.find(build_id)).over:
            return build
        time.sleep(0.05)
    raise AssertionError(builds.last_lines(builds.find(build_id)))


def test_a_verb_is_done_in_the_background_with_its_steps(tmp_path: Path) -> None:
    base, data, out = kairos_iso(tmp_path), tmp_path / "user-data", tmp_path / "out.iso"
    data.write_bytes(USER_DATA)
    words = ["forge", "iso", "--base", str(base), "--user-data", str(data), "--out", str(out), "--offline"]
    build = finished(builds.start("iso", "out", words))
    assert (build.state, build.outputs) == ("done", (str(out),)), builds.last_lines(build)
    assert build.label == "checked"
    assert any(line.endswith(" verifying the ISO") for line in builds.last_lines(build))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["forge", "identify", "/nowhere.iso"], "nowhere.iso"),
        (["forge", "nothing"], "no verb"),
        (["build", "delete", "x"], "There is no build|needs confirmation"),
        (["forge", "iso", "--what"], "arguments|unrecognized|required"),
    ],
)
def test_what_goes_wrong_is_in_the_record(words: list[str], says: str) -> None:
    import re

    build = finished(builds.start("iso", "x", words))
    assert build.state == "failed" and build.error is not None
    assert re.search(says, build.error["message"]), build.error


def test_words_are_a_verb_of_the_command_line(tmp_path: Path) -> None:
    command, _, args = background.verb_of(["apply", "-f", "x"])
    assert command.name == "apply" and args["file"] == "x"
    for words in ([], ["hub", "serve"], ["tokens"], ["forge"]):
        with pytest.raises(InvalidInput, match="no verb"):
            background.verb_of(words)
    with pytest.raises(UsageError):
        background.verb_of(["forge", "iso"])
    with pytest.raises(NotFound):
        builds.arguments_of(tmp_path)
