"""A stand-in for what the wizard and the Installers screen call: no disk but the answer file, no process, no plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from edgewright.commands.installer import wizard_api as facade
from edgewright.commands.installer.view import Shown
from edgewright.core.cloudconfig.findings import Finding
from edgewright.core.errors import NotFound
from edgewright.core.installer.answers import complete
from edgewright.forge.builds.record import Build
from tests.tui.samples import NOW

PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAyLyB2ZZkYFP0mOZ0bWzF0Yc3dQ1Y3b2Z0bWzF0Yc3d field@laptop"
TOKEN = "ewt_very-secret-token-text"


class StandIn:
    """The facade `edgewright.commands.installer.wizard_api`, its slow and outward parts replaced."""

    def __init__(self) -> None:
        self.settle = facade.settle
        self.preview = facade.preview
        self.save = facade.save
        self.answers: dict[str, Any] | None = None
        self.found: list[Finding] = []
        self.online: list[Finding] = []
        self.started: list[dict[str, Any]] = []
        self.made: list[tuple[str, str, str, str]] = []
        self.facts: Sequence[tuple[str, str]] = (
            ("volume", "COS_LIVE, 712 MB"),
            ("boots", "BIOS and UEFI, as CD and as USB stick"),
            ("system", "edgewright-appliance 1.2.0 (debian 12)"),
            ("place for answers", "/config.yaml, 64 KiB"),
        )
        self.every: list[Shown] = []
        self.offered: list[Any] = []
        self.stored: list[Any] = []
        self.log = ["14:01:02Z writing the ISO", "14:01:09Z reading it back"]

    def planes(self) -> list[Any]:
        return [
            SimpleNamespace(name="prod", url="https://hub.shops.example:8443", ca=PEM, current=True),
            SimpleNamespace(name="lab", url="https://10.4.9.2:8443", ca="", current=False),
        ]

    def findings(self, answers: Mapping[str, Any], keys: Any = None) -> list[Finding]:
        return [one for one in self.found if keys is None or one.path in keys]

    async def check_online(self, ctx: Any, answers: Mapping[str, Any]) -> list[Finding]:
        return self.online

    async def tokens(self, ctx: Any, context: str) -> list[Any]:
        return self.offered

    def ssh_keys(self) -> list[Any]:
        return [
            facade.OfferedKey("id_ed25519.pub", KEY, "ssh-ed25519", "field@laptop"),
            facade.OfferedKey("work.pub", KEY.replace("AyLyB2", "BzMzC3"), "ssh-ed25519", "work"),
        ]

    async def stored_keys(self, ctx: Any, context: str) -> list[Any]:
        return self.stored

    async def make_token(self, ctx: Any, name: str, project: str, expiry: str, context: str) -> tuple[str, str]:
        self.made.append((name, project, expiry, context))
        return "tok-new", TOKEN

    def base_facts(self, path: Any) -> list[tuple[str, str]]:
        if "missing" in str(path):
            raise NotFound(f"There is no file {path}.", "Give the path of an ISO.")
        return list(self.facts)

    def start_build(self, answers: Mapping[str, Any], folder: Any = "") -> str:
        self.started.append(dict(answers))
        return "b-1"

    def load(self, path: Any) -> dict[str, Any]:
        return facade.load(path) if self.answers is None else complete(self.answers)

    def look(self) -> list[Shown]:
        return self.every

    def build(self, uid: str) -> Build:
        return next(one.build for one in self.every if one.build.id == uid)

    def build_log(self, uid: str, last: int) -> list[str]:
        return self.log


def answered(folder: Path) -> dict[str, Any]:
    """Return answers with nothing missing."""
    return {
        "plane.endpoint": "https://hub.shops.example:8443",
        "plane.ca": PEM,
        "token.text": TOKEN,
        "net.mode": "static",
        "net.address": "10.4.1.7/24",
        "net.gateway": "10.4.1.1",
        "net.dns": "10.4.1.1",
        "user.keys": [KEY],
        "site.name": "berlin-04",
        "base.path": "/srv/iso/base.iso",
        "output.name": "shop-2026",
        "output.folder": str(folder),
    }


HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a"
MILESTONES = (
    ("firmware", "firmware starts", 2.1),
    ("bootloader", "boot loader shows its menu", 4.0),
    ("kernel", "kernel starts", 6.4),
    ("live", "system is up", 48.2),
    ("registering", "asks to register", 71.0),
    ("registered", "is registered", 72.3),
)


def manifest(name: str, *, proof: str = "", bad: bool = False) -> dict[str, Any]:
    """Return a manifest as the ISO engine writes it, proven (`ok`), refused (`failed`) or not booted."""
    checks = [
        {"name": "user-data", "ok": True, "detail": "no error, 1 warning"},
        {"name": "read back", "ok": not bad, "detail": "/config.yaml equals the user-data, byte for byte"},
        {"name": "el torito", "ok": True, "detail": "BIOS and UEFI entries"},
        {"name": "partition", "ok": True, "detail": "the superblock of partition 1 is the ISO's own"},
    ]
    marks = [{"name": key, "title": title, "state": "passed", "at": at, "detail": ""} for key, title, at in MILESTONES]
    if proof == "failed":
        marks[-1] = {**marks[-1], "state": "failed", "detail": ""}
    found = {
        "ok": proof == "ok",
        "until": "registered",
        "firmware": "uefi",
        "medium": "usb",
        "milestones": marks,
        "reason": "The plane refused the token: it has expired." if proof == "failed" else "",
        "notProven": ["the address 10.4.1.7 and its gateway: the machine here has its own network", "real disks"],
        "isoSha256": HASH,
        "provedAt": "2026-11-23T13:59:11Z",
    }
    return {
        "apiVersion": "edgewright/v1",
        "kind": "InstallerManifest",
        "name": name,
        "createdAt": "2026-11-23T13:31:00Z",
        "iso": {"file": f"{name}.iso", "size": 712_441_856, "sha256": HASH, "volumeId": "COS_LIVE"},
        "base": {"file": "/srv/iso/base.iso", "sha256": HASH[::-1], "os": "edgewright-appliance 1.2.0 (debian 12)"},
        "userData": {
            "path": "/config.yaml",
            "sha256": HASH,
            "endpoint": "hub.shops.example:8443",
            "project": "shops",
            "tokenUid": "tok-shop",
            "tags": {"site": "berlin-04", "installer": name},
        },
        "inputs": [{"kind": "content", "file": "images.zst", "size": 3_100_000_000, "sha256": HASH}],
        "tools": {"xorriso": "1.5.4", "edgewright": "0.1.0"},
        "checks": checks,
        "label": "checked",
        "proof": found if proof else None,
    }


def build(uid: str, name: str, state: str, back: float, **more: Any) -> Build:
    """Return a build as it is read from its folder; `back` seconds before the tests' clock."""
    values: dict[str, Any] = {
        "id": uid,
        "kind": "iso",
        "name": name,
        "state": state,
        "created": NOW - back - 90,
        "ended": NOW - back if state not in ("running", "queued") else None,
        "step": "",
        "done": 0,
        "total": 0,
        "unit": "bytes",
        "rate": 0.0,
        "left": None,
        "pid": 4711,
        "outputs": (),
        "error": None,
        "label": "",
        "folder": Path("/nowhere") / uid,
    }
    return Build(**{**values, **more})


def every_build() -> list[Shown]:
    """Return a build of each sort."""
    iso = "/srv/installers/{}.iso"
    wrong = {
        "code": "NoSpace",
        "message": "The disk of /srv/installers is full: 412 MB are missing.",
        "hint": "Make room, or choose another folder.",
        "step": "writing the ISO",
    }
    return [
        Shown(
            build(
                "261123-140101-aa01",
                "kiosk-2026",
                "running",
                -60,
                step="writing the ISO",
                done=412_000_000,
                total=1_200_000_000,
                rate=96e6,
                left=8.2,
            )
        ),
        Shown(build("261123-140000-aa02", "shop-2026", "queued", -80, kind="verify")),
        Shown(
            build("261123-133000-aa03", "shop-2026", "done", 1860, outputs=(iso.format("shop-2026"),), label="proven"),
            manifest("shop-2026", proof="ok"),
            712_441_856,
        ),
        Shown(
            build("261122-090000-aa04", "lab-usb", "done", 86400, outputs=(iso.format("lab-usb"),), label="checked"),
            manifest("lab-usb"),
            712_441_856,
        ),
        Shown(
            build("261121-090000-aa05", "old", "done", 3 * 86400, outputs=(iso.format("old"),), label="unproven"),
            manifest("old", bad=True),
            700_000_000,
        ),
        Shown(build("261121-080000-aa06", "depot-2026", "failed", 2 * 86400, error=wrong)),
        Shown(build("261120-080000-aa07", "appliance", "lost", 4 * 86400, kind="base")),
        Shown(build("261119-080000-aa08", "van-2026", "cancelled", 5 * 86400)),
    ]
