"""`-o` says how to print, or names the file of a verb that writes one."""

from __future__ import annotations

import pytest

from edgewright.cli import main
from edgewright.cli.command_line import FORMS, take
from edgewright.commands.kernel.base import Command, Param
from edgewright.commands.kernel.grammar import parse


class Writes(Command):
    """Write a file."""

    name = "forge iso"
    params = (Param("out", "the new file", "--out"), Param("base", "the base", "--base"))


class Prints(Command):
    """Print something."""

    name = "forge show"


@pytest.mark.parametrize("form", FORMS)
def test_a_form_stays_a_form(form: str) -> None:
    words = take(["forge", "iso", "-o", form])
    words, rest = main._out(Writes, words, words.rest[1:])
    assert words.options == {"output": form} and rest == ()


@pytest.mark.parametrize(
    "argv", [["forge", "iso", "-o", "a.iso"], ["-o", "a.iso", "forge", "iso"], ["forge", "iso", "-o=a.iso"]]
)
def test_a_file_goes_to_the_verb(argv: list[str]) -> None:
    words = take([*argv, "--base", "b.iso", "-o", "json"])
    words, rest = main._out(Writes, words, words.rest[1:])
    assert words.options == {"output": "json"}
    assert parse(Writes, rest)[1] == {"out": "a.iso", "base": "b.iso"}


def test_a_file_that_looks_like_an_option() -> None:
    words = take(["forge", "iso", "-o", "-a.iso", "--", "x"])
    _, rest = main._out(Writes, words, words.rest[1:])
    assert rest == ("--out=-a.iso", "--", "x")


def test_the_long_name_takes_any_file_name() -> None:
    words = take(["forge", "iso", "--out", "json"])
    assert parse(Writes, words.rest[1:])[1]["out"] == "json"


def test_a_verb_without_a_file_says_what_it_can_print(capsys: pytest.CaptureFixture[str]) -> None:
    words = take(["forge", "show", "-o", "a.iso"])
    words, rest = main._out(Prints, words, words.rest[1:])
    assert words.options == {"output": "a.iso"} and rest == ()
    assert main.run(["host", "list", "-o", "a.iso"]) == 2
    assert "cannot print 'a.iso'" in capsys.readouterr().err
