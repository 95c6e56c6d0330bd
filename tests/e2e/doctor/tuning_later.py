"""Faults by which rules were corrected later: an address of IPv6 that two machines have, names that nothing asks for."""

from __future__ import annotations

from tests.e2e.doctor.fault import RESTORE_NAMES, SAVE_NAMES, Fault

CARD = "$(ls /sys/class/net | grep -v -e lo -e sit -e tunl | head -n 1)"
TWICE = f"ip -6 addr add fd77::5/64 dev {CARD}"
TUNING_LATER = (
    Fault(
        "address-of-ipv6-twice",
        ("duplicate-address",),
        f"sleep 3; {TWICE}",
        f"ip -6 addr del fd77::5/64 dev {CARD}",
        TWICE,
        f"ip -6 addr del fd77::5/64 dev {CARD}",
        settle=4.0,
    ),
    Fault(
        "refusing-name-server",
        ("dns-silent",),
        f"{SAVE_NAMES} echo nameserver 127.0.0.9 >/etc/resolv.conf",
        RESTORE_NAMES,
    ),
)
