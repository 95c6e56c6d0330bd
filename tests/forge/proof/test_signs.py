"""What console lines mean; the texts are cut from real serial logs, with their colours and cursor movements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.forge.proof.log_patterns import Reader, Sign, plain, sign_of

SEABIOS = b"\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1.16.2-debian-1.16.2-1)\r\n\r\nBooting from Hard Disk...\r\n"


@pytest.mark.parametrize(
    ("line", "kind", "key", "text"),
    [
        ("SeaBIOS (version 1.16.2-debian-1.16.2-1)", "milestone", "firmware", "1.16.2-debian-1.16.2-1"),
        ('BdsDxe: starting Boot0001 "UEFI QEMU QEMU USB" from PciRoot(0x0)', "milestone", "firmware", ""),
        ("Welcome to GRUB!", "milestone", "bootloader", ""),
        ("              GNU GRUB  version 2.06-13+deb12u1", "milestone", "bootloader", "2.06-13+deb12u1"),
        ("  Booting `Install'", "milestone", "bootloader", ""),
        ("[    0.000000] Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org)", "milestone", "kernel",
         "6.1.0-56-amd64"),
        ("EFI stub: UEFI Secure Boot is enabled.", "milestone", "secure-boot", "EFI stub: UEFI Secure Boot is enabled"),
        ("edgewright: live system up", "milestone", "live", ""),
        ("edgewright: install begins on /dev/sda", "milestone", "install", "/dev/sda"),
        ("edgewright: install step 4 of 11: copying the active system: 25 %", "step", "installed",
         "4 of 11: copying the active system: 25 %"),
        ("edgewright: install done", "milestone", "installed", ""),
        ("edgewright: install failed: There is no disk.", "failure", "installed", "There is no disk."),
        ("edgewright: booted slot active", "milestone", "disk", "active"),
        ("edgewright: booted slot passive", "told", "other-slot", "passive"),
        ("edgewright: registering with https://10.77.0.1:8443 as proof-1", "milestone", "registering",
         "https://10.77.0.1:8443 as proof-1"),
        ("edgewright: registered as proof-1", "told", "registered", "proof-1"),
        ("edgewright: registration refused: The token is not known.", "told", "refused", "The token is not known."),
        ("edgewright: waiting for an operator: this medium carries no user-data", "told", "person",
         "this medium carries no user-data"),
        ("edgewright: medium left in place: not installing again", "told", "not-again", ""),
        ("[  OK  ] Reached target multi-user.target - Multi-User System.", "told", "userspace", ""),
        ("edge-box login: ", "milestone", "login", "edge-box"),
        ("[    3.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)", "failure", "panic",
         "VFS: Unable to mount root fs on unknown-block(0,0)"),
        ("dracut-initqueue[505]: Warning: Failed to mount block device of live image", "failure", "live-image", ""),
        ("error: bad shim signature.", "failure", "signature", ""),
        ('BdsDxe: failed to load Boot0001 "UEFI QEMU DVD-ROM" from X: Access Denied', "failure", "signature", ""),
        ("No bootable device.", "failure", "no-medium", ""),
        ("grub rescue> ", "failure", "grub", ""),
        ('{"event":"step","step":"partition"}', "milestone", "install", ""),
        ('{"event":"step","step":"active"}', "step", "installed", "active"),
        ('{"event":"step","step":"done"}', "milestone", "installed", ""),
    ],
)  # fmt: skip
def test_a_line_means(line: str, kind: str, key: str, text: str) -> None:
    assert sign_of(line) == Sign(kind, key, text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        'BdsDxe: failed to load Boot0001 "UEFI QEMU HARDDISK" from PciRoot(0x0): Not Found',  # an empty disk: goes on
        "Boot failed: not a bootable disk",
        "[    1.2] systemd[1]: Hostname set to <edge>.",
        "the user's login: was refused by pam",
        "Last login: Mon",
    ],
)
def test_a_line_means_nothing(line: str) -> None:
    assert sign_of(line) is None


def test_colours_and_cursor_movements_are_no_text() -> None:
    assert plain("\x1b[0;1;31m[FAILED]\x1b[0m Failed to start x\x07\x08.\x1b(B") == "[FAILED] Failed to start x."


def test_bytes_in_any_pieces_give_the_same_signs() -> None:
    text = (
        SEABIOS
        + b"\x1b[01;01H  Booting `Install'\x1b[05;01H[    0.0] Linux version 6.1.0\r\nedgewright: live system up\r\n"
    )
    whole = [sign.key for _, sign in Reader().feed(text) if sign]
    assert whole == ["firmware", "bootloader", "kernel", "live"]
    for size in (1, 7, 64):
        reader = Reader()
        seen = [s.key for at in range(0, len(text), size) for _, s in reader.feed(text[at : at + size]) if s]
        assert seen == whole


def test_a_prompt_counts_before_its_line_ends_and_once() -> None:
    reader = Reader()
    assert [sign.key for _, sign in reader.feed(b"\r\nedge-1 login: ") if sign] == ["login"]
    assert [sign for _, sign in reader.feed(b"root\r\n") if sign] == []
    reader = Reader()
    assert [sign.key for _, sign in reader.feed(b"edge-1 login: ") if sign] == ["login"]
    assert [sign for _, sign in reader.feed(b"\r\n") if sign] == []


def test_a_screen_that_is_drawn_again_does_not_push_out_what_was_said() -> None:
    reader = Reader()
    reader.feed(b"the cause\r\n")
    for _ in range(50):
        reader.feed(b"\x1b[1;1HEdgewright\x1b[2;1Hname  edge-1\x1b[3;1Hstate  waiting\x1b[4;1H")
    assert reader.last()[0] == "the cause"


def test_a_unit_that_is_waited_for_is_no_news() -> None:
    reader = Reader()
    text = b"\r\x1b[K[ \x1b[0;31m*\x1b[0m   ] (1 of 2) Job systemd-udevd.service/start running (20s / 1min 48s)\r\n"
    assert reader.feed(b"the cause\r\n" + text * 20) == [("the cause", None)]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_make_it_stumble(pieces: list[bytes]) -> None:
    reader = Reader()
    for piece in pieces:
        for line, sign in reader.feed(piece):
            assert "\x1b[" not in line
            assert sign is None or sign.key
    assert len(reader.last(5)) <= 5
