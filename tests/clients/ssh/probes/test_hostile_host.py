"""Names on a host that would be commands: what a probe takes from files of the host is checked before it is a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgewright.clients.ssh.probes.catalogue.shared import SHARED
from edgewright.clients.ssh.probes.probe import Probe
from edgewright.clients.ssh.probes.sets import CATALOGUE
from tests.clients.ssh.probes.shells import PRESENT, run


def plane_of(endpoint: str, name: str) -> tuple[str, ...]:
    """Return what `plane_of` makes of an endpoint that stands in the user-data of a host."""
    text = endpoint.replace("'", "")
    source = SHARED.replace(
        "for f in /oem/userdata /oem/90_custom.yaml /run/stylus/userdata /etc/edgewright/user-data \\\n"
        "      /var/lib/spectro/userdata; do",
        "for f in /proc/self/fd/9; do",
    ).replace("/etc/systemd/system/edgewright-agent.service", "/nowhere")
    assert "/proc/self/fd/9" in source
    script = f"""{source}
printf '%s\\n' 'paletteEndpoint: {text}' | {{ exec 9<&0; plane_of && echo "is $plane_host $plane_port" || echo none; }}
"""
    return run([Probe("network.x", "", script)], name).readings["network.x"].lines


@pytest.mark.parametrize("name", PRESENT)
@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://hub.example:8443", "is hub.example 8443"),
        ("hub.example", "is hub.example 443"),
        ("https://10.4.0.2:8443/path", "is 10.4.0.2 8443"),
        ("https://[fd00::7]:8443", "is fd00::7 8443"),
        ("$(touch${IFS}/tmp/x)", "none"),
        ("-oProxyCommand=x:1", "none"),
        ("a;reboot:443", "none"),
        ("hub.example:80;reboot", "none"),
        ("hub.example:999999", "none"),
        ("`id`:443", "none"),
    ],
)
def test_the_plane_of_a_host_is_a_name_and_a_port(name: str, endpoint: str, expected: str) -> None:
    assert plane_of(endpoint, name) == (expected,)


def test_nothing_that_a_host_names_is_part_of_a_sed_or_python_program() -> None:
    """`sed "s,x,$name,"` executes with GNU's `e` flag: only folders of the catalogue and checked names stand there."""
    for probe in CATALOGUE:
        inside = re.findall(r"sed (?:-n )?\"[^\"]*\$[a-z{][^\"]*\"", probe.script)
        assert [text for text in inside if "$f" not in text] == [], probe.id
        assert not re.search(r"python3 -I -c \"(?!\$PY\"')", probe.script), "programs of Python are constant"
        assert "PY=" not in probe.script
    (space,) = [probe.script for probe in CATALOGUE if probe.id == "disk.space"]
    assert "*[!A-Za-z0-9/._-]*) continue" in space


def lines_of(probe: str, before: str, *changes: tuple[str, str]) -> tuple[str, ...]:
    """Return what a probe of the catalogue prints, with functions of the shell in place of some programs."""
    (script,) = [each.script for each in CATALOGUE if each.id == probe]
    for old, new in changes:
        assert old in script
        script = script.replace(old, new)
    return run([Probe("network.x", "", f"R=1\n{before}\n{script}", 10)]).readings["network.x"].lines


@pytest.mark.parametrize(
    ("status", "text", "lines"),
    [
        (0, "sshd_config line 2: Deprecated option RSAAuthentication", ()),
        (255, "sshd_config line 7: Bad configuration option: Foo", ("sshd sshd_config line 7: Bad",)),
    ],
)
def test_sshd_would_not_start_only_if_it_says_so_with_its_exit_status(
    status: int, text: str, lines: tuple[str, ...]
) -> None:
    programs = f"have() {{ :; }}; systemctl() {{ :; }}; sshd() {{ echo '{text}' >&2; return {status}; }}"
    shown = lines_of("units.errors", programs, ("/run/sshd", "/"))
    assert len(shown) == len(lines) and all(map(str.startswith, shown, lines))


@pytest.mark.parametrize(
    ("error", "fails"),
    [
        ("ls: x: No such file or directory", False),  # BusyBox, of a file that is removed meanwhile
        ("ls: cannot access 'x': Transport endpoint is not connected", False),
        ("ls: reading directory '/': Input/output error", True),
    ],
)
def test_a_disk_cannot_be_read_only_if_reading_failed(error: str, fails: bool) -> None:
    shown = lines_of("disk.reads", f'ls() {{ echo "{error}" >&2; }}; dd() {{ :; }}; find() {{ :; }}')
    assert shown and any(line.startswith("fails ") for line in shown) == fails


def test_a_folder_of_fstab_with_a_slash_at_its_end_is_mounted(tmp_path: Path) -> None:
    table = tmp_path / "fstab"
    table.write_text("proc /proc/ proc defaults 0 0\n/dev/x /nowhere/ ext4 nofail 0 0\n")
    shown = lines_of("disk.mounts", "dmsetup() { :; }", ("/etc/fstab", str(table)))
    assert [line for line in shown if line.startswith("fstab")] == [
        "fstab /proc proc mounted rw",
        "fstab /nowhere ext4 missing-nofail rw",
    ]


@pytest.mark.parametrize(
    ("program", "does", "state"),
    [
        ("curl", "echo '* Connected to hub (10.4.0.2) port 443 (#0)' >&2; exit 35", "open"),
        ("curl", "echo '* connect to 10.4.0.2 port 443 failed: Connection refused' >&2; exit 7", "refused"),
        ("curl", "echo '* Immediate connect fail for 10.4.0.2: No route to host' >&2; exit 7", "no-route"),
        ("curl", "exit 28", "silent"),
        ("curl", "exit 6", "name"),
        ("curl", "exit 3", "error 3"),  # what an address without brackets gave, and counted as open
        ("curl", "exit 1", "error 1"),
        ("nc", "exit 0", "open"),
    ],
)
def test_a_port_is_open_only_if_something_connected(program: str, does: str, state: str) -> None:
    script = f"{SHARED}\nhave() {{ [ $1 = {program} ]; }}\n{program}() {{ ( {does} ); }}\nreach fd00::7 443"
    assert run([Probe("network.x", "", script)]).readings["network.x"].lines == (state,)


def test_an_address_of_ipv6_has_brackets_for_curl() -> None:
    script = f'{SHARED}\nhave() {{ [ $1 = curl ]; }}\ncurl() {{ echo "$*" >&3; exit 7; }}\nreach fd00::7 443 3>&1'
    assert run([Probe("network.x", "", script)]).readings["network.x"].lines[0].endswith("https://[fd00::7]:443/")


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("Name:\thub.example\nAddress: 10.4.0.2", "server 10.4.1.1 rcode 0 hub.example"),
        ("** server can't find hub.example: SERVFAIL", "server 10.4.1.1 rcode 2 hub.example"),
        ("nslookup: unrecognized option", "server 10.4.1.1 unknown"),
    ],
)
def test_a_name_server_answers_only_if_nslookup_shows_an_answer(answer: str, line: str) -> None:
    (probe,) = [each for each in CATALOGUE if each.id == "dns.servers"]
    stands_in = "have() { [ $1 = nslookup ]; }\nplane_of() { plane_host=hub.example; }\n"
    stands_in += "sed() { echo 10.4.1.1; }\nnslookup() { printf '%s\\n' \"$ANSWER\"; }\n"
    quoted = answer.replace("'", "'\\''")
    script = f"ANSWER='{quoted}'\n{stands_in}{probe.script}"
    assert run([Probe("dns.x", "", script)]).readings["dns.x"].lines == (line,)
