"""The copy of the user-data: another host by another token, everything else as it was."""

from __future__ import annotations

import copy
from typing import Any

from edgewright.forge.proof.console_log import Redactor
from edgewright.forge.proof.ephemeral_identity import disk_gib, make_copy, new_uid, secrets_of

SHIPS: dict[str, Any] = {
    "install": {"auto": True, "device": "/dev/disk/by-id/nvme-X", "reboot": True,
                "encrypted_partitions": ["COS_PERSISTENT"]},
    "stylus": {
        "registryCredentials": {"domain": "r.example.com", "username": "u", "password": "registry-pass"},
        "site": {
            "paletteEndpoint": "10.77.0.1:8443",
            "edgeHostToken": "ewt_ships0000000",
            "name": "box-1",
            "projectName": "Default",
            "clusterName": "berlin",
            "tags": {"site": "berlin", "floor": "007"},
            "caCerts": ["PEM"],
            "network": {
                "httpProxy": "http://proxy:3128",
                "interfaces": {"eno1": {"type": "static", "ipAddress": "192.0.2.10"}, "eno2.40": {"type": "dhcp"}},
            },
        },
    },
    "stages": {
        "initramfs": [
            {
                "users": {"ops": {"passwd": "verysecret1"}},
                "files": [
                    {"path": "/etc/systemd/network/10-vlan.netdev", "content": "Kind=vlan"},
                    {"path": "/etc/motd", "content": "hello"},
                ],
            }
        ]
    },
}  # fmt: skip


def test_only_who_it_is_and_its_network_change() -> None:
    before = copy.deepcopy(SHIPS)
    made = make_copy(SHIPS, "ewt_proof000000", "proof-1", "out.iso")
    assert before == SHIPS, "the user-data that ships stays as it is"
    site = made.document["stylus"]["site"]
    assert (site["edgeHostToken"], site["name"], site["hostName"]) == ("ewt_proof000000", "proof-1", "proof-1")
    assert site["tags"] == {"site": "berlin", "floor": "007", "edgewright-proof": "out.iso"}
    assert "ewt_ships" not in str(made.document)
    expected = copy.deepcopy(SHIPS)
    theirs = expected["stylus"]["site"]
    for key in ("edgeHostToken", "name", "hostName", "tags"):
        theirs[key] = site[key]
    del theirs["network"], theirs["clusterName"]
    expected["install"]["device"] = "auto"
    del expected["stages"]["initramfs"][0]["files"][0]
    assert made.document == expected


def test_what_was_left_out_is_told_as_not_proven() -> None:
    told = " | ".join(make_copy(SHIPS, "t" * 12, "proof-1", "x").not_proven)
    for words in (
        "static address of eno1 (192.0.2.10)",
        "VLAN of eno2.40",
        "httpProxy",
        "VLAN in /etc/systemd/network/10-vlan.netdev",
        "choice of the disk (/dev/disk/by-id/nvme-X)",
        "encrypted partitions",
        "joining its cluster",
        "real disks",
        "TPM",
    ):
        assert words in told


def test_a_document_without_anything_gets_what_it_needs() -> None:
    made = make_copy({}, "t" * 12, "proof-1", "x")
    assert made.document["stylus"]["site"]["name"] == "proof-1"
    assert any("product_uuid" in words for words in made.not_proven)


def test_uids_are_new_each_time_and_pass_the_rule() -> None:
    uids = {new_uid() for _ in range(50)}
    assert len(uids) == 50
    assert all(uid.startswith("proof-") and uid.replace("-", "").isalnum() for uid in uids)


def test_the_disk_has_room_for_the_partitions() -> None:
    assert disk_gib({}) == 32
    parts = {"install": {"partitions": {"state": {"size": 20480}}, "extra-partitions": [{"size": 40960}, {"size": 0}]}}
    assert disk_gib(parts) == 76


def test_no_secret_of_the_user_data_gets_onto_paper() -> None:
    redact = Redactor([*secrets_of(SHIPS), "ewt_proof000000"])
    line = redact("curl -H 'ewt_proof000000' ewt_ships0000000 -u u:registry-pass ops:verysecret1 berlin")
    for secret in ("ewt_proof000000", "ewt_ships0000000", "registry-pass", "verysecret1"):
        assert secret not in line
    assert "berlin" in line


def test_a_disk_by_a_name_that_a_stick_can_take_is_left_to_the_installer() -> None:
    made = make_copy({"install": {"device": "/dev/sda"}}, "t" * 12, "proof-1", "x")
    assert made.document["install"]["device"] == "auto"
    assert any("/dev/sda" in words for words in made.not_proven)
    made = make_copy({"install": {"device": "/dev/nvme0n1"}}, "t" * 12, "proof-1", "x")
    assert made.document["install"]["device"] == "/dev/nvme0n1"
