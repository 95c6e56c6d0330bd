"""Password hashes against the system's own, origin of a host, files of networkd."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from edgewright.core.installer.networkd import Link, files, interface
from edgewright.core.installer.origin import Installer, installer_of, origin
from edgewright.core.installer.passwords import sha512_crypt
from tests.support import missing

OLD = Installer("b1", "shop", "t1", 1000.0)
NEW = Installer("b2", "shop", "t2", 2000.0)
OTHER = Installer("b3", "depot", "t3", 1500.0)
EVERY = (OLD, NEW, OTHER)


@pytest.mark.parametrize("password", ["x", "correct horse", "ünïcode", "a" * 200])
def test_a_hash_is_what_the_system_makes(password: str) -> None:
    openssl = shutil.which("openssl") or missing("openssl", "there is no openssl here")
    words = [openssl, "passwd", "-6", "-salt", "saltsalt", "-stdin"]
    made = subprocess.run(words, input=password, capture_output=True, text=True, check=True)
    assert sha512_crypt(password, "saltsalt") == made.stdout.strip()


def test_a_salt_has_its_letters() -> None:
    for salt in ("short", "x" * 17, "salt$salt"):
        with pytest.raises(ValueError, match="salt"):
            sha512_crypt("x", salt)


@pytest.mark.parametrize(
    ("labels", "token", "registered", "build"),
    [
        ({"installer": "depot"}, "", 9000.0, "b3"),
        ({"installer": "shop"}, "t1", 9000.0, "b1"),
        ({"installer": "shop"}, "", 9000.0, "b2"),
        ({"installer": "shop"}, "", 1800.0, "b2"),  # clocks may differ by some minutes
        ({"installer": "shop"}, "", 1200.0, "b1"),
        ({"installer": "shop"}, "", None, "b2"),
        ({"installer": "gone"}, "t1", 9000.0, ""),
        ({}, "t3", 9000.0, "b3"),
        ({}, "t3", 100.0, ""),
        ({}, "", 9000.0, ""),
        ({"installer": None}, "t9", 9000.0, ""),
    ],
)
def test_where_a_host_came_from(labels: dict[str, object], token: str, registered: float | None, build: str) -> None:
    assert origin(labels, token, registered, EVERY) == build


def test_a_token_in_two_installers_tells_nothing() -> None:
    assert origin({}, "t1", 9000.0, [OLD, OTHER._replace(token_uid="t1")]) == ""


def test_a_manifest_is_read_with_care() -> None:
    manifest = {"createdAt": "2026-11-25T21:00:00Z", "userData": {"tags": {"installer": "shop"}, "tokenUid": "t"}}
    assert installer_of("b", manifest) == Installer("b", "shop", "t", 1795640400.0)
    odds: tuple[dict[str, object], ...] = ({}, {"userData": 3, "createdAt": "yesterday"}, {"userData": {"tags": []}})
    for odd in odds:
        assert installer_of("b", odd) == Installer("b", "", "", None)


def test_a_card_that_is_plain_is_said_in_palettes_keys() -> None:
    assert interface(Link("eno1")) == {"type": "dhcp"}
    assert interface(Link("eno1", "10.0.0.2/24", "", "10.0.0.1")) == {
        "type": "static",
        "ipAddress": "10.0.0.2/24",
        "nameserver": "10.0.0.1",
    }


def test_a_vlan_leaves_its_card_without_an_address() -> None:
    texts = {file["path"].rsplit("/", 1)[1]: file["content"] for file in files([Link("eno1", vlan=7)], None)}
    assert list(texts) == ["05-eno1.network", "06-eno1.7.netdev", "06-eno1.7.network"]
    assert "DHCP=no\nLinkLocalAddressing=no\nVLAN=eno1.7\n" in texts["05-eno1.network"]
