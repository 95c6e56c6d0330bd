"""Two hubs behind one name, or named by two addresses: what a user and the hosts see while hubs and database end.

The name is `plane.test`, with the addresses 127.0.0.1 and 127.0.0.2, in a hosts file that only the console and the
agents of the test see. Agents are real ones; the console is in a real terminal and driven by keys.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.dist.hubs import further_directory
from tests.e2e.console import Console
from tests.e2e.fleet import command_environment, until
from tests.e2e.forge.image_place import _free_address
from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
HOSTS = 3
NAME = "plane.test"


class Bench:
    """Database, two hubs, three hosts; `url` is how clients name the plane."""

    def __init__(self, folder: Path, server: postgres.Cluster, kind: str, stack: ExitStack) -> None:
        self.folder, self.server = folder, server
        port = _free_address().rpartition(":")[2]
        self.addresses = (f"127.0.0.1:{port}", f"127.0.0.2:{port}")
        several = ",".join(f"https://{address}" for address in self.addresses)
        self.url = f"https://{NAME}:{port}" if kind == "name" else several
        (folder / "hosts").write_text(f"127.0.0.1 localhost {NAME}\n127.0.0.2 {NAME}\n")
        bind = f'mount --bind {folder / "hosts"} /etc/hosts; exec "$@"'
        self.prefix = ("unshare", "-m", "--propagation", "private", "sh", "-c", bind, "sh")
        self.env = command_environment(folder / "home")
        (folder / "home").mkdir()
        self.database = server.create()
        words = ["--db", server.url(self.database), "--advertise", NAME, "--heartbeat", "60", "--silence-limit", "600"]
        data = [folder / "hub0", folder / "hub1"]
        first = stack.enter_context(running_hub(*words, data=data[0], listen=self.addresses[0]))
        further_directory(data[0], data[1])
        second = stack.enter_context(running_hub(*words, data=data[1], listen=self.addresses[1]))
        self.hubs: tuple[RunningHub, RunningHub] = (first, second)
        self.key = folder / "key"
        self.key.write_text(first.admin_key)
        self.key.chmod(0o600)
        self.agents = [self._agent(number, first.token(f"t{number}")[1]) for number in range(HOSTS)]
        for agent in self.agents:
            stack.callback(_end, agent)

    def _agent(self, number: int, token: str) -> subprocess.Popen[bytes]:
        file = self.folder / f"token{number}"
        file.write_text(token)
        file.chmod(0o600)
        (self.folder / f"user-data{number}").write_text(f"#cloud-config\nstylus:\n  site:\n    name: edge-{number}\n")
        words = [sys.executable, "-m", "edgewright.agent", "run", "--endpoint", self.url, "--token-file", str(file)]
        words += ["--ca", str(self.hubs[0].ca), "--console", "", "--data", str(self.folder / f"agent{number}")]
        words += ["--user-data", str(self.folder / f"user-data{number}")]
        with (self.folder / f"agent{number}.out").open("wb") as out:
            return subprocess.Popen([*self.prefix, *words], env=self.env, cwd=ROOT, stdout=out, stderr=out)

    def console(self) -> Console:
        return Console(self.folder / "console", self.url, self.hubs[0].ca, self.key, 120, 30, self.prefix)

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the product's command line on a context of this plane."""
        env = {**self.env, "EDGEWRIGHT_URL": self.url, "EDGEWRIGHT_CA": str(self.hubs[0].ca)}
        env["EDGEWRIGHT_API_KEY_FILE"] = str(self.key)
        command = [*self.prefix, sys.executable, "-m", "edgewright", *words]
        return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)

    def at(self, shown: str) -> int:
        """Return which hub the title of a console names."""
        title = shown.splitlines()[0]
        for number, address in enumerate(self.addresses):
            if address in title or f"({address.partition(':')[0]})" in title:
                return number
        raise AssertionError(f"no address of a hub in the title: {title}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Cluster]:
    if os.getuid():
        missing("e2e", "this test needs root")
    for program in ("tmux", "unshare"):
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed")
    with postgres.cluster() as started:
        yield started


@pytest.fixture(params=["name", "addresses"])
def bench(request: pytest.FixtureRequest, server: postgres.Cluster, tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(tmp_path, server, request.param, stack)


class Watch:
    """Looks at a console's screen for a while and remembers how its title was, with the seconds since the begin."""

    def __init__(self, console: Console) -> None:
        self.console, self.began = console, time.monotonic()
        self.seen: list[tuple[float, str]] = []

    def until(self, true: Any, patience: float) -> float:
        """Return the seconds until the screen is so."""
        while True:
            shown = self.console.screen()
            took = time.monotonic() - self.began
            title = shown.splitlines()[0] if shown else ""
            if not self.seen or self.seen[-1][1] != title:
                self.seen.append((took, title))
            if true(shown):
                return took
            assert took < patience, f"not within {patience} s; titles: {self.seen}\n{shown}"
            time.sleep(0.05)


def test_a_console_and_its_hosts_move_between_hubs(bench: Bench) -> None:
    console = bench.console()
    try:
        console.wait("• live", patience=40)
        console.write(b"2")
        console.wait("edge-0", "edge-1", "edge-2", patience=30)
        console.press("Down")
        cursor = _cursor(console)
        for turn in range(2):
            now = bench.at(console.screen())
            hub, other = bench.hubs[now], bench.hubs[1 - now]
            read = _searches(other)
            hub.kill()
            watch = Watch(console)
            took = watch.until(lambda shown, now=now: bench.at(shown) != now and "• live" in shown, 10)
            assert not any("unreachable" in title for _, title in watch.seen), watch.seen
            print(f"turn {turn}: hub {now} killed, the title names the other one after {took:.1f} s: {watch.seen}")
            assert took < 4 and "Hosts" in console.screen() and _cursor(console) == cursor
            time.sleep(1)
            assert _searches(other) == read, "the stream continues by its number: no list is read again"
            done = bench.cli("host", "list", "-o", "json")
            assert done.returncode == 0 and len(json.loads(done.stdout)) == HOSTS, done.stderr
            made = bench.cli("host", "tag", "edge-0", "--tag", f"site:s{turn}", "--yes")
            assert made.returncode == 0, made.stderr
            console.wait(f" s{turn} ", patience=5)  # the change arrives on the stream of the other hub
            hub.start_again()
        for hub in bench.hubs:
            hub.kill()
        watch = Watch(console)
        took = watch.until(lambda shown: "unreachable" in shown, 10)
        print(f"both killed: unreachable after {took:.1f} s")
        assert _cursor(console) == cursor and "edge-0" in console.screen()
        failed = bench.cli("host", "list")
        assert failed.returncode == 5 and "Traceback" not in failed.stderr, failed.stderr
        watch.until(lambda shown: re.search(r"unreachable \d+s, (retry in \d+s|connecting)", shown), 20)
        bench.hubs[1].start_again()
        back = Watch(console)
        took = back.until(lambda shown: "• live" in shown and bench.at(shown) == 1, 25)
        print(f"one is back: live after {took:.1f} s")
        assert _cursor(console) == cursor
        bench.hubs[0].start_again()
        status = bench.hubs[0].client().get("/edgewright/v1/status").json()["hosts"]
        assert status["healthy"] == HOSTS, status
    finally:
        console.close()


def _searches(hub: RunningHub) -> str:
    """Return how many lists of hosts a hub has answered, by its metrics; the same text when it was none since."""
    text = hub.client().get("/metrics").text
    return "".join(line for line in text.splitlines() if 'route="search"' in line)


def _cursor(console: Console) -> str:
    """Return the name of the host under the cursor, by the detail beside the list or the marked row."""
    rows = [line for line in console.screen().splitlines() if "edge-" in line and line.lstrip()[:1] in ("►", "▌", ">")]
    return rows[0].split()[1] if rows else ""


def test_work_reaches_a_host_through_the_other_hub_within_3_s(bench: Bench) -> None:
    """Its idle connection is at one of the hubs; the order is given to each of them."""
    for number in range(HOSTS):
        until(f"edge-{number} waits for work", 60, lambda number=number: _wakes(bench, number))  # type: ignore[misc]
    for hub in bench.hubs:
        client = hub.client()
        for number in range(HOSTS):
            path = f"/edgewright/v1/hosts/edge-{number}/operations"
            uid = client.post(path, json={"kind": "collect-logs", "params": {"lines": 5}}).json()["uid"]
            began = time.monotonic()

            def ended(path: str = path, uid: str = uid) -> bool:
                items = client.get(path).json()["items"]  # noqa: B023
                return next(item["state"] for item in items if item["id"] == uid) in ("succeeded", "failed")

            until("the operation ends", 10, ended, every=0.05)
            took = time.monotonic() - began
            print(f"order to {hub.url}: edge-{number} done after {took:.2f} s")
            assert took < 3
            time.sleep(1.2)  # an agent asks for work again a second later at the earliest


def _wakes(bench: Bench, number: int) -> bool:
    answer = bench.hubs[0].client().get(f"/v1/edgehosts/edge-{number}")
    return answer.status_code == 200 and answer.json()["spec"]["edgewright"].get("wake") == "on"


def test_a_hub_that_hangs_is_left(bench: Bench) -> None:
    """It accepts connections and answers nothing, as a machine does that swaps or was paused."""
    console = bench.console()
    try:
        console.wait("• live", patience=40)
        console.write(b"2")
        console.wait("edge-0", patience=30)
        now = bench.at(console.screen())
        bench.hubs[now].process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            done = bench.cli("host", "list", "-o", "name")
            print(f"command line with hub {now} paused: {time.monotonic() - began:.1f} s")
            assert done.returncode == 0, done.stderr
            watch = Watch(console)
            took = watch.until(lambda shown: bench.at(shown) != now and "• live" in shown, 60)
            print(f"console: the other one after {took:.1f} s: {watch.seen}")
        finally:
            bench.hubs[now].process.send_signal(signal.SIGCONT)
    finally:
        console.close()


def test_a_database_that_ends_is_shown_and_nothing_turns_unhealthy(bench: Bench) -> None:
    console = bench.console()
    try:
        console.wait("• live", patience=40)
        console.write(b"2")
        console.wait("edge-0", patience=30)
        bench.server.stop()
        watch = Watch(console)
        took = watch.until(lambda shown: "• live" not in shown, 30)
        print(f"database stopped: {took:.1f} s: {watch.seen}")
        watch.until(lambda shown: "unreachable" in shown or "cannot store" in shown, 60)
        failed = bench.cli("host", "tag", "edge-0", "--tag", "a=b", "--yes")
        print(failed.stderr)
        assert failed.returncode == 5 and "database does not answer; nothing" in failed.stderr, failed.stderr
        assert "edge-0" in console.screen()
        time.sleep(5)
        print(console.screen())
        bench.server.start()
        back = Watch(console)
        took = back.until(lambda shown: "• live" in shown, 60)
        print(f"database started: live after {took:.1f} s: {back.seen}")
        status = bench.hubs[0].client().get("/edgewright/v1/status").json()["hosts"]
        assert status["healthy"] == HOSTS, status
    finally:
        if not (bench.server.folder / ".s.PGSQL.5432").exists():
            bench.server.start()
        console.close()
