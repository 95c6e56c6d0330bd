"""Write what this release writes, so that later releases can be tested against it.

    PYTHONPATH=. python tools/release_fixtures.py tests/fixtures/v0_1_0
    PYTHONPATH=. python tools/release_fixtures.py tests/fixtures/v0_1_0 --preferences    the preferences/ alone

Run it once, from a checkout of the release, before anything else changes; the result is committed and never edited.
It starts a hub, registers hosts over the real protocol, opens the console in tmux, and stores:

    hub/           data directory of a stopped hub (keys included: they protect nothing but this fixture)
    hub-postgresql/, .sql: the same kind of database on PostgreSQL, as pg_dump writes it (only where it is installed)
    agent/         data directory of an agent that has registered, with its CA and token
    home/          the console's configuration and its cached fleet
    preferences/   the files of a user who changed everything: contexts, settings, key map with every id, views
    answers/*.yaml answer files of the installer
    fleet.rec      a recording of the console's event log
    facts.json     what a test must find in them
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edgewright import __version__ as VERSION
from edgewright.forge.answers import write_answers
from tests.core.installer import samples
from tests.hub_fixture import RunningHub, running_hub

HOST_FILES = {
    "etc/hostname": "shop-box\n",
    "etc/machine-id": "5d1e0f6d3b0a4c0c9f5b8f0e8a7c6b5a\n",
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "sys/class/dmi/id/product_uuid": "4c4c4544-0038-3510-8052-b4c04f4e3432\n",
    "sys/class/dmi/id/sys_vendor": "Edgewright tests\n",
    "proc/sys/kernel/random/boot_id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n",
    "proc/meminfo": "MemTotal: 8192000 kB\nMemAvailable: 4096000 kB\n",
    "proc/uptime": "3600.00 7200.00\n",
}
ROOT = Path(__file__).resolve().parent.parent
POSTGRES = Path("/usr/lib/postgresql/15/bin")


def command(home: Path, *words: str) -> str:
    """Run the command line with its files under `home`; returns what it printed. Raises `CalledProcessError`."""
    environment = {**os.environ, "EDGEWRIGHT_HOME": str(home), "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(
        [sys.executable, "-m", "edgewright", *words], env=environment, check=True, capture_output=True, text=True
    ).stdout


def use(hub: RunningHub) -> dict[str, Any]:
    """Do a bit of everything that leaves a record behind; returns what tests look for."""
    admin = hub.client()
    project = admin.post("/v1/projects", json={"metadata": {"name": "Shops"}, "spec": {}}).json()["uid"]
    viewer = admin.post(
        "/v1/apiKeys", json={"metadata": {"name": "wall"}, "spec": {"edgewright": {"role": "viewer"}}}
    ).json()
    token_uid, token = hub.token("shops", defaultProjectUid=project, expiry="2036-01-01T00:00:00.000Z")
    hub.token("unused")
    revoked, _ = hub.token("revoked")
    admin.put(f"/v1/edgehosts/tokens/{revoked}/state", json={"spec": {"isActive": False}}).raise_for_status()
    hosts = ["berlin-01", "berlin-02", "oslo-01"]
    for number, uid in enumerate(hosts):
        host = hub.host(uid, token, registration=f"{number:032x}")
        beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": f"boot-{uid}", "agentVersion": VERSION}}
        host.patch(f"/v1/edgehosts/{uid}/health", json=beat).raise_for_status()
        if uid == "berlin-01":
            for _ in range(3):  # raises the host's generation
                made = admin.post(f"/edgewright/v1/hosts/{uid}/operations", json={"kind": "reset"}).json()["uid"]
                done = {"state": "succeeded", "message": "ok"}
                host.post(f"/edgewright/v1/hosts/{uid}/operations/{made}/result", json=done).raise_for_status()
    admin.post(
        "/v1/edgehosts", json={"metadata": {"uid": "announced-01", "name": "announced-01"}, "spec": {}}
    ).raise_for_status()
    hub.register("stranger", "ewt_" + "0" * 32)
    return {
        "version": VERSION,
        "hosts": [*hosts, "announced-01"],
        "project": project,
        "token": {"uid": token_uid, "text": token, "name": "shops"},
        "viewerKey": viewer["apiKey"],
        "adminKey": hub.admin_key,
        "generations": {uid: admin.get(f"/v1/edgehosts/{uid}").json() for uid in hosts[:1]},
        "audits": admin.get("/v1/audits").json()["listmeta"]["count"],
    }


def real_agent(hub: RunningHub, folder: Path, token: str) -> None:
    """Let a real agent register and beat for some seconds, then stop it."""
    folder.mkdir()
    root = folder / "root"  # a small host of its own, so that nothing of this machine is stored
    for path, text in HOST_FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    shutil.copy(hub.ca, folder / "ca.crt")
    (folder / "token").write_text(token)
    (folder / "token").chmod(0o600)
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "edgewright",
                "agent",
                "run",
                "--endpoint",
                hub.url,
                "--ca",
                str(folder / "ca.crt"),
            ),
            *("--token-file", str(folder / "token"), "--data", str(folder / "data"), "--interval", "1"),
            *("--console", "", "--observe", "--root", str(root)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(8)
    process.terminate()
    process.wait(timeout=30)


def console(home: Path) -> None:
    """Open the console on the hub until its cache is written, then leave it with its own keys."""
    session = f"fixture-{os.getpid()}"
    words = [f"EDGEWRIGHT_HOME={home}", f"PYTHONPATH={Path.cwd()}", sys.executable, "-m", "edgewright"]
    subprocess.run(["tmux", "new-session", "-d", "-s", session, "-x", "120", "-y", "40", "env", *words], check=True)
    time.sleep(12)
    shown = subprocess.run(["tmux", "capture-pane", "-p", "-t", session], capture_output=True, text=True).stdout
    sys.stdout.write(shown)
    for key in ("q", "Enter"):
        subprocess.run(["tmux", "send-keys", "-t", session, key], check=False, stderr=subprocess.DEVNULL)
        time.sleep(2)
    subprocess.run(["tmux", "kill-session", "-t", session], check=False, stderr=subprocess.DEVNULL)


def preferences(out: Path) -> None:
    """Write the files of a user who changed everything, and check them with this release's own commands."""
    from edgewright.commands.kernel.bindings import bindings
    from edgewright.config.keymap import load

    home = Path(tempfile.mkdtemp(prefix="fixture-preferences-"))
    key, authority = home / "key", ROOT / "tests" / "fixtures" / "v0_1_0" / "agent" / "ca.crt"
    key.write_text("an-api-key-of-nothing\n")
    plane = ("--api-key-file", str(key), "--no-keyring", "--no-check")
    command(home, "context", "add", "shops", "--url", "https://10.4.0.2:8443", "--ca", str(authority), *plane)
    command(
        *(home, "context", "add", "palette", "--url", "https://palette.example.com", *plane),
        *("--default-project", "Shops", "--always-read-only"),
    )
    command(home, "context", "use", "shops")
    config = home / "config"
    known = bindings()
    keymap = config / "keymap.toml"

    def write_keymap(left_out: set[str]) -> None:
        keys = {each.id: ",".join(each.keys) for each in known} | {"host-delete": "ctrl+x", "theme": ""}
        keymap.write_text("".join(f'{name} = "{keys[name]}"\n' for name in sorted(keys) if name not in left_out))

    write_keymap(set())
    problems = "\n".join(problem.message for problem in load(known, keymap).problems)
    write_keymap(set(re.findall(r"`([a-z-]+)`", problems)))  # keys that this release shares on purpose
    values = {"theme": "high-contrast", "ascii": True, "low_bandwidth": False, "mouse": False, "read_only": True}
    values |= {"local_time": True, "refresh_ms": 250, "typed_confirmation": False, "leave_hub": "stop"}
    values |= {"keyring": False, "output": "wide", "timeout": 20.0, "hub_listen": "0.0.0.0:9443"}
    (config / "settings.toml").write_text("".join(f"{name} = {json.dumps(values[name])}\n" for name in values))
    views = {"hosts": {"columns": ["name", "health", "site"], "sort": "site", "reverse": True, "filter": "site=kiel"}}
    (home / "state").mkdir()
    (home / "state" / "views.json").write_text(json.dumps(views, indent=1) + "\n")
    sys.stdout.write(command(home, "config", "validate"))
    contexts = config / "contexts.toml"
    contexts.write_text(contexts.read_text().replace(str(home), "HOME"))
    key.unlink()
    shutil.copytree(home, out / "preferences", ignore=shutil.ignore_patterns("run", "*.log", "*.sock"))
    ids = json.dumps({each.id: list(each.keys) for each in known}, indent=1, sort_keys=True) + "\n"
    (out / "preferences" / "keys.json").write_text(ids)


def postgres(out: Path) -> None:
    """Do the same on PostgreSQL and store its dump."""
    if not (POSTGRES / "initdb").exists():
        sys.stdout.write("no PostgreSQL here: hub-postgresql.sql is not written\n")
        return
    folder = Path(tempfile.mkdtemp(prefix="fixture-pg-"))
    folder.chmod(0o755)
    shutil.chown(folder, "postgres", "postgres")
    run = ["runuser", "-u", "postgres", "--"]
    control = [*run, str(POSTGRES / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    subprocess.run([*run, str(POSTGRES / "initdb"), "-D", str(folder / "data"), "-A", "trust"], check=True, cwd="/")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    subprocess.run(
        [*control, "-o", options, "-l", str(folder / "log"), "start"], check=True, cwd="/", stdout=subprocess.DEVNULL
    )
    try:
        keys = folder.parent / f"{folder.name}-data"
        with running_hub("--db", f"postgresql+psycopg://postgres@/postgres?host={folder}", data=keys) as hub:
            facts = use(hub)
        dump = [*run, str(POSTGRES / "pg_dump"), "-h", str(folder), "--inserts", "--no-owner", "postgres"]
        (out / "hub-postgresql.sql").write_bytes(subprocess.run(dump, check=True, capture_output=True, cwd="/").stdout)
        target = out / "hub-postgresql"
        target.mkdir()
        for name in ("ca.crt", "ca.key", "server.crt", "server.key", "secret.key", "admin-api-key", "hub.json"):
            if (keys / name).exists():
                shutil.copy(keys / name, target / name)
        (out / "facts-postgresql.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
        shutil.rmtree(keys)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], cwd="/", stdout=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Write every fixture into the folder named on the command line, which must not exist."""
    out = Path(sys.argv[1]).absolute()
    if "--preferences" in sys.argv:
        preferences(out)
        return 0
    out.mkdir(parents=True)
    home = Path(tempfile.mkdtemp(prefix="fixture-home-"))
    data = Path(tempfile.mkdtemp(prefix="fixture-hub-")) / "hub"
    with running_hub("--heartbeat", "1", data=data) as hub:
        facts = use(hub)
        work = Path(tempfile.mkdtemp(prefix="fixture-agent-"))
        real_agent(hub, work / "agent", facts["token"]["text"])
        key = work / "key"
        key.write_text(hub.admin_key)
        plane = ("--url", hub.url, "--ca", str(hub.ca), "--api-key-file", str(key), "--no-keyring")
        command(home, "context", "add", "fixture", *plane)
        command(home, "context", "use", "fixture")
        facts["hostList"] = json.loads(command(home, "host", "list", "-o", "json"))
        command(home, "record", str(out / "fleet.rec"), "--for", "5s")
        console(home)
    shutil.copytree(data, out / "hub", ignore=shutil.ignore_patterns("hub.log*", "hub.lock"))
    shutil.copytree(work / "agent", out / "agent", ignore=shutil.ignore_patterns("agent.lock"))
    settings = home / "config" / "contexts.toml"
    settings.write_text(settings.read_text().replace(str(home), "HOME"))  # a test writes its own path there
    shutil.copytree(home, out / "home", ignore=shutil.ignore_patterns("run", "*.log", "*.sock"))
    (out / "answers").mkdir()
    for name, answers in samples.ALL.items():
        write_answers(out / "answers" / f"{name}.yaml", name, answers)
    (out / "facts.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    preferences(out)
    postgres(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
