"""The steps of `stages.*` that this appliance runs: a documented part of Kairos's step keys; the rest is reported.

Run: name, if, commands, files, directories, hostname, users, authorized_keys, sysctl, modules, systemctl (enable,
disable, start, mask), environment, dns, timesyncd. A step that fails is reported and the next one runs: a box with one
bad line must still come up. Commands run with a time limit and without a terminal.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import os
from typing import Any, Callable, List, Mapping

from edgewright.agent.appliance import accounts
from edgewright.agent.appliance.paths import below
from edgewright.agent.appliance.runner import Runner, read_text, write_file
from edgewright.core.errors import EdgewrightError, Failed
from edgewright.core.text import clean

SECONDS = 300.0
"""One command of a stage may take this long."""
KNOWN = frozenset(
    [
        *("name", "if", "commands", "files", "directories", "hostname", "users"),
        *("authorized_keys", "sysctl", "modules", "systemctl", "environment", "environment_file", "dns"),
        "timesyncd",
    ]
)
Announce = Callable[[str], None]


def steps_of(document: Mapping[str, Any], stage: str) -> List[Mapping[str, Any]]:
    """Return the steps of a stage with what is in its `.before` and `.after`, in order."""
    block = document.get("stages")
    matches: List[Mapping[str, Any]] = []
    for name in (stage + ".before", stage, stage + ".after"):
        steps = block.get(name) if isinstance(block, Mapping) else None
        matches += [step for step in steps or () if isinstance(step, Mapping)] if isinstance(steps, list) else []
    return matches


def run_stage(
    document: Mapping[str, Any], stage: str, runner: Runner, report: Announce, *, root: str = "/", full: bool = True
) -> int:
    """Run the steps of a stage; return how many failed. With `full` false (installing) only commands and files."""
    failed = 0
    for at, step in enumerate(steps_of(document, stage)):
        name = clean(step.get("name") or f"step {at + 1}", 60)
        where = f"stage {stage}, {name}"
        for key in step:
            if key not in KNOWN or (not full and key not in ("name", "if", "commands", "files", "directories")):
                report(f"{where}: {clean(key, 40)} is not supported here and is left out")
        condition = step.get("if")
        if isinstance(condition, str) and not runner.succeeds(["/bin/sh", "-c", condition], seconds=SECONDS):
            continue
        for part in _PARTS if full else _PARTS[:2] + _PARTS[-1:]:
            try:
                part(step, runner, report, root)
            except (EdgewrightError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
                reported = error.message if isinstance(error, EdgewrightError) else str(error)
                reported = f"it has no {reported}" if isinstance(error, KeyError) else reported
                report(f"{where} failed: {clean(reported, 300)}")
                failed += 1
    return failed


def _directories(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    for item in _list(step, "directories"):
        path = below(root, str(item["path"]))
        os.makedirs(path, exist_ok=True)
        _own(item, path, 0o755, runner)


def _files(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    for item in _list(step, "files"):
        path = below(root, str(item["path"]))
        write_file(path, content(item.get("content"), str(item.get("encoding") or "")), _mode(item, 0o644))
        _own(item, path, 0o644, runner)


def content(value: Any, encoding: str) -> bytes:
    """Return a file's content decoded as yip does: b64, base64, gz, gzip, gz+b64. Raises `Failed`."""
    data = "" if value is None else str(value)
    raw = data.encode()
    try:
        if encoding in ("b64", "base64", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64"):
            raw = base64.b64decode("".join(data.split()), validate=True)
        if encoding.startswith("gz"):
            raw = gzip.decompress(raw)
    except (binascii.Error, OSError, EOFError):
        raise Failed(f"A file's content is not {clean(encoding, 20)}.") from None
    return raw


def _mode(item: Mapping[str, Any], default: int) -> int:
    value = item.get("permissions")
    if value is None or value == "":
        return default
    text = str(value)
    # plain 0644 arrives as its word; a number is decimal, as yip reads it: 420 means the same
    mode = value if isinstance(value, int) else int(text, 8)
    if not 0 <= mode <= 0o7777:
        raise Failed(f"The permissions {clean(text, 20)} are none.")
    return mode


def _own(item: Mapping[str, Any], path: str, default: int, runner: Runner) -> None:
    os.chmod(path, _mode(item, default))
    owner = str(item.get("ownerstring") or "")
    if owner:
        runner.run(["chown", owner, path])
    elif item.get("owner") is not None or item.get("group") is not None:
        os.chown(path, int(item.get("owner") or 0), int(item.get("group") or 0))


def _host_name(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    if step.get("hostname"):
        accounts.set_host_name(str(step["hostname"]), runner, root)


def _users(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    users = step.get("users")
    for name, user in users.items() if isinstance(users, Mapping) else ():
        accounts.ensure(accounts.user_of(str(name), user), runner, report, root)
    keys = step.get("authorized_keys")
    for name, texts in keys.items() if isinstance(keys, Mapping) else ():
        accounts.add_keys(str(name), [str(text) for text in texts or ()], runner, root)


def _kernel(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    for name in _list(step, "modules"):
        runner.run(["modprobe", str(name)])
    settings = step.get("sysctl")
    for key, value in settings.items() if isinstance(settings, Mapping) else ():
        runner.run(["sysctl", "-q", "-w", f"{key}={value}"])


def _services(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    block = step.get("systemctl")
    for verb in ("mask", "disable", "enable", "start"):
        for name in _list(block, verb) if isinstance(block, Mapping) else ():
            arguments = ["systemctl", verb, str(name)]
            runner.run([*arguments, "--no-block"] if verb == "start" else arguments)
    if isinstance(block, Mapping) and block.get("overrides"):
        report("systemctl.overrides is not supported here and is left out")


def _environment(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    values = step.get("environment")
    if not isinstance(values, Mapping) or not values:
        return
    path = below(root, str(step.get("environment_file") or "/etc/environment"))
    before = [line for line in read_text(path).splitlines() if line.partition("=")[0] not in values]
    quoted = [f'{key}="{_quoted(str(value))}"' for key, value in values.items()]
    write_file(path, ("\n".join(before + quoted) + "\n").encode())


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _names(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    dns, times = step.get("dns"), step.get("timesyncd")
    if isinstance(dns, Mapping):
        lines = ["[Resolve]"]
        servers, domains = _list(dns, "nameservers"), _list(dns, "search")
        lines += [f"DNS={' '.join(map(str, servers))}"] if servers else []
        lines += [f"Domains={' '.join(map(str, domains))}"] if domains else []
        write_file(below(root, "/etc/systemd/resolved.conf.d/40-stage.conf"), ("\n".join(lines) + "\n").encode())
    if isinstance(times, Mapping):
        body = "".join(f"{key}={value}\n" for key, value in times.items())
        write_file(below(root, "/etc/systemd/timesyncd.conf.d/40-stage.conf"), ("[Time]\n" + body).encode())


def _commands(step: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    for command in _list(step, "commands"):
        runner.run(["/bin/sh", "-c", str(command)], seconds=SECONDS)


def _list(step: Mapping[str, Any], key: str) -> List[Any]:
    value = step.get(key)
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


_PARTS = (_directories, _files, _host_name, _users, _kernel, _services, _environment, _names, _commands)
