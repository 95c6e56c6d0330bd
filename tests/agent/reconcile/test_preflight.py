"""P71: a preflight reports every failure at once, and has a next step for each."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.reconcile import checks
from edgewright.agent.reconcile.checks import FAILED, OK, UNKNOWN, WARNING
from edgewright.agent.reconcile.preflight import Network, all_checks, bounded, clock, preflight
from edgewright.agent.reconcile.requests import Request
from edgewright.hub.db.document_bounds import MAX_RESULT, size

GOOD: dict[str, str] = {
    "/proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 7000000 kB\n",
    "/sys/devices/system/cpu/online": "0-3",
    "/proc/sys/kernel/hostname": "edge-1",
    "/proc/sys/kernel/ostype": "Linux",
    "/proc/sys/kernel/osrelease": "6.1.0",
    "/etc/machine-id": "0123456789abcdef0123456789abcdef",
    "/proc/net/tcp": "  sl local\n 0: 00000000:0016 00000000:0000 0A 0\n 1: 0100007F:192B 0100007F:1 01 0\n",
    "/proc/swaps": "Filename Type Size\n",
    "/lib/modules/6.1.0/modules.dep": "kernel/net/bridge/br_netfilter.ko: x\nkernel/fs/overlayfs/overlay.ko.xz:\n",
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids",
    "/proc/net/route": "Iface Destination Gateway Flags a b c Mask\neth0 00000000 0102A8C0 3 0 0 0 00000000 0\n",
    "/var/lib/x": "",
}


class Fine(Network):
    """A network in which all is well."""

    def resolve(self, host: str) -> list[str]:
        return ["192.0.2.1"]

    def connect(self, host: str, port: int) -> None:
        return


class Dead(Network):
    """A network without anything."""

    def resolve(self, host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    def connect(self, host: str, port: int) -> None:
        raise OSError(113, "No route to host")


NO_DEP: dict[str, str | None] = {"/lib/modules/6.1.0/modules.dep": None}
ZERO = "0" * 32
CONTEXT: dict[str, Any] = {"planeHost": "plane", "planePort": 8443, "clockOff": 0.4}


def host(folder: Path, files: dict[str, str | None]) -> Root:
    for name, text in {**GOOD, **files}.items():
        if text is not None:
            path = folder / name[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return Root(str(folder))


def states(folder: Path, files: dict[str, str | None], free: int = 50 * checks.GB, **more: Any) -> dict[str, str]:
    network = more.pop("network", Fine())
    found = all_checks(host(folder, files), {**CONTEXT, **more}, network, lambda path: (free * 2, free, free))
    assert all(check.next or check.state in (OK, UNKNOWN) for check in found), "a next step for whatever is not ok"
    return {check.id: check.state for check in found}


def test_p71_a_good_host_passes_every_check(tmp_path: Path) -> None:
    found = states(tmp_path, {})
    assert set(found.values()) == {OK} and len(found) == 15


def test_p71_all_failures_are_reported_at_once(tmp_path: Path) -> None:
    bad: dict[str, str | None] = {
        "/proc/meminfo": "MemTotal: 1000000 kB\n",
        "/sys/devices/system/cpu/online": "0",
        "/proc/sys/kernel/hostname": "localhost",
        "/etc/machine-id": "uninitialized",
        "/proc/net/tcp6": "  sl local\n 0: " + "0" * 32 + ":192B 0:0 0A 0\n 1: x:2846 x:0 0A 0\n",
        "/proc/swaps": "Filename Type Size\n/dev/sda2 partition 1\n",
        "/lib/modules/6.1.0/modules.dep": "kernel/other.ko:\n",
        "/sys/fs/cgroup/cgroup.controllers": "cpu memory",
        "/proc/net/route": "Iface Destination\n",
        "/etc/kubernetes/kubelet.conf": "x",
    }
    found = states(tmp_path, bad, free=checks.GB, clockOff=-90, network=Dead())
    assert {name for name, state in found.items() if state != FAILED} == {"security"}


@pytest.mark.parametrize(
    ("name", "files", "state"),
    [
        ("disk", {}, WARNING),
        ("memory", {"/proc/meminfo": "MemTotal: 2000000 kB\n"}, WARNING),
        ("memory", {"/proc/meminfo": ""}, UNKNOWN),
        ("ports", {"/proc/net/tcp": None}, UNKNOWN),
        ("cgroup", {"/sys/fs/cgroup/cgroup.controllers": None}, FAILED),
        ("modules", NO_DEP, UNKNOWN),
        ("modules", {**NO_DEP, "/sys/module/br_netfilter/x": "", "/proc/filesystems": "nodev\toverlay"}, OK),
        ("security", {"/sys/fs/selinux/enforce": "1"}, WARNING),
        ("security", {"/sys/fs/selinux/enforce": "0"}, OK),
        ("security", {"/sys/module/apparmor/parameters/enabled": "Y"}, OK),
        ("route", {"/proc/net/route": None}, UNKNOWN),
        ("route", {"/proc/net/route": "x", "/proc/net/ipv6_route": f"{ZERO} 00 {ZERO} 00 x 1 0 0 3 eth0"}, OK),
        ("foreign", {"/proc/77/comm": "dockerd"}, WARNING),
        ("foreign", {"/proc/77/comm": "kubelet"}, FAILED),
        ("name", {"/proc/sys/kernel/hostname": "Edge_1"}, FAILED),
        ("machine-id", {"/etc/machine-id": "0" * 32}, FAILED),
    ],
)  # fmt: skip
def test_p71_each_check(tmp_path: Path, name: str, files: dict[str, str | None], state: str) -> None:
    assert states(tmp_path, files, free=10 * checks.GB)[name] == state


@pytest.mark.parametrize(
    ("off", "state"),
    [(0, OK), (4.9, OK), (-30, WARNING), (61, FAILED), (None, UNKNOWN), (True, UNKNOWN), ("1", UNKNOWN)],
)
def test_p71_the_clock_is_compared_with_the_planes_date(off: object, state: str) -> None:
    assert clock(off).state == state


def test_a_name_server_that_never_answers_does_not_stop_it() -> None:
    done = threading.Event()
    assert bounded(done.wait, 0.05) == (None, "no answer within 0 s")
    done.set()


def test_p71_a_check_that_breaks_is_unknown(tmp_path: Path) -> None:
    def broken(path: str) -> tuple[int, int, int]:
        raise ZeroDivisionError

    found = {check.id: check for check in all_checks(host(tmp_path, {}), CONTEXT, Fine(), broken)}
    assert found["disk"].state == UNKNOWN and "ZeroDivisionError" in found["disk"].text
    assert found["memory"].state == OK


def test_p71_the_result_has_the_checks_and_a_sentence_and_fits(tmp_path: Path) -> None:
    root = host(tmp_path, {"/etc/machine-id": "", "/proc/sys/kernel/hostname": "ü" * 5000})
    outcome = preflight(root, Dead(), lambda path: None)(
        Request("a", "preflight", {}, {**CONTEXT, "planeHost": "p" * 9000})
    )
    assert outcome.state == "succeeded" and outcome.message.startswith("15 checks: ")
    assert "Failed: name, machine-id, dns, plane." in outcome.message
    assert size({"checks": outcome.checks, "message": outcome.message}) < MAX_RESULT
    assert {"id", "state", "text", "next"} >= set(outcome.checks[0])


def test_no_plane_known_is_unknown(tmp_path: Path) -> None:
    assert states(tmp_path, {}, planeHost="")["plane"] == UNKNOWN
