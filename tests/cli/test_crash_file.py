"""The file that a crash leaves: it shows where, and none of the secrets that the program had at that moment."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.cli import crash, errors
from tui.terminal.crash import StoresDefect

PASSWORD, TOKEN = "hunter2-canary", "ew_canary_0123456789abcdefghij"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIcanaryMIIcanaryMIIcanary12\nCanaryCanary34Canary==\n-----END PRIVATE KEY-----\n"
KUBECONFIG = f"users:\n- name: admin\n  user:\n    client-key-data: Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5\n    token: {TOKEN}\n"
CANARIES = (PASSWORD, TOKEN, "MIIcanary", "CanaryCanary34", "Y2FuYXJ5")


def in_a_message(message: Callable[[], str]) -> Callable[[], None]:
    def fail() -> None:
        password, api_key, kubeconfig, key = PASSWORD, TOKEN, KUBECONFIG, PEM
        assert password and api_key and kubeconfig and key
        raise ValueError(message())

    return fail


def of_a_key() -> None:
    headers = {"ApiKey": TOKEN, "password": PASSWORD}
    raise KeyError(headers["ApiKey"], headers["password"])


def of_a_cause() -> None:
    try:
        in_a_message(lambda: f"cannot log in with {PASSWORD}")()
    except ValueError as error:
        raise RuntimeError(f"The store ended: {error}") from error


def of_a_group() -> None:
    wrong: list[Exception] = []
    for fail in (of_a_key, of_a_cause):
        try:
            fail()
        except Exception as error:
            wrong.append(error)
    raise ExceptionGroup(f"two of {PASSWORD}", wrong)


def from_another_place() -> None:
    """No variable here has the name of a secret: only its form shows it."""
    answer = f"GET https://ops:{PASSWORD}@plane/v1?token={TOKEN}: Authorization: Bearer {TOKEN}"
    raise ValueError(answer + f" apiKey='{TOKEN}' {{'password': '{PASSWORD}'}} {TOKEN}\n{PEM}{KUBECONFIG}")


CRASHES = [
    in_a_message(lambda: f"invalid literal: {PASSWORD!r}"),
    in_a_message(lambda: f"bad key {PEM!r} of\n{PEM}"),
    in_a_message(lambda: f"cannot read\n{KUBECONFIG}"),
    in_a_message(lambda: f'  File "{PASSWORD}", line 1, in {TOKEN}'),
    of_a_key,
    of_a_cause,
    of_a_group,
    from_another_place,
]


class Dying(StoresDefect):
    """A console that dies of an exception in a handler."""

    def __init__(self, fail: Callable[[], None]) -> None:
        super().__init__()
        self._fail = fail

    def on_mount(self) -> None:
        self._fail()


async def die(app: Dying) -> None:
    try:
        async with app.run_test() as pilot:
            await pilot.pause()
    except Exception as error:
        assert error is app.defect, error


@pytest.mark.parametrize("fail", CRASHES)
def test_no_secret_of_a_console_is_in_its_crash_file_or_on_the_terminal(
    fail: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path / "home"))
    app = Dying(fail)
    asyncio.run(die(app))
    assert app.defect is not None, "the console died of it"
    try:
        raise app.defect
    except Exception as error:
        errors.end(error, ["demo", f"--token={TOKEN}"])
    shown = "".join(capsys.readouterr())
    (path,) = tmp_path.rglob("crashes/*.log")
    text = path.read_text()
    assert [canary for canary in CANARIES if canary in text + shown] == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "test_crash_file.py" in text and type(app.defect).__name__ in text and "self._fail()" in text


@pytest.mark.parametrize(
    "line",
    [
        "KeyError: 'edge-host-name'",
        "ValueError: invalid literal for int() with base 10: '12x'",
        "    raise InternalProblemOfTheStore(self.generation)",
        "FileNotFoundError: [Errno 2] No such file or directory: '/home/ana/answers.yaml'",
        "Failed: the token is older than the plane",
        "AttributeError: 'NoneType' object has no attribute 'token_list'",
    ],
)
def test_what_is_no_secret_stays_readable(line: str) -> None:
    assert crash.covered(line) == line


def test_a_crash_file_is_bounded_and_ends_with_the_message() -> None:
    def deep(value: Any, left: int) -> None:
        if left:
            deep(value, left - 1)
        raise ValueError("x" * 3_000_000 + " the end")

    try:
        deep({}, 50)
    except ValueError as error:
        text = crash.text_of(error)
    assert len(text) < 300_000 and text.rstrip().endswith("the end")


@pytest.mark.parametrize("piece", ["=", "passw", "a1", "-----BEGIN x"])
def test_a_long_message_is_cut_and_takes_no_minutes(piece: str) -> None:
    """Patterns that look ahead take the square of a line's length: 150,000 signs took minutes."""
    text = crash.text_of(ValueError(f"a reason {piece * (150_000 // len(piece))} {TOKEN}"))
    assert "a reason" in text and len(text) < 5_000 and TOKEN not in text
