"""What the offline check finds: one mistake at a time in a document that is otherwise right."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from edgewright.core.cloudconfig.check import check, check_text
from edgewright.core.cloudconfig.findings import ERROR, NOTE, WARNING, Finding, has_errors

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEkzqGdQ3WXkqLkQ3t8o0y3nLw6rj1q0b2JcPp0pGm3y ops@example.com"
GOOD: dict[str, Any] = {
    "stylus": {
        "site": {
            "paletteEndpoint": "https://plane.example.com",
            "edgeHostToken": "aXz3kd93kdlPq",
            "name": "edge-berlin-01",
            "tags": {"site": "berlin"},
            "network": {
                "interfaces": {
                    "eno1": {
                        "type": "static",
                        "ipAddress": "192.168.1.10/24",
                        "gateway": "192.168.1.1",
                        "nameserver": "192.168.1.1",
                    }
                }
            },
            "users": [{"name": "ops", "groups": ["sudo"], "ssh_authorized_keys": [KEY]}],
        }
    },
    "install": {"device": "auto", "poweroff": True},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the good document with one value set (a path of names) or, for `...`, taken out."""
    document = copy.deepcopy(GOOD)
    here = document
    *above, last = path.split("/")
    for name in above:
        here = here.setdefault(name, {}) if isinstance(here, dict) else here[int(name)]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return document


def worst(found: list[Finding], code: str) -> Finding:
    hits = [one for one in found if one.code == code]
    assert hits, [(one.code, one.message) for one in found]
    return hits[0]


def test_the_good_one_has_no_errors_and_no_warnings() -> None:
    assert [one for one in check(GOOD, now=0) if one.severity in (ERROR, WARNING)] == []


SITE = "stylus/site"
NIC = "stylus/site/network/interfaces/eno1"
CASES: list[tuple[str, Any, str, str, str]] = [
    (f"{SITE}/paletteEndpoint", "https://127.0.0.1:8443", ERROR, "Loopback", "127.0.0.1"),
    (f"{SITE}/paletteEndpoint", "localhost:8443", ERROR, "Loopback", "localhost"),
    (f"{SITE}/paletteEndpoint", "https://[::1]", ERROR, "Loopback", "::1"),
    (f"{SITE}/paletteEndpoint", "https://0.0.0.0", ERROR, "Loopback", "0.0.0.0"),
    (f"{SITE}/paletteEndpoint", "http://plane.example.com", ERROR, "NotHttps", "https"),
    (f"{SITE}/paletteEndpoint", "<endpoint>", ERROR, "Placeholder", "<endpoint>"),
    (f"{SITE}/paletteEndpoint", "https://plane_1.example.com", ERROR, "Endpoint", "not an address"),
    (f"{SITE}/paletteEndpoint", "https://plane.example.com:99999", ERROR, "Endpoint", "not an address"),
    (f"{SITE}/paletteEndpoint", "https://plane.example.com/console", WARNING, "Endpoint", "/console"),
    (f"{SITE}/paletteEndpoint", ..., WARNING, "DefaultPlane", "api.spectrocloud.com"),
    (f"{SITE}/paletteEndpoint", "https://xxxx.example.com", ERROR, "Placeholder", "xxxx"),
    (f"{SITE}/paletteEndpoint", "palette.your-domain.com", ERROR, "Placeholder", "your-domain"),
    (f"{SITE}/edgeHostToken", ..., WARNING, "NoToken", "waits"),
    (f"{SITE}/edgeHostToken", "abc def", ERROR, "Token", "part of it is missing"),
    (f"{SITE}/edgeHostTokn", "abc", ERROR, "UnknownKey", "`edgeHostToken`"),
    (f"{SITE}/name", "edge/berlin", ERROR, "Uid", "/"),
    (f"{SITE}/name", "edge.berlin", ERROR, "Uid", "must not contain '.'."),
    (f"{SITE}/name", "xy" * 65, ERROR, "Uid", "130"),
    (f"{SITE}/name", "Edge_01", WARNING, "HostName", "host name"),
    (f"{SITE}/name", "$random", WARNING, "RandomUid", "another host"),
    (f"{SITE}/hostName", "Berlin_01", ERROR, "HostName", "a-z"),
    (f"{SITE}/prefix", "edge_", ERROR, "Prefix", "edge_"),
    (f"{SITE}/tags", {"": "x"}, ERROR, "Tag", "1 to 256"),
    (f"{SITE}/tags", {"floor": 3}, WARNING, "Type", "number 3"),
    (f"{SITE}/ntpServers", "ntp://x", ERROR, "Ntp", "not a host name"),
    (f"{SITE}/caCerts", ["nonsense !"], ERROR, "Certificate", "neither PEM nor base64"),
    (f"{SITE}/caCerts", ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"], ERROR, "Certificate", "key"),
    (f"{SITE}/insecureSkipVerify", True, WARNING, "NoVerify", "pretend"),
    (f"{SITE}/deviceUIDPaths", [{"name": "/x", "regex": "(?=a)"}], ERROR, "Regex", "RE2"),
    (f"{SITE}/deviceUIDPaths", [{"name": "/x", "regex": "["}], ERROR, "Regex", "not an expression"),
    (f"{SITE}/registrationURL", "example", ERROR, "Url", "web address"),
    (f"{SITE}/token", "abc", ERROR, "UnknownKey", "token"),
    (f"{NIC}/gateway", "192.168.2.1", ERROR, "Address", "not inside 192.168.1.0/24"),
    (f"{NIC}/gateway", "192.168.1.10", ERROR, "Address", "own address"),
    (f"{NIC}/ipAddress", "192.168.1.0/24", ERROR, "Address", "network"),
    (f"{NIC}/ipAddress", "192.168.1.255/24", ERROR, "Address", "broadcast"),
    (f"{NIC}/ipAddress", "192.168.1.10", ERROR, "Address", "prefix length"),
    (f"{NIC}/ipAddress", "192.168.1.300/24", ERROR, "Address", "not an address"),
    (f"{NIC}/ipAddress", ..., ERROR, "NoAddress", "static"),
    (f"{NIC}/mask", "255.255.0.0", ERROR, "Address", "/16"),
    (f"{NIC}/mask", "255.0.255.0", ERROR, "Address", "not a subnet mask"),
    (f"{NIC}/nameserver", "dns.example.com", ERROR, "Dns", "not an address"),
    (f"{NIC}/type", "fixed", ERROR, "Choice", "dhcp, static"),
    (f"{NIC}/type", "dhcp", WARNING, "Unused", "passed over"),
    (f"{NIC}/vlan", 12, ERROR, "UnknownKey", "vlan"),
    (f"{NIC}/gateway", ..., WARNING, "NoGateway", "own subnet"),
    (f"{SITE}/network/httpsProxy", "proxy:3128", ERROR, "Proxy", "not a URL"),
    (f"{SITE}/network/httpsProxy", "http://proxy:3128", WARNING, "NoProxy", "127.0.0.1, 192.168.1.10"),
    ("stylus/includeTui", True, WARNING, "Deprecated", "includeTui"),
    ("stylus/installationMode", "airgap", WARNING, "Deprecated", "installationMode"),
    ("stylus/managementMode", "centrl", ERROR, "Choice", "`central`"),
    ("stylus/managementMode", "", ERROR, "Choice", "stylus.managementMode is empty; it must be one of"),
    ("p2p", {"role": "", "network_token": "x1"}, ERROR, "Choice", "p2p.role is empty; it must be one of"),
    (f"{SITE}/paletteEndpoint", None, ERROR, "Empty", "has no value; a text is expected"),
    ("stylus/localUI", {"port": 70000}, ERROR, "Range", "65535"),
    ("stylus/edgeHostToken", "abc", ERROR, "Misplaced", "stylus.site.edgeHostToken"),
    ("stylus/registryCredentials", {"domain": "https://r.example.com"}, ERROR, "Registry", "scheme"),
    ("stylus/registryCredentials", {"domain": "my_reg.example.com"}, ERROR, "Registry", "underscore"),
    ("stylus/registryCredentials", {"domain": "r.example.com", "username": "x"}, ERROR, "Login", "no password"),
    ("stylus/registryCredentials", {"domain": "r.example.com", "password": None}, ERROR, "Empty", "no value"),
    ("instal", {"device": "auto"}, ERROR, "UnknownKey", "`install`"),
    ("install/reboot", True, ERROR, "RebootAndPoweroff", "poweroff"),
    ("install/device", "sda", ERROR, "Device", "`/dev/sda`"),
    ("install/device", "/dev/sda1", ERROR, "Device", "partition"),
    ("install/poweroff", "true", ERROR, "Type", "true or false"),
    ("install/partitions", {"persistent": {"size": "20480"}}, ERROR, "Type", "an integer"),
    ("install/partitions", {"persistent": {"size": 20}}, WARNING, "Partition", "MiB"),
    ("install/extra-partitions", [{"size": 100}], ERROR, "Partition", "no name"),
    ("install/extra-partitions", [{"name": "a"}, {"name": "b", "size": 1}], ERROR, "Partition", "not the last"),
    ("install/extra-partitions", [{"name": "a", "size": 0}], ERROR, "Partition", "Both"),
    (
        "install/extra-partitions",
        [{"name": "a", "fs": "ext4", "label": "x" * 17, "size": 9}],
        ERROR,
        "Label",
        "17 bytes",
    ),
    (
        "install/extra-partitions",
        [{"name": "a", "fs": "ext4", "label": "ä" * 9, "size": 9}],
        ERROR,
        "Label",
        "18 bytes",
    ),
    (
        "install/extra-partitions",
        [{"name": "a", "fs": "xfs", "label": "x" * 13, "size": 9}],
        ERROR,
        "Label",
        "at most 12",
    ),
    (
        "install/extra-partitions",
        [{"name": "a", "fs": "vfat", "label": "x" * 12, "size": 9}],
        ERROR,
        "Label",
        "at most 11",
    ),
    ("install/extra-partitions", [{"name": "a" * 37, "size": 9}], ERROR, "Label", "at most 36"),
    ("stages", {"boot": [{"layout": {"add_partitions": [{"fsLabel": "x" * 17}]}}]}, ERROR, "Label", "ext4"),
    (
        "stages",
        {"boot": [{"layout": {"add_partitions": [{"fsLabel": "x" * 17, "filesystem": "swap"}]}}]},
        *(ERROR, "Label", "swap"),
    ),
    ("install/ssh_hardening", "x", ERROR, "Type", "true or false"),
    ("install/bind_mounts", ["var/x"], ERROR, "Path", "absolute"),
    (f"{SITE}/users/0/passwd", "hunter2", WARNING, "PlainPassword", "plain text"),
    (f"{SITE}/users/0/passwordExpiry", "2020-13-01", ERROR, "Date", "not a date"),
    (f"{SITE}/users/0/passwordExpiry", "1960-01-01", ERROR, "Expired", "over"),
    (f"{SITE}/users/0/ssh_authorized_keys", [KEY[:60]], ERROR, "SshKey", "copied completely"),
    (f"{SITE}/users/0/ssh_authorized_keys", ["-----BEGIN OPENSSH PRIVATE KEY-----"], ERROR, "SshKey", "private key"),
    (f"{SITE}/users/0/name", "Ops", ERROR, "User", "not a user name"),
    ("stages", {"initramf": []}, ERROR, "UnknownStage", "`initramfs`"),
    ("stages", {"boot": [{"commands": "x"}]}, ERROR, "Type", "list of texts"),
    ("stages", {"boot": [{"files": [{"path": "x"}]}]}, ERROR, "Path", "absolute"),
    ("stages", {"boot": [{"files": [{"path": "/x", "permissions": 644}]}]}, ERROR, "Mode", "1204"),
    ("stages", {"boot": [{"commands": ["x --password hunter22"]}]}, WARNING, "PersistedSecret", "/oem/userdata"),
    ("stages", {"boot": [{"name": "skip-copy-a", "commands": ["TOKEN=abcdefgh1"]}]}, NOTE, "SkipCopy", "unmount"),
    (
        "stages",
        {"after-install": [{"name": "skip-copy-a", "commands": ["TOKEN=abcdefgh1"]}]},
        *(WARNING, "PersistedSecret", "everything is stored"),
    ),
    ("config_url", "https://example.com/x", WARNING, "ConfigUrl", "every boot"),
    ("hostname", "A_b", ERROR, "HostName", "hostname"),
]


@pytest.mark.parametrize(("path", "value", "severity", "code", "words"), CASES)
def test_one_mistake_is_found(path: str, value: Any, severity: str, code: str, words: str) -> None:
    found = check(changed(path, value), now=0)
    hit = worst(found, code)
    assert hit.severity == severity
    assert any(words in one.message for one in found if one.code == code), hit.message
    assert hit.message.endswith(".")


def test_reboot_alone_warns_of_the_loop() -> None:
    document = changed("install", {"reboot": True})
    assert worst(check(document), "ReinstallLoop").severity == WARNING


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{SITE}/name", "{{ .Values.product.uuid }}"),
        (f"{NIC}/ipAddress", "{{ .Values.ip }}/24"),
        ("install/device", "{{ .Values.disk }}"),
        ("install/reboot", "{{ .Values.reboot }}"),
    ],
)
def test_a_template_is_left_to_the_host(path: str, value: str) -> None:
    document = changed(path, value)
    if path == "install/reboot":
        del document["install"]["poweroff"]
    assert not has_errors(check(document))


def test_the_profiles_differ_and_the_error_names_its_own() -> None:
    kairos = {"install": {"device": "auto", "auto": True}}
    assert [one.code for one in check(kairos, profile="palette") if one.severity == ERROR] == ["Missing"]
    missing = worst(check(kairos, profile="kairos"), "NoUsers")
    assert missing.severity == ERROR and "profile kairos" in missing.message
    nobody = {**kairos, "users": [{"name": "ops", "ssh_authorized_keys": [KEY]}]}
    assert "profile kairos" in worst(check(nobody, profile="kairos"), "NoAdmin").message
    nobody["users"] = [{"name": "ops", "groups": ["admin"], "ssh_authorized_keys": [KEY]}]
    assert not has_errors(check(nobody, profile="kairos"))
    assert not has_errors(check({"install": {"nousers": True}}, profile="kairos"))


def test_local_mode_needs_no_plane() -> None:
    document = {"stylus": {"managementMode": "local", "site": {"name": "edge-1"}}}
    assert not has_errors(check(document))


@pytest.mark.parametrize(
    ("path", "value"),
    [("stylus/disableTui", True), (f"{SITE}/remoteShell/disable", True), ("install/device", "/dev/sdb")],
)
def test_what_cannot_be_undone_is_said(path: str, value: Any) -> None:
    said = [one.message for one in check(changed(path, value)) if one.code == "Fixed"]
    assert any(f"Cannot be undone later: {path.replace('/', '.')}" in one for one in said)


@pytest.mark.parametrize(
    ("text", "severity", "line"),
    [
        ("stylus: {}\n", ERROR, 1),
        ("# cloud-config\nstylus: {}\n", ERROR, 1),
        ("# hello\n#cloud-config\n", WARNING, 2),
        (" #cloud-config\n", ERROR, 1),
        ("#Cloud-Config\n", ERROR, 1),
        ("install: {}\n#cloud-config\n", ERROR, 2),
        ("#\n" * 9 + "#cloud-config\n", ERROR, 1),
        ("\x0b#cloud-config\n", ERROR, 1),
        ("#kairos-config\n", WARNING, 1),
        ("#node-config\n", WARNING, 1),
        ("\ufeff#cloud-config\n", ERROR, 1),
    ],
)
def test_the_header_is_looked_for(text: str, severity: str, line: int) -> None:
    (found,) = check_text(text)
    assert (found.severity, found.line) == (severity, line)


@pytest.mark.parametrize("text", ["#cloud-config\n", "## template: jinja\n#cloud-config\n", "#cloud-config  \r\n"])
def test_a_right_header_is_nothing_to_say(text: str) -> None:
    assert check_text(text, "x.yaml") == []


def test_a_big_file_and_an_odd_ending_are_told() -> None:
    found = check_text("#cloud-config\n" + "#" * 1024 * 1024, "user.data")
    assert [one.code for one in found] == ["TooBig", "Ending"]


PUBLISHED: list[tuple[str, str, dict[str, Any]]] = [
    ("a header of older days", "#node-config", {"stages": {"rootfs": [{"modules": ["zfs"]}]}}),
    ("partitions made by hand", "", {"stages": {"kairos-install.pre.before": [{"commands": ["parted --version"]}]}}),
    (
        "a token without an endpoint",
        "",
        {"stylus": {"site": {"edgeHostToken": "tok-9f2c71"}}, "install": {"poweroff": True}},
    ),
    ("a site's own file", "", {"stylus": {"site": {"projectName": "shops", "tags": {"city": "lund"}}}}),
    ("the default of a key, written as its inverse", "", {"stylus": {"site": {"autoRegister": True}}}),
    (
        "words of cloud-init",
        "",
        {"package_update": True, "package_upgrade": True, "packages": ["jq"], "ssh_pwauth": False},
    ),
    ("netplan at the top", "", {"network": {"version": 2, "ethernets": {"eno1": {"dhcp4": True}}}}),
    ("a mode that only loses rights", "", {"write_files": [{"path": "/etc/k0s/token", "permissions": 0o644}]}),
    ("a project by number", "", {"stylus": {"site": {"projectUid": 12345677788, "edgeHostToken": "tok-9f2c71"}}}),
    ("a user by number", "", {"users": [{"name": "a", "uid": 1001, "groups": ["admin"]}]}),
    ("keys that the agent writes itself", "", {"install": {"firmware": "bios", "part-table": "gpt", "auto": True}}),
    ("a key without a value", "", {"users": [{"name": "a", "groups": ["admin"], "ssh_authorized_keys": None}]}),
    ("sizes with dots", "", {"install": {"partitions.oem.size": 60, "system.size": 4096, "auto": True}}),
    ("empty steps", "", {"stages": {"boot": None, "fs": [None, {"commands": None}]}}),
    ("kernel settings as numbers", "", {"stages": {"boot": [{"sysctl": {"net.ipv4.ip_forward": 1}}]}}),
    ("a stage of a provider", "", {"stages": {"provider-kairos.bootstrap.after.k3s-ready": [{"commands": ["true"]}]}}),
]
"""Kinds of files that were published and work; each with words and values of our own."""


@pytest.mark.parametrize(("what", "header", "document"), PUBLISHED, ids=[one[0] for one in PUBLISHED])
def test_what_is_published_and_works_is_not_refused(what: str, header: str, document: dict[str, Any]) -> None:
    profile = "palette" if "stylus" in document else "kairos"
    found = [*check_text(f"{header or '#cloud-config'}\n"), *check(document, profile=profile)]
    known = ("NoUsers", "NoAdmin")  # a part of a file, which Kairos refuses as a whole one
    assert [one for one in found if one.severity == ERROR and one.code not in known] == []
