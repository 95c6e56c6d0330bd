"""A lab for one test module, driven by its command line, and what its hub says over its public API."""

from __future__ import annotations

import difflib
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from edgewright.lab.kubernetes.cache import cache_folder
from tests.support import ROOT

T = TypeVar("T")
KUBERNETES_CACHE = str(cache_folder())
"""Where `lab kubernetes build` put the parts for the user who runs the tests; tests have homes of their own."""
LAB_CACHE = os.environ.get("EDGEWRIGHT_LAB_CACHE")
"""Where that user has the bases of labs, when it is named."""
UNIT = "edgewright-agent.service"


def until(what: str, patience: float, look: Callable[[], T | None], every: float = 0.1) -> T:
    """Return the first true answer of `look`; fails with `what` after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what} (last seen: {seen!r})"
        time.sleep(every)


def same(before: str, now: str) -> bool:
    """Return whether two listings are the same; what differs is printed."""
    print(*difflib.unified_diff(before.splitlines(), now.splitlines(), lineterm="", n=0), sep="\n")
    return now == before


def epoch(text: str) -> float:
    """Return a time of a document as epoch seconds."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def command_environment(home: Path) -> dict[str, str]:
    """Return the environment of the product's commands: a home of their own, no user's context."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EDGEWRIGHT_", "XDG_"))}
    if LAB_CACHE:
        kept["EDGEWRIGHT_LAB_CACHE"] = LAB_CACHE
    return {
        **kept,
        "EDGEWRIGHT_KUBERNETES_CACHE": KUBERNETES_CACHE,
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
    }


def product(env: dict[str, str], *words: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run the product's command line and return what it said."""
    command = [sys.executable, "-m", "edgewright", *words]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=timeout, check=False)


class Plane:
    """The hub's API as an administrator sees it."""

    def __init__(self, url: str, ca: Path, api_key: str) -> None:
        self.url = url
        self._context = ssl.create_default_context(cafile=str(ca))
        self._headers = {"ApiKey": api_key, "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and parsed body of one request; a broken connection raises `OSError`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, self._headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10, context=self._context) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as refused:
            text = refused.read()
            return refused.code, json.loads(text) if text else None
        except http.client.HTTPException as cut:
            raise ConnectionError(f"the answer broke off: {cut}") from cut

    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return all host documents by uid."""
        status, page = self.ask("POST", "/v1/dashboard/edgehosts/search?limit=50", {"filter": {}, "sort": []})
        assert status == 200, page
        return {item["metadata"]["uid"]: item for item in page["items"] or []}

    def host(self, uid: str) -> dict[str, Any]:
        """Return one host's document; an empty one when there is none."""
        status, document = self.ask("GET", f"/v1/edgehosts/{uid}")
        return document if status == 200 else {}

    def judgement(self, uid: str) -> dict[str, Any]:
        """Return the hub's judgement of a host: `status.edgewright`; empty when the host is unknown."""
        status = self.host(uid).get("status") or {}
        judged: dict[str, Any] = status.get("edgewright") or {}
        return judged

    def events(self, uid: str = "") -> list[dict[str, Any]]:
        """Return the newest events of a host, or of all."""
        path = f"/v1/events/components/edgehost/{uid}" if uid else "/v1/events/components"
        status, page = self.ask("GET", f"{path}?limit=50")
        assert status == 200, page
        return list(page["items"] or [])

    def make_token(self, name: str, expiry: str = "2099-01-01T00:00:00.000Z") -> tuple[str, str]:
        """Make a registration token; returns its uid and its text."""
        projects = self.ask("GET", "/v1/dashboard/projects/metadata")[1]["items"]
        spec = {"expiry": expiry, "defaultProjectUid": projects[0]["metadata"]["uid"]}
        status, made = self.ask("POST", "/v1/edgehosts/tokens", {"metadata": {"name": name}, "spec": spec})
        assert status == 201, made
        status, shown = self.ask("GET", f"/v1/edgehosts/tokens/{made['uid']}")
        assert status == 200, shown
        return made["uid"], shown["spec"]["token"]


class Fleet:
    """One lab in a folder of its own; every step goes through `edgewright lab`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.env = {**command_environment(self.home), "EDGEWRIGHT_LAB_DIR": str(folder / "lab")}
        self.shown: dict[str, Any] = {}

    def lab(self, *words: str, code: int = 0, timeout: float = 240.0) -> str:
        """Run one verb of the lab, expect its exit code, return its output."""
        done = product(self.env, "lab", *words, timeout=timeout)
        assert done.returncode == code, f"lab {' '.join(words)} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def up(self, *words: str) -> None:
        """Bring the lab up."""
        patience = 900.0 if "--cluster" in words else 480.0 if "--kubernetes" in words else 240.0
        self.shown = json.loads(self.lab("up", "-o", "json", *words, timeout=patience))

    def status(self) -> dict[str, Any]:
        """Return the lab's status."""
        shown: dict[str, Any] = json.loads(self.lab("status", "-o", "json"))
        return shown

    def plane(self) -> Plane:
        """Return the lab's hub."""
        hub = self.shown["hub"]
        return Plane(hub["url"], Path(hub["ca"]), Path(hub["apiKeyFile"]).read_text().strip())

    def uid(self, name: str) -> str:
        """Return the UID under which a host of the lab registers."""
        return str(next(host["uid"] for host in self.shown["hosts"] if host["name"] == name))

    def within(self, name: str, *command: str, timeout: float = 30.0, check: bool = True) -> str:
        """Run a command in a host, through its namespaces."""
        leader = next(host["leader"] for host in self.status()["hosts"] if host["name"] == name)
        assert leader, f"{name} is off"
        words = ["nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *command]
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0 or not check, f"{command} in {name}: {done.stdout}{done.stderr}"
        return done.stdout

    def journal(self, name: str, since: str = "") -> str:
        """Return what the agent's unit wrote to the journal of a host, since a cursor if one is given."""
        after = [f"--after-cursor={since}"] if since else []
        return self.within(name, "journalctl", "-q", "--no-pager", "-o", "cat", "-u", UNIT, *after, check=False)

    def cursor(self, name: str) -> str:
        """Return the place where a host's journal ends now."""
        last = self.within(name, "journalctl", "-q", "--no-pager", "-n", "1", "-o", "json")
        return str(json.loads(last)["__CURSOR"])

    def console(self, name: str) -> str:
        """Return what a host printed on its console."""
        return (self.folder / "lab" / "hosts" / name / "console.log").read_text(errors="replace")

    def booted_at(self, name: str) -> float:
        """Return when the first process of a host started, epoch seconds."""
        leader = next(host["leader"] for host in self.status()["hosts"] if host["name"] == name)
        started = int(Path(f"/proc/{leader}/stat").read_text().rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - uptime + started / os.sysconf("SC_CLK_TCK")

    def disk(self, name: str) -> Path:
        """Return the root of a host's disk on this machine."""
        return self.folder / "lab" / "hosts" / name / "root"

    def down(self) -> None:
        """End the lab; a lab that was frozen or half up too."""
        self.lab("down")
