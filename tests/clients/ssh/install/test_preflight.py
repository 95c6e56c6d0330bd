"""What refuses a host, from what preflights print."""

from __future__ import annotations

import pytest

from edgewright.clients.ssh.install.preflight import parse, problem
from edgewright.core.errors import Failed

GOOD = """uid=0
kernel=Linux
arch=x86_64
now=1000
systemd=1
python=/usr/bin/python3
disk=/var/lib /dev/sda1 9999999 1 500000 1% /
listens=0016
plane=10.0.0.2:8443 reached
end=1
"""


def verdict(text: str, binary: str = "") -> str:
    error = problem(parse(text.encode(), 999.5, 1000.5), binary_arch=binary, host="edge1")
    return "" if error is None else str(error.code)


def test_a_good_host() -> None:
    assert verdict(GOOD) == ""
    assert verdict(GOOD.replace("python=/usr/bin/python3\n", ""), "amd64") == ""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("kernel=Linux", "kernel=FreeBSD", "NotLinux"),
        ("x86_64", "riscv64", "Architecture"),
        ("systemd=1\n", "", "NoSystemd"),
        ("systemd=1\n", "systemd=1\nlacks=base64\n", "NoTools"),
        ("python=/usr/bin/python3", "version=Python 3.6.8", "NoPython"),
        (" 500000 ", " 20000 ", "NoSpace"),
        ("listens=0016", "listens=192B", "PortInUse"),
        ("end=1", "runs=kubelet\nend=1", "OtherAgent"),
        ("end=1", "other=/opt/spectrocloud\nend=1", "OtherAgent"),
        ("end=1", "readonly=/etc\nend=1", "ReadOnly"),
        ("now=1000", "now=1400", "Clock"),
        ("now=1000", "now=600", "Clock"),
        ("reached", "Connection refused", "PlaneNotReached"),
    ],
)
def test_each_reason(old: str, new: str, code: str) -> None:
    assert old in GOOD
    assert verdict(GOOD.replace(old, new)) == code


def test_a_binary_for_another_machine() -> None:
    assert verdict(GOOD, "arm64") == "Architecture"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("end=1", "status=" + "[" * 100_000 + "\nend=1", ""),
        ("end=1", "status=[]\nend=1", ""),
        ("now=1000", "now=²", ""),
        (" 500000 ", " " + "9" * 5000 + " ", ""),
        (" 500000 ", " ² ", ""),
        ("python=/usr/bin/python3", "python=/usr/bin/py\0thon3", "NoPython"),
        ("python=/usr/bin/python3", "python=sh", "NoPython"),
        ("listens=0016", "listens=²²²²", ""),
    ],
)
def test_a_host_that_prints_anything(old: str, new: str, code: str) -> None:
    assert verdict(GOOD.replace(old, new)) == code


def test_a_preflight_that_was_cut_is_no_answer() -> None:
    with pytest.raises(Failed):
        parse(GOOD.replace("end=1\n", "").encode(), 0, 1)
