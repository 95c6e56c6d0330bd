"""`site run` and the preflight of `host install` on twelve hosts at once, seven of them with a fault of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.clients.ssh.sshd import USER, Sshd, free_port, make_key
from tests.hub_fixture import running_hub
from tests.support import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
FINE = tuple(f"fine{number}" for number in range(1, 6))
FAULTS = {
    "shut": ("not-reached", "ConnectionRefused"),
    "mute": ("not-reached", "NoAnswer"),
    "nowhere": ("not-reached", "UnknownName"),
    "changed": ("not-reached", "HostKeyChanged"),
    "stranger": ("not-reached", "HostKeyUnknown"),
    "keyless": ("not-reached", "AuthenticationFailed"),
    "dies": ("lost", "Lost"),
}
HOSTS = ("shut", *FINE[:2], "mute", "nowhere", "changed", *FINE[2:4], "stranger", "keyless", "dies", FINE[4])


class Site(NamedTuple):
    """A laptop whose configuration has twelve hosts; each of those that run is an sshd of its own."""

    folder: Path
    env: dict[str, str]

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "edgewright", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.env, timeout=120
        )

    def begun(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.words(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.env, start_new_session=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("many")
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    user, other = make_key(folder / "user"), make_key(folder / "other")
    known, config = [], []
    with ExitStack() as stack:
        mute = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        ports = {"shut": free_port(), "mute": mute.getsockname()[1], "nowhere": 22}
        for name in HOSTS:
            if name not in ports:
                key = make_key(folder / f"host-{name}")
                server = stack.enter_context(Sshd(folder / name, [key]))
                ports[name] = server.port
                if name != "keyless":
                    server.allow(user.with_suffix(".pub"))
                shown = other if name == "changed" else key
                public = " ".join(shown.with_suffix(".pub").read_text().split()[:2])
                known += [f"[127.0.0.1]:{server.port} {public}\n"] if name != "stranger" else []
            address = "no-such-host.invalid" if name == "nowhere" else "127.0.0.1"
            config.append(f"Host {name}\n  HostName {address}\n  Port {ports[name]}\n  User {USER}\n")
        (home / ".ssh/known_hosts").write_text("".join(known))
        every = f"Host *\n  IdentityFile {user}\n  IdentitiesOnly yes\n  UserKnownHostsFile {home}/.ssh/known_hosts\n"
        (home / ".ssh/config").write_text("".join(config) + every + "  GlobalKnownHostsFile none\n")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("EDGEWRIGHT_", "XDG_", "SSH_"))}
        yield Site(folder, {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"})


COMMAND = (
    "date +%s.%N >{marks}/$$.began; case $SSH_CONNECTION in *' {dies}') kill -9 $PPID; sleep 9 ;; esac; "
    "head -c 200000 /dev/zero | tr '\\0' x; echo; echo last; sleep {sleep}; date +%s.%N >{marks}/$$.ended"
)


def port_of(site: Site, name: str) -> str:
    text = Path(site.env["HOME"], ".ssh/config").read_text()
    return text.partition(f"Host {name}\n")[2].partition("Port ")[2].split()[0]


def at_once(marks: Path) -> int:
    """Return how many commands ran at the same time at the most."""
    moments = [(float(path.read_text()), 1) for path in marks.glob("*.began")]
    moments += [(float(path.read_text()), -1) for path in marks.glob("*.ended")]
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most


def by_target(text: str) -> dict[str, Any]:
    return {each["target"]: each for each in json.loads(text)}


def test_each_host_has_its_own_result_and_some_work_at_a_time(site: Site, tmp_path: Path) -> None:
    command = COMMAND.format(marks=tmp_path, dies=port_of(site, "dies"), sleep=0.2)
    began = time.monotonic()
    done = site.run("site", "run", *HOSTS, "--yes", "--at-a-time", "4", "--timeout", "4", "-o", "json", "--", command)
    print(f"{time.monotonic() - began:.1f} s for {len(HOSTS)} hosts, 4 at a time; {at_once(tmp_path)} at once")
    found = by_target(done.stdout)
    assert list(found) == list(HOSTS) and done.returncode == 1
    for name in FINE:
        assert (found[name]["result"], found[name]["output"][-1]) == ("done", "last"), found[name]
        assert found[name]["outputLeftOut"] > 100_000
    assert {name: (found[name]["result"], found[name]["error"]["code"]) for name in FAULTS} == FAULTS
    assert all(found[name]["error"]["message"].endswith(".") for name in FAULTS)
    assert len(list(tmp_path.glob("*.ended"))) == len(FINE) and 1 <= at_once(tmp_path) <= 4
    assert "Traceback" not in done.stderr


def test_failures_stop_the_hosts_that_have_not_begun(site: Site, tmp_path: Path) -> None:
    command = COMMAND.format(marks=tmp_path, dies=0, sleep=0)
    words = ("--yes", "--at-a-time", "1", "--stop-after", "2", "--timeout", "4", "-o", "json", "--", command)
    found = by_target(site.run("site", "run", *HOSTS, *words).stdout)
    results = [found[name]["result"] for name in HOSTS]
    assert results == ["not-reached", "done", "done", "not-reached", *["not-begun"] * 8]
    assert len(list(tmp_path.glob("*.began"))) == 2


def test_an_interrupt_waits_for_those_that_run_and_leaves_the_others_out(site: Site, tmp_path: Path) -> None:
    command = f"touch {tmp_path}/$$; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo over"
    process = site.begun("site", "run", *FINE, "--yes", "--at-a-time", "3", "--prefix", "--", command)
    assert process.stderr is not None
    end = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 3:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.stderr.readline()
    assert said == "No further host begins; Ctrl-C again ends those that run.\n"
    (tmp_path / "go").touch()
    assert process.stdout is not None
    assert sorted(process.stdout.read().splitlines()) == [f"{name}: over" for name in FINE[:3]]
    assert process.wait(60) == 130
    assert len(list(tmp_path.iterdir())) == 4


def test_a_preflight_of_all_hosts_names_the_reason_of_each(site: Site) -> None:
    """These hosts are this machine, which is no host for an agent: what matters is that each has its own reason."""
    with running_hub() as hub:
        key = site.folder / "api-key"
        key.touch(0o600)
        key.write_text(hub.admin_key)
        words = ["--url", hub.url, "--ca", str(hub.ca), "--api-key-file", str(key)]
        assert site.run("context", "add", "lab", *words).returncode == 0
        contexts = next(Path(site.env["HOME"]).rglob("contexts.toml"))
        contexts.write_text(contexts.read_text() + 'hosts_url = "https://hub.example:8443"\n')
        more = ["--at-a-time", "6", "--timeout", "4", "--yes"]
        done = site.run("host", "install", "--context", "lab", *HOSTS, *more)
    print(done.stderr)
    assert done.returncode == 1 and "Nothing is installed on 12 hosts: none of them can be." in done.stderr
    for words_of in ("shut: Nothing listens", "mute: ", "nowhere: ", "changed: ", "stranger: ", "keyless: "):
        assert words_of in done.stderr, words_of
    assert "And 2 more." in done.stderr and "Nothing was changed." in done.stderr and "Traceback" not in done.stderr
