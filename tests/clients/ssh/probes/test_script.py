"""The script that runs probes, in every shell of this machine: limits are kept by the host, and output cannot forge."""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

import pytest

from edgewright.clients.ssh.probes import shell
from edgewright.clients.ssh.probes.frames import parse
from edgewright.clients.ssh.probes.probe import Probe
from edgewright.clients.ssh.probes.sets import CATALOGUE, SETS, chosen
from edgewright.core.errors import InvalidInput
from tests.clients.ssh.probes.shells import PRESENT, SHELLS, run

pytestmark = pytest.mark.parametrize("name", PRESENT)


def probe(script: str, *, id_: str = "identity.a", seconds: int = 5, size: int = 1000) -> Probe:
    return Probe(id_, "a probe of a test", script, seconds, size)


def test_output_and_exit_status_arrive(name: str) -> None:
    found = run([probe("echo one; echo two >&2; exit 7"), probe("printf no-end", id_="boot.b")], name)
    assert found.complete and found.way in ("root", "sudo", "refused", "missing")
    first, second = found.readings["identity.a"], found.readings["boot.b"]
    assert (first.state, sorted(first.lines), first.status) == ("read", ["one", "two"], 7)
    assert (second.state, second.lines, second.status) == ("read", ("no-end",), 0)
    assert first.seconds is not None and 0 <= first.seconds < 5


def test_a_probe_that_hangs_is_ended_and_the_others_continue(name: str) -> None:
    long = f"{1000 + os.getpid()}{PRESENT.index(name)}"
    hangs = probe(f"echo before; sh -c 'trap \"\" TERM HUP INT; sleep 1{long}' & sleep 2{long}", seconds=1)
    began = time.monotonic()
    found = run([hangs, probe("echo after", id_="boot.b")], name)
    assert time.monotonic() - began < 8
    assert found.readings["identity.a"].state == "hung" and found.readings["identity.a"].lines == ("before",)
    assert found.readings["boot.b"].lines == ("after",) and found.complete
    left = subprocess.run(["pgrep", "-f", f"^sleep [12]{long}$"], capture_output=True, text=True, check=False).stdout
    assert left == "", "what it had started is ended too"


def test_what_waits_for_other_machines_runs_beside_the_others(name: str, tmp_path: Path) -> None:
    file = tmp_path / "made"
    waits = probe(f"while [ ! -e {file} ]; do sleep 0.1; done; echo w", id_="network.a")._replace(waits=True)
    hangs = probe("echo before; sleep 60", id_="network.b", seconds=1)._replace(waits=True)
    last = probe("echo last", id_="network.c")._replace(waits=True)
    found = run([waits, hangs, last, probe("echo h"), probe(f"touch {file}", id_="disk.b")], name)
    assert found.complete
    assert found.readings["network.a"][:2] == ("read", ("w",)) and found.readings["identity.a"].lines == ("h",)
    assert found.readings["network.b"][:2] == ("hung", ("before",)) and found.readings["network.c"].lines == ("last",)


def test_the_end_of_a_probe_is_one_piece_with_the_begin_of_the_next(name: str) -> None:
    probes = [probe("sleep 0.1; echo a"), probe("sleep 0.1; echo b", id_="boot.b"), probe("echo c", id_="disk.c")]
    if name == "bash":
        return  # it writes each line alone, within microseconds
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # it keeps each write apart
    with ours, theirs:
        script, marker = shell.script(probes, "0" * 32), "0" * 32
        subprocess.run(SHELLS[name], input=script, stdout=theirs.fileno(), check=True, timeout=30)
        theirs.close()
        pieces = list(iter(lambda: ours.recv(65_536), b""))
    began = {each.id: [piece for piece in pieces if f"{marker} begin {each.id} ".encode() in piece] for each in probes}
    assert b" end identity.a " in began["boot.b"][0] and b" end boot.b " in began["disk.c"][0]
    assert b" end disk.c " in next(piece for piece in pieces if f"{marker} done".encode() in piece)


def test_a_pipe_has_room_for_what_runs_beside(name: str) -> None:
    assert sum(each.size + 4 * shell.FRAME for each in CATALOGUE if each.waits) < 61_440


def test_a_probe_that_reads_its_input_does_not_eat_the_script(name: str) -> None:
    found = run([probe("cat; echo read"), probe("echo b", id_="boot.b")], name)
    assert found.readings["identity.a"].lines == ("read",) and found.readings["boot.b"].lines == ("b",)


def test_output_is_cut_on_the_host(name: str) -> None:
    found = run([probe("while :; do echo 0123456789; done", size=2000), probe("echo b", id_="boot.b")], name)
    cut = found.readings["identity.a"]
    assert cut.state == "cut" and 1900 < sum(len(line) + 1 for line in cut.lines) < 2200
    assert found.readings["boot.b"].lines == ("b",)


def test_output_of_exactly_the_limit_is_whole(name: str) -> None:
    for size, state in ((1000, "read"), (1001, "cut")):
        found = run([probe(f"head -c {size} /dev/zero | tr '\\0' x")], name)
        assert found.readings["identity.a"].state == state


def test_a_probe_cannot_pass_a_setting_or_a_definition_on(name: str) -> None:
    found = run([probe("M=x; run() { echo forged; }; cd /tmp; exit 0"), probe("pwd", id_="boot.b")], name)
    assert found.readings["boot.b"].lines == ("/",) and found.complete


def test_no_probe_starts_after_the_time_of_the_run(name: str) -> None:
    probes = [probe("sleep 1.2 2>/dev/null || sleep 2"), *(probe("echo b", id_=f"boot.b{n}") for n in range(3))]
    found = run(probes, name, seconds=1)
    assert found.readings["identity.a"].state == "read"
    assert {found.readings[f"boot.b{n}"].state for n in range(3)} == {"late"} and found.complete


def test_root_is_needed_where_it_is_needed(name: str) -> None:
    """As a user without rights (where this is root): what needs root is not run, and the reading says so."""
    marker = "0" * 32
    probes = [probe("id -u")._replace(root="needed"), probe("id -u", id_="boot.b")._replace(root="better")]
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *SHELLS[name]]
    script = shell.script(probes, marker)
    done = subprocess.run(words, input=script, capture_output=True, timeout=60, check=False)
    if b"setpriv" in done.stderr:
        pytest.skip("only root may become another user")
    found = parse(done.stdout, marker, probes)
    assert found.way in ("refused", "missing")
    assert found.readings["identity.a"].state == "needs-root"
    assert found.readings["boot.b"].lines == ("65534",) and not found.readings["boot.b"].root


@pytest.mark.parametrize(("answers", "way"), [('exec "$@"', "sudo"), ("exit 1", "refused"), ("sleep 60", "refused")])
def test_sudo_is_tried_without_a_question(name: str, answers: str, way: str) -> None:
    """A stand-in for sudo, for a user without rights: the probes run by it, else as the user, within seconds."""
    folder = Path(tempfile.mkdtemp(prefix="sudo"))
    try:
        folder.chmod(0o755)
        sudo = folder / "sudo"
        sudo.write_text(f'#!/bin/sh\n[ "$1" = -n ] || exit 9\nshift\nASKED=yes; export ASKED\n{answers}\n')
        sudo.chmod(0o755)
        marker = "0" * 32
        probes = [
            probe("echo ${ASKED:-no}")._replace(root="better"),
            probe("echo b", id_="boot.b")._replace(root="needed"),
        ]
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *SHELLS[name]]
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        script = shell.script(probes, marker)
        assert script.count(b'watch "$o" 8') == 1
        script = script.replace(b'watch "$o" 8', b'watch "$o" 1')  # seconds for sudo
        began = time.monotonic()
        done = subprocess.run(words, input=script, capture_output=True, timeout=60, check=False, env=environment)
        if b"setpriv" in done.stderr:
            pytest.skip("only root may become another user")
        found = parse(done.stdout, marker, probes)
        assert found.way == way and found.complete and time.monotonic() - began < 20
        assert found.readings["identity.a"].lines == ("yes" if way == "sudo" else "no",)
        assert found.readings["boot.b"].state == ("read" if way == "sudo" else "needs-root")
    finally:
        shutil.rmtree(folder)


def test_the_catalogue_runs_in_every_shell(name: str) -> None:
    found = run(CATALOGUE, name)
    assert found.complete and set(found.readings) == {each.id for each in CATALOGUE}
    states = {reading.state for reading in found.readings.values()}
    assert states <= {"read", "cut", "needs-root"}, found.readings
    complaints = [
        (id_, line)
        for id_, reading in found.readings.items()
        for line in reading.lines
        if re.search(r"syntax error|bad substitution|not found$|unexpected|illegal", line)
    ]
    assert complaints == []
    assert found.readings["identity.host"].lines[0].startswith("hostname ")


@pytest.mark.parametrize("text", ["", "x" * 32, "0" * 31, "0" * 32 + "\n", "0" * 30 + "; "])
def test_a_marker_is_hex(name: str, text: str) -> None:
    with pytest.raises(ValueError):
        shell.script(CATALOGUE, text)


def test_nothing_else_comes_from_outside(name: str) -> None:
    for lines in (9, 501, -1):
        with pytest.raises(ValueError):
            shell.script(CATALOGUE, "0" * 32, log_lines=lines)
    with pytest.raises(InvalidInput):
        chosen(["disk; reboot"])
    assert [each.set for each in chosen(["disk", "time"])] == ["time", "time", *["disk"] * 5]


def test_the_catalogue_is_in_order(name: str) -> None:
    ids = [each.id for each in CATALOGUE]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[a-z]+\.[a-z0-9]+", id_) for id_ in ids)
    assert {each.set for each in CATALOGUE} == set(SETS)
    assert all(1 <= each.seconds <= 16 and 256 <= each.size <= 1 << 17 and each.title for each in CATALOGUE)
    assert shell.limit(CATALOGUE) < 1 << 20 and len(shell.script(CATALOGUE, "0" * 32)) < 52 << 10
    assert len(zlib.compress(shell.script(CATALOGUE, "0" * 32))) < 16_700, "two seconds on a link of 64 kbit/s"
    forbidden = (
        r"\brm |\bmv |>\s*/(?!dev/null)|\breboot\b|systemctl (start|stop|restart|enable|mask|disable)|\bkill -|<<"
    )
    assert [each.id for each in CATALOGUE if re.search(forbidden, each.script)] == [], "probes change nothing"
    lone = r"(?<![&>|<])&(?![&>\d])"
    assert [each.id for each in CATALOGUE if re.search(lone, each.script)] == [], (
        "nothing is left running behind a probe"
    )


def openssl(folder: Path, text: str) -> None:
    for line in text.strip().splitlines():
        subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_kubeconfig_that_trusts_a_renewed_ca_trusts_this_one(name: str, tmp_path: Path) -> None:
    """Each certificate of both files counts: an old one may be beside the renewed one, in any order."""
    pki = tmp_path / "pki"
    pki.mkdir()
    new = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=kubernetes -days 9"
    openssl(pki, f"{new} -keyout ca.key -out a.crt\nreq -x509 -key ca.key -subj /CN=kubernetes -days 99 -out b.crt")
    openssl(pki, f"{new} -keyout other.key -out other.crt")
    a, b, other = ((pki / f"{each}.crt").read_text() for each in ("a", "b", "other"))
    script = next(each for each in CATALOGUE if each.id == "certificates.keys").script
    look = probe(script.replace("/etc/kubernetes", str(tmp_path)), id_="certificates.keys")

    def differs(ca: str, trusted: str) -> bool:
        (pki / "ca.crt").write_text(ca)
        data = base64.b64encode(trusted.encode()).decode()
        (tmp_path / "kubelet.conf").write_text(f"    certificate-authority-data: {data}\n")
        lines = run([look], name).readings["certificates.keys"].lines
        assert f"match {pki}/ca.crt" in lines
        return f"other-ca {tmp_path}/kubelet.conf" in lines

    assert not differs(a, b) and not differs(a + other, other + "\n" + b) and not differs(a + other, other)
    assert differs(a, other) and differs(a + b, other)
