"""The console on a real sshd with PAM in a real terminal: questions, what ends them, and shells with real programs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.e2e.console import Terminal
from tests.e2e.fleet import command_environment, product
from tests.e2e.ssh.test_users import PASSWORD, USER, Server, allowed, etc, openssh
from tests.support import missing

__all__ = ["allowed", "etc", "key_files"]
pytestmark = [pytest.mark.e2e]

SECOND = ("UsePAM yes", "KbdInteractiveAuthentication yes", "AuthenticationMethods publickey,keyboard-interactive")
BY_PASSWORD = ("UsePAM yes", "PasswordAuthentication yes", "KbdInteractiveAuthentication no", "PubkeyAuthentication no")
QUESTIONS = {"host key": "Accept it", "password": "assword", "second factor": "Password:"}


class Field:
    """A user's home with settings for servers, and consoles in terminals of their own."""

    def __init__(self, home: Path, key: Path) -> None:
        self.home, self.key = home, key
        (home / ".ssh").mkdir(mode=0o700)
        self.laptop = Laptop(home / ".ssh")
        self.env = {**command_environment(home), "EDGEWRIGHT_HOME": str(home / "ew"), "TERM": "xterm-256color"}
        self.terminals: list[Terminal] = []

    def knows(self, name: str, server: Server, *lines: str) -> None:
        """Write the settings of a host; its key is accepted unless `lines` has another rule."""
        strict = any(line.startswith("StrictHostKeyChecking") for line in lines)
        rule = () if strict else ("StrictHostKeyChecking accept-new",)
        files = f"UserKnownHostsFile {self.home}/.ssh/known_hosts"
        self.laptop.block(name, server.port, self.key, files, *rule, *lines, user=USER)
        config = self.home / ".ssh" / "config"
        config.write_text(self.laptop.text)
        config.chmod(0o600)

    def open(self, *words: str, size: tuple[int, int] = (80, 24)) -> Terminal:
        terminal = Terminal(self.env, ("site", "open", *words), size)
        self.terminals.append(terminal)
        return terminal

    def recordings(self) -> list[Path]:
        return sorted((self.home / "ew" / "state" / "recordings").glob("*.cast"))


@pytest.fixture
def field(tmp_path: Path, allowed: Path) -> Iterator[Field]:
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    made = Field(tmp_path, allowed)
    yield made
    for terminal in made.terminals:
        terminal.close()


def serve(etc: Path, key_files: dict[str, Path], lines: tuple[str, ...] = ("UsePAM no",)) -> Server:
    return openssh(etc, key_files["host-ed25519"], *lines)


def until(truth: Callable[[], object], what: str, patience: float = 10.0) -> None:
    end = time.monotonic() + patience
    while not truth():
        assert time.monotonic() < end, f"not so within {patience:g} s: {what}"
        time.sleep(0.05)


def echoes(terminal: Terminal) -> bool:
    """Whether the terminal shows what is typed: a question has left it as it was."""
    name = terminal._tmux("list-panes", "-t", "console", "-F", "#{pane_tty}").strip()
    modes = subprocess.run(["stty", "-F", name, "-a"], capture_output=True, text=True, check=True).stdout
    return re.search(r"(?<!-)\becho\b", modes) is not None and re.search(r"(?<!-)\bicanon\b", modes) is not None


def asked(field: Field, etc: Path, key_files: dict[str, Path], question: str) -> Server:
    """Return a server that asks this."""
    if question == "host key":
        server = serve(etc, key_files)
        field.knows("edge1", server, "StrictHostKeyChecking ask")
    else:
        server = serve(etc, key_files, BY_PASSWORD if question == "password" else SECOND)
        field.knows("edge1", server)
    return server


def secrets_of(field: Field) -> list[Path]:
    """Return the files of the product that have the password."""
    files = [path for path in (field.home / "ew").rglob("*") if path.is_file()]
    return [path for path in files if PASSWORD.encode() in path.read_bytes()]


@pytest.mark.core
def test_a_password_and_a_second_factor_before_the_full_screen(
    field: Field, etc: Path, key_files: dict[str, Path]
) -> None:
    for question in ("password", "second factor"):
        server = asked(field, etc, key_files, question)
        try:
            terminal = field.open("edge1")
            terminal.wait(QUESTIONS[question])
            if question == "password":
                terminal.press("wrong", "Enter")
                until(lambda t=terminal: t.screen().count("assword") >= 2, "asked again")  # type: ignore[misc]
            terminal.press(PASSWORD, "Enter")
            screen = terminal.wait("site edge1", "• open")
            assert PASSWORD not in screen
            terminal.press("Escape", "Escape")
            terminal.press("C-q")
            terminal.wait("console ended with 0")
            assert PASSWORD not in terminal.screen() and echoes(terminal)
        finally:
            server.stop()
        field.laptop.text = ""
    assert secrets_of(field) == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_interrupt_at_a_question_ends_with_the_terminal_as_it_was(
    question: str, field: Field, etc: Path, key_files: dict[str, Path]
) -> None:
    server = asked(field, etc, key_files, question)
    try:
        terminal = field.open("edge1")
        terminal.wait(QUESTIONS[question])
        terminal.press("C-c")
        screen = terminal.wait("console ended with 130", patience=5)
        assert "Traceback" not in screen and echoes(terminal)
    finally:
        server.stop()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_terminal_that_is_closed_at_a_question_leaves_no_process(
    question: str, field: Field, etc: Path, key_files: dict[str, Path]
) -> None:
    server = asked(field, etc, key_files, question)
    try:
        terminal = field.open("edge1")
        terminal.wait(QUESTIONS[question])
        pid = terminal.pid
        terminal.close()
        until(lambda: not Path(f"/proc/{pid}").exists(), "the console has ended", 6)
    finally:
        server.stop()


@pytest.mark.parametrize("question", ["password", "second factor"])
@pytest.mark.parametrize("answer", ["right", "interrupt", "closed"])
def test_a_question_in_the_terminal_that_the_console_lends(
    question: str, answer: str, field: Field, etc: Path, key_files: dict[str, Path]
) -> None:
    first, second = serve(etc, key_files), asked(field, etc, key_files, question)
    try:
        field.knows("edge2", first)
        terminal = field.open("edge2")
        terminal.wait("site edge2", "• open")
        pid = terminal.pid
        terminal.press(":", "site open edge1", "Enter")
        terminal.wait(QUESTIONS[question], "A site is opened by SSH")
        if answer == "right":
            terminal.press(PASSWORD, "Enter")
            screen = terminal.wait("site edge1", "• open")
            assert PASSWORD not in screen
            return
        if answer == "closed":
            terminal.close()
            until(lambda: not Path(f"/proc/{pid}").exists(), "the console has ended", 6)
            return
        terminal.press("C-c")
        terminal.press("C-d")
        screen = terminal.wait("site edge1", "connects again")
        assert "Traceback" not in screen and Path(f"/proc/{pid}").exists()
    finally:
        first.stop()
        second.stop()


@pytest.fixture
def shell(field: Field, etc: Path, key_files: dict[str, Path]) -> Iterator[Terminal]:
    """A shell of a host inside the console."""
    server = serve(etc, key_files)
    field.knows("edge1", server)
    terminal = field.open("edge1")
    terminal.wait("• open", "! shell")
    terminal.press("!")
    terminal.wait("ctrl+]", "recorded")
    terminal.press("PS1='$ '; clear", "Enter")
    yield terminal
    terminal.close()
    server.stop()


@pytest.mark.core
def test_programs_of_today_draw_inside_the_console(shell: Terminal, etc: Path) -> None:
    text = etc / "home" / "text"  # the folders of pytest are closed to other users
    text.write_text("".join(f"line {n}\n" for n in range(1, 200)))
    text.chmod(0o644)
    shell.press("stty size; tput colors", "Enter")
    shell.wait("18 80", "256")
    if shutil.which("vim"):
        shell.press(f"vim -u NONE -N {text}", "Enter")
        shell.wait("line 17")
        shell.press(":set number", "Enter")
        shell.press("150G")
        shell.wait("150 line 150")
        shell.press("o", "typed here", "Escape")
        shell.wait("151 typed here")
        shell.press(":q!", "Enter")
        shell.wait("$ vim -u NONE")  # the first screen is there again
    if shutil.which("less"):
        shell.press(f"less {text}", "Enter")
        shell.wait("line 17")
        shell.press("G")
        shell.wait("line 199", "(END)")
        shell.press("q")
    shell.press("clear; top", "Enter")
    shell.wait("load average", "PID")
    shell.press("q")
    shell.press("clear; tmux -L inner-$$ -f /dev/null new 'seq 5; echo in-tmux; exec sh'", "Enter")
    shell.wait("in-tmux", "[0]")
    shell.press("C-b", "%")
    shell.wait("│")
    shell.press("C-b", ":")
    until(lambda: re.search(r"(?m)^: *$", shell.screen()), "the prompt of tmux")  # earlier keys go to the shell
    shell.press("kill-server", "Enter")
    shell.wait("exited")
    shell.press("printf '\\033]0;owned\\007\\033]52;c;b3duZWQ=\\007\\033[8;5;5t'; echo harm''less", "Enter")
    shell.wait("harmless")
    assert "owned" not in shell._tmux("display", "-p", "-t", "console", "#{pane_title}")
    buffers = shell._tmux("list-buffers")
    assert "owned" not in buffers
    assert "ctrl+]" in shell.screen() and "site edge1" in shell.screen()


@pytest.mark.core
def test_full_screen_and_back_and_what_is_recorded(shell: Terminal, field: Field) -> None:
    shell.press("echo before-full", "Enter")
    shell.wait("before-full")
    shell.press("C-]")
    shell.wait("f full screen, ctrl+] back")
    shell.press("f")
    until(lambda: "site edge1" not in shell.screen() and "before-full" in shell.screen(), "full screen")
    shell.press("stty size; export TOKEN=cAnary7Qx; printf %.3s $TOKEN; sleep 0.4; echo ${TOKEN#???}", "Enter")
    shell.wait("24 80", "\ncAnary7Qx")
    shell.press("stty -echo; echo wait''ing; read typed; stty echo; echo read", "Enter")
    shell.wait("\nwaiting")
    shell.press(PASSWORD, "Enter")
    shell.wait("\nread")
    shell.press("C-]")
    shell.wait("site edge1", "cAnary7Qx", "read")
    shell.press("stty size", "Enter")
    shell.wait("18 80")
    shell.press("exit", "Enter")
    shell.wait("has ended. Recorded in")
    (file,) = field.recordings()
    text = "".join(json.loads(line)[2] for line in file.read_text().splitlines()[1:])
    assert file.stat().st_mode & 0o777 == 0o600
    assert "TOKEN=*********" in text and "before-full" in text and "24 80" in text and "18 80" in text
    assert "cAn" not in text and "ary7Qx" not in text and PASSWORD not in text
    journal = (field.home / "ew" / "state" / "journal.jsonl").read_text()
    assert str(file) in journal and '"bytesReceived":' in journal and PASSWORD not in journal
    listed = product(field.env, "site", "recording", "list", "-o", "json")
    assert json.loads(listed.stdout)[0]["target"] == "edge1"
    printed = product(field.env, "site", "recording", "show", file.name)
    assert "before-full" in printed.stdout and "\x1b" not in printed.stdout


@pytest.mark.core
def test_a_host_that_writes_without_end(shell: Terminal, field: Field) -> None:
    pid = shell.pid

    def seconds() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    for command in ("yes", "cat /dev/urandom"):
        shell.press(f"clear; {command}", "Enter")
        time.sleep(1.5)
        before, began = seconds(), time.monotonic()
        time.sleep(4)
        share = (seconds() - before) / (time.monotonic() - began)
        pressed = time.monotonic()
        shell.press("C-]")
        shell.wait("f full screen", patience=5)
        menu = time.monotonic() - pressed
        shell.press("Escape")
        time.sleep(0.3)
        pressed = time.monotonic()
        shell.press("C-c")
        shell.press("reset; clear; echo $((40+2))-answers", "Enter")
        shell.wait("42-answers", patience=8)
        answer = time.monotonic() - pressed
        print(f"{command}: {share:.2f} of a processor, menu after {menu:.2f} s, answer after {answer:.2f} s")
        assert share < 0.9


@pytest.mark.core
@pytest.mark.parametrize("where", ["page", "full screen"])
@pytest.mark.parametrize("how", ["closed", "SIGHUP"])
def test_a_terminal_that_goes_away_leaves_no_process_and_a_readable_recording(
    where: str, how: str, shell: Terminal, field: Field
) -> None:
    shell.press("echo far-$$-; sleep 4711", "Enter")
    until(lambda: re.search(r"far-\d+-", shell.screen()), "the process of the host")
    far = int(re.findall(r"far-(\d+)-", shell.screen())[0])
    if where == "full screen":
        shell.press("C-]")
        shell.wait("f full screen")
        shell.press("f")
        until(lambda: "site edge1" not in shell.screen(), "full screen")
    pid = shell.pid
    if how == "closed":
        shell.close()
    else:
        os.kill(pid, signal.SIGHUP)
    until(lambda: not Path(f"/proc/{pid}").exists(), "the console has ended", 6)
    until(lambda: not Path(f"/proc/{far}").exists(), "the shell of the host has ended", 10)
    (file,) = field.recordings()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["version"] == 2 and f"far-{far}-" in "".join(event[2] for event in lines[1:])


def test_a_link_that_is_cut_leaves_what_was_shown(shell: Terminal, field: Field) -> None:
    shell.press("echo what-was-there", "Enter")
    shell.wait("\nwhat-was-there")
    listing = subprocess.run(["pgrep", "-f", f"sshd.*{USER}"], capture_output=True, text=True, check=True).stdout
    for number in listing.split():
        os.kill(int(number), signal.SIGKILL)
    screen = shell.wait("connection lost", "what-was-there", "ended")
    assert "Traceback" not in screen
    shell.wait("! new shell", "• open", patience=30)
    shell.press("!")
    shell.wait("recorded, only")
    shell.press("echo $((40+2))-again", "Enter")
    shell.wait("42-again")
