"""Time servers and SSH keys of a cluster on a host: what is written, what stays as it was, what is taken back."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgewright.agent.clusters import paths, tend
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.ledger import Entry, Ledger
from edgewright.agent.clusters.machine import keys, settings
from edgewright.agent.clusters.report import host_report
from edgewright.core.clusters import model, observed
from edgewright.core.errors import Failed
from tests.agent.clusters.support import FakeHost, cluster, context, member
from tests.support import missing

KEY, OTHER = "ssh-ed25519 AAAAone ops@example", "ecdsa-sha2-nistp256 AAAAtwo"
AUTHORIZED = "/home/spectro/.ssh/authorized_keys"
DROP_IN = "/etc/systemd/timesyncd.conf.d/90-edgewright.conf"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    made = FakeHost(tmp_path / "host")
    user(made, "spectro")
    return made


def user(host: FakeHost, name: str) -> None:
    """Add a user with the numbers of this process, which need not be root, and a home."""
    line = f"{name}:x:{os.getuid()}:{os.getgid()}::/home/{name}:/bin/bash\n"
    host.write("/etc/passwd", host.data("/etc/passwd") + line.encode())
    host.folder(f"/home/{name}")


def runs(host: FakeHost, *units: str) -> None:
    """Let these units be active, and no other one."""

    def answer(command: Sequence[str]) -> Ended | None:
        if list(command[:2]) != ["systemctl", "is-active"] or "--quiet" in command:
            return None
        lines = ["active" if unit in units else "inactive" for unit in command[2:]]
        return Ended(0 if units else 3, "\n".join(lines) + "\n")

    host.answers.insert(0, answer)


def work(host: FakeHost, ntp: Sequence[str] = (), ssh: Sequence[str] = ()) -> Context:
    return context(host, cluster(host_settings=model.HostSettings(tuple(ntp), tuple(ssh))))


def settle(host: FakeHost, ntp: Sequence[str] = (), ssh: Sequence[str] = ()) -> str:
    wanted = work(host, ntp, ssh)
    settings.settle(wanted)
    return settings.problem(wanted)


def block(*lines: str) -> str:
    return "".join(f"{line}\n" for line in (keys.BEGIN, *lines, keys.END))


@pytest.mark.parametrize("before", [None, "", "ssh-rsa AAAAown me\n", "# no end", "a\r\nb\n\n", "caf\udce9\n"])
def test_keys_follow_the_document_beside_the_lines_of_the_user(host: FakeHost, before: str | None) -> None:
    path = Path(host.path(AUTHORIZED))
    if before is not None:
        path.parent.mkdir(mode=0o700)
        path.write_bytes(before.encode("utf-8", "surrogateescape"))
        path.chmod(0o640)
    kept = (before or "") + ("\n" if before and not before.endswith("\n") else "")

    def text() -> str:
        return path.read_bytes().decode("utf-8", "surrogateescape")

    assert settle(host, ssh=[KEY]) == ""
    assert text() == kept + block(KEY) and path.stat().st_mode & 0o777 == (0o600 if before is None else 0o640)
    assert path.parent.stat().st_mode & 0o777 == 0o700 and path.stat().st_uid == os.getuid()
    settle(host, ssh=[OTHER, KEY])
    assert text() == kept + block(OTHER, KEY)
    with path.open("a") as file:
        file.write("ssh-rsa AAAAlater\n")
    host.time += settings.EVERY
    settle(host, ssh=[KEY])
    assert text() == kept + "ssh-rsa AAAAlater\n" + block(KEY), "what the user adds later stays, too"
    path.write_bytes(text().replace("ssh-rsa AAAAlater\n", "").encode("utf-8", "surrogateescape"))
    assert settle(host) == "" and not Ledger(host).undo(host.report)
    assert path.exists() is (before is not None) and (not path.exists() or text() == kept)
    assert path.parent.exists() is (before is not None), "a folder that was made for it is not left"


def test_a_release_takes_back_what_was_made_and_a_second_one_finds_nothing(host: FakeHost) -> None:
    runs(host, settings.TIMESYNCD)
    assert settle(host, ["10.0.0.1"], [KEY]) == ""
    assert {entry.kind for entry in Ledger(host).entries()} == {"keys", "folder", "time"}
    assert host.has(AUTHORIZED) and host.has(DROP_IN)
    host.commands.clear()
    assert Ledger(host).undo(host.report) == []
    assert host.names("/home/spectro") == [] and not host.has(os.path.dirname(DROP_IN))
    assert host.commands == [["systemctl", "try-restart", settings.TIMESYNCD]]
    assert Ledger(host).undo(host.report) == [] and len(host.commands) == 1


def test_nothing_is_made_before_it_is_in_the_ledger(host: FakeHost) -> None:
    runs(host, settings.TIMESYNCD)
    host.folder(paths.LEDGER)  # a folder cannot be appended to
    problem = settle(host, ["10.0.0.1"], [KEY])
    assert problem.count("Nothing is changed until it can") == 2
    assert host.names("/home/spectro") == [] and not host.has(DROP_IN)


@pytest.mark.parametrize("name", [".ssh", ".ssh/authorized_keys"])
def test_no_link_of_a_user_leads_root_to_another_file(host: FakeHost, name: str) -> None:
    host.write("/root/.ssh/authorized_keys", b"ssh-rsa AAAAroot\n")
    place = Path(host.path(f"/home/spectro/{name}"))
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(host.path(f"/root/{name}"))
    assert f"{AUTHORIZED} cannot be changed" in settle(host, ssh=[KEY])
    assert host.data("/root/.ssh/authorized_keys") == b"ssh-rsa AAAAroot\n" and host.names("/root/.ssh") == [
        "authorized_keys"
    ]


def test_a_second_name_of_a_file_is_not_copied_into_the_users_own(host: FakeHost) -> None:
    host.write("/etc/shadow", b"root:secret\n")
    host.folder("/home/spectro/.ssh")
    os.link(host.path("/etc/shadow"), host.path(AUTHORIZED))
    assert "not a file of its own" in settle(host, ssh=[KEY])
    assert host.data("/etc/shadow") == b"root:secret\n"


def test_a_folder_in_place_of_the_file_costs_no_descriptor(host: FakeHost) -> None:
    host.folder(AUTHORIZED)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        host.time += settings.EVERY
        assert f"{AUTHORIZED} cannot be changed" in settle(host, ssh=[KEY])
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "text",
    [
        f"{keys.BEGIN}\n{OTHER}\nssh-rsa AAAAown\n",
        f"ssh-rsa AAAAown\n{OTHER}\n{keys.END}\n",
        f"{keys.BEGIN}\n{OTHER}\nssh-rsa AAAAown\n{block(KEY)}",
        f"{keys.BEGIN}\n" * 20_000,
    ],
    ids=["no end", "no begin", "two begins", "large"],
)
def test_a_block_without_its_marks_is_named_and_costs_no_line_of_the_user(host: FakeHost, text: str) -> None:
    host.write(AUTHORIZED, text.encode())
    began = time.process_time()
    assert "do not match" in settle(host, ssh=[KEY]) and host.data(AUTHORIZED) == text.encode()
    assert time.process_time() - began < 2.0, "a user's file does not keep the agent busy"


def test_marks_of_an_editor_with_other_line_ends_are_marks(host: FakeHost) -> None:
    host.write(AUTHORIZED, b"ssh-rsa AAAAown\r\n" + block(OTHER).replace("\n", "\r\n").encode())
    assert settle(host, ssh=[KEY]) == ""
    assert host.data(AUTHORIZED) == b"ssh-rsa AAAAown\r\n" + block(KEY).encode()


def test_a_file_never_grows_beyond_what_can_be_read_again(host: FakeHost) -> None:
    text = b"# " + b"x" * (keys.MOST - 20) + b"\n"
    host.write(AUTHORIZED, text)
    assert "larger than 1 MiB" in settle(host, ssh=[KEY]) and host.data(AUTHORIZED) == text
    assert host.names(os.path.dirname(AUTHORIZED)) == ["authorized_keys"]


@pytest.mark.parametrize("made", ["link", "folder", "link of the folder"])
def test_what_a_user_put_in_place_of_the_file_stops_no_release(host: FakeHost, made: str) -> None:
    assert settle(host, ssh=[KEY]) == ""
    file, own = Path(host.path(AUTHORIZED)), Path(host.path("/home/spectro/dotfiles"))
    if made == "link of the folder":
        file.parent.rename(own)
        file.parent.symlink_to(own)
    else:
        file.unlink()
        file.symlink_to(own) if made == "link" else file.mkdir()
    assert Ledger(host).undo(host.report) == [] and os.path.lexists(file)


@pytest.mark.parametrize(
    ("place", "mode"), [("", 0o777), ("/.ssh", 0o702), ("/.ssh/authorized_keys", 0o602), ("/.ssh/authorized_keys", 0o0)]
)
def test_keys_that_sshd_would_not_take_are_no_setting_in_force(host: FakeHost, place: str, mode: int) -> None:
    host.write(AUTHORIZED, b"ssh-rsa AAAAown\n")
    Path(host.path(f"/home/spectro{place}")).chmod(mode)
    if mode == 0 and os.geteuid():
        missing("root", "only root reads such a file")
    assert f"sshd refuses {AUTHORIZED}: /home/spectro{place} has another owner" in settle(host, ssh=[KEY])
    Path(host.path(f"/home/spectro{place}")).chmod(0o700)
    host.time += settings.EVERY
    assert settle(host, ssh=[KEY]) == "" and KEY in host.text(AUTHORIZED)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_of_root_with_something_in_it_is_not_given_to_the_user(host: FakeHost) -> None:
    line = "spectro:x:4242:4242::/home/spectro:/bin/bash\n"
    host.write("/etc/passwd", line.encode())
    os.chown(host.path("/home/spectro"), 4242, 4242)
    folder = Path(host.path(os.path.dirname(AUTHORIZED)))
    folder.mkdir(0o700)
    (folder / "secret").write_text("of root")
    assert "/home/spectro/.ssh has another owner" in settle(host, ssh=[KEY]) and folder.stat().st_uid == 0
    (folder / "secret").unlink()
    (folder / "authorized_keys").unlink()
    host.time += settings.EVERY
    assert settle(host, ssh=[KEY]) == "" and folder.stat().st_uid == 4242, "an empty one is that of a run that was cut"
    assert (folder / "authorized_keys").stat().st_uid == 4242


def test_keys_go_to_the_user_that_is_there_and_none_is_made(host: FakeHost) -> None:
    host.write("/etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    assert "this host has no user spectro or kairos" in settle(host, ssh=[KEY])
    assert Ledger(host).entries() == [], "nothing is noted that is not made"
    user(host, "kairos")
    host.time += settings.EVERY
    assert settle(host, ssh=[KEY]) == "" and host.text("/home/kairos/.ssh/authorized_keys") == block(KEY).strip()
    user(host, "spectro")
    host.time += settings.EVERY
    assert settle(host, ssh=[KEY]) == "" and host.text(AUTHORIZED) == block(KEY).strip()
    assert not host.has("/home/kairos/.ssh/authorized_keys"), "they are not left with the user of before"


@pytest.mark.parametrize(
    ("files", "fine"),
    [
        (".ssh/authorized_keys .ssh/authorized_keys2", True),
        ("/etc/ssh/keys/%u %h/.ssh/authorized_keys", True),
        ("/home/%u/.ssh/authorized_keys", True),
        ("/etc/ssh/keys/%u", False),
        ("none", False),
    ],
)
def test_an_sshd_that_reads_another_file_is_named(host: FakeHost, files: str, fine: bool) -> None:
    host.answers.append(lambda command: Ended(0, f"port 22\nauthorizedkeysfile {files}\n") if "-T" in command else None)
    problem = settle(host, ssh=[KEY])
    assert (problem == "") is fine and host.has(AUTHORIZED) is fine
    assert fine or "sshd of this host does not read /home/spectro/.ssh/authorized_keys" in problem


def test_time_servers_are_a_file_of_timesyncd_that_follows_the_document(host: FakeHost) -> None:
    runs(host, settings.TIMESYNCD)
    assert settle(host, ["10.0.0.1", "ntp.example"]) == ""
    assert host.text(DROP_IN).splitlines() == ["[Time]", "NTP=", "NTP=10.0.0.1 ntp.example"]
    host.time += settings.EVERY
    settle(host, ["10.0.0.1", "ntp.example"])
    restart = ["systemctl", "try-restart", settings.TIMESYNCD]
    assert host.ran(*restart) == [restart], "once for each change"
    settle(host, ["10.0.0.2"])
    assert host.text(DROP_IN).endswith("NTP=10.0.0.2") and len(host.ran(*restart)) == 2
    settle(host)
    assert not host.has(DROP_IN) and len(host.ran(*restart)) == 3


@pytest.mark.parametrize("unit", settings.CHRONY)
@pytest.mark.parametrize("file", ["/etc/chrony.conf", "/etc/chrony/chrony.conf"])
def test_with_chrony_they_are_a_file_of_its_sources(host: FakeHost, unit: str, file: str) -> None:
    runs(host, unit)
    host.write(file, b"# a comment\npool pool.example iburst\nsourcedir /run/chrony-dhcp\n")
    assert settle(host, ["10.0.0.1", "fd00::1"]) == ""
    path = "/run/chrony-dhcp/edgewright.sources"
    assert host.text(path).splitlines() == ["server 10.0.0.1 iburst", "server fd00::1 iburst"]
    assert host.ran("chronyc") == [["chronyc", "reload", "sources"]]
    runs(host, settings.TIMESYNCD)
    host.time += settings.EVERY
    assert settle(host, ["10.0.0.1"]) == "" and host.has(DROP_IN) and not host.has(path), "the service was changed"


def test_a_folder_of_chrony_that_stays_comes_before_one_of_dhcp(host: FakeHost) -> None:
    runs(host, settings.CHRONY[1])
    host.write("/etc/chrony/chrony.conf", b"sourcedir /run/chrony-dhcp\nsourcedir /etc/chrony/sources.d\n")
    assert settle(host, ["10.0.0.1"]) == "" and host.has("/etc/chrony/sources.d/edgewright.sources")


def test_a_host_that_sets_no_clock_says_so_until_it_does(host: FakeHost) -> None:
    runs(host)
    wanted = work(host, ["10.0.0.1"])
    assert settings.settle(wanted), "the problem is news"
    assert "neither systemd-timesyncd nor chrony" in settings.problem(wanted)
    assert not settings.settle(wanted) and Ledger(host).entries() == []
    reported = host_report(wanted, observed.Observed("host-1", observed.Local(), observed.Api(), {}))
    assert reported["settings"] == settings.problem(wanted)
    runs(host, settings.TIMESYNCD)
    assert not settings.settle(wanted), "not more often than every minute"
    host.time += settings.EVERY
    assert settings.settle(wanted) and settings.problem(wanted) == ""
    reported = host_report(wanted, observed.Observed("host-1", observed.Local(), observed.Api(), {}))
    assert "settings" not in reported


def test_a_full_run_folder_stops_nothing_else(host: FakeHost) -> None:
    runs(host, settings.TIMESYNCD)
    host.folder(settings.STAMP)  # a folder cannot be replaced by a file
    assert not settings.settle(work(host, ["10.0.0.1"])) and host.has(DROP_IN)


def test_a_service_that_did_not_restart_is_restarted_at_the_next_try(host: FakeHost) -> None:
    runs(host, settings.TIMESYNCD)
    broken = [True]
    host.answers.append(lambda command: Ended(1, "", "it hangs") if "try-restart" in command and broken else None)
    assert "it hangs" in settle(host, ["10.0.0.1"])
    broken.clear()
    host.time += settings.EVERY
    assert settle(host, ["10.0.0.1"]) == "" and len(host.ran("systemctl", "try-restart")) == 2


def test_each_look_of_a_present_member_settles_and_an_absent_one_does_not(host: FakeHost) -> None:
    runs(host, settings.TIMESYNCD)
    document = cluster(1, 1, host_settings=model.HostSettings(("10.0.0.1",), (KEY,)))
    seen = observed.Observed("host-2", observed.Local(), observed.Api(), {})
    leaving = dataclasses.replace(member(2, model.WORKER), state=model.ABSENT, release_id="r1")
    gone = dataclasses.replace(document, members=(document.members[0], leaving))
    tend.tend(context(host, gone, "host-2", host_secret="22" * 32), seen)
    assert not host.has(DROP_IN) and not host.has(AUTHORIZED)
    tend.tend(context(host, document, "host-2", host_secret="22" * 32), seen)
    assert host.has(DROP_IN) and host.has(AUTHORIZED)


def test_a_home_that_is_not_there_is_named_and_undone_without_a_word(host: FakeHost) -> None:
    host.remove("/home/spectro")
    assert "/home/spectro is not on this host" in settle(host, ssh=[KEY])
    assert keys.rewrite(host, AUTHORIZED, ()) is False
    assert Ledger(host).undo(host.report) == []
    with pytest.raises(Failed, match="/home/spectro is not on this host"):
        keys.rewrite(host, AUTHORIZED, (KEY,))
    assert Entry("keys", AUTHORIZED) not in Ledger(host).entries()
