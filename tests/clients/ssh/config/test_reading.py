"""What configuration files may do: includes, limits, permissions, tokens, and the chain of jump hosts."""

from __future__ import annotations

import fnmatch
import random
import time
from pathlib import Path

import pytest

from edgewright.clients.ssh.config.evaluation import MAX_DEPTH, MAX_FILES
from edgewright.clients.ssh.config.lines import MAX_BYTES, parse_line
from edgewright.clients.ssh.config.patterns import matches
from edgewright.clients.ssh.config.resolve import (
    Files,
    HostSettings,
    route_of,
    settings_of,
    usual_files,
)
from edgewright.clients.ssh.config.settings import Machine
from edgewright.clients.ssh.target import MAX_HOPS, read_target
from edgewright.core.errors import InvalidInput


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / ".ssh").mkdir(mode=0o700)
    return Machine(tmp_path, "ops", "laptop.example", 1000, {"SSH_AUTH_SOCK": "/run/agent", "KEYS": "/k"})


def settings(machine: Machine, text: str, target: str = "edge1") -> HostSettings:
    path = machine.home / ".ssh" / "config"
    path.write_text(text)
    path.chmod(0o600)
    return settings_of(usual_files(machine)._replace(system=None), machine, read_target(target))


def route(machine: Machine, text: str, target: str = "edge1") -> tuple[HostSettings, ...]:
    path = machine.home / ".ssh" / "config"
    path.write_text(text)
    path.chmod(0o600)
    return route_of(Files(path, None), machine, read_target(target))


def names(machine: Machine, text: str, target: str = "edge1") -> list[str]:
    return [f"{hop.user}@{hop.host}:{hop.port}" for hop in route(machine, text, target)]


def test_without_a_file_there_are_defaults(machine: Machine) -> None:
    found = settings_of(Files(machine.home / "absent", None), machine, read_target("Edge1"))
    assert (found.host, found.user, found.port, found.strict) == ("edge1", "ops", 22, "ask")
    assert found.identity_agent == "/run/agent" and found.methods == ("publickey", "keyboard-interactive", "password")
    assert found.user_files[0] == f"{machine.home}/.ssh/known_hosts"


def test_what_the_target_names_comes_before_the_file(machine: Machine) -> None:
    found = settings(machine, "User a\nPort 2022\n", "b@edge1:2023")
    assert (found.user, found.port) == ("b", 2023)


def test_tokens_and_variables_are_replaced(machine: Machine) -> None:
    text = "HostName %h.example\nIdentityFile ${KEYS}/%n-%h-%p-%r-%u-%l-%L-%i-%%\nIdentityAgent $KEYS\nPort 23\n"
    found = settings(machine, text)
    assert found.identities == ("/k/edge1-edge1.example-23-ops-ops-laptop.example-laptop-1000-%",)
    assert found.identity_agent == "/k"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("IdentityFile /k/%q\n", "has %q"),
        ("IdentityFile ${NOT_SET}/k\n", "needs the variable NOT_SET"),
        ("Port 0\n", "config line 1: 0 is not a valid port"),
        ("IdentitiesOnly perhaps\n", "perhaps is neither yes nor no"),
        ("ServerAliveInterval soon\n", "soon is not a time"),
        ("\nHost\n", "line 2: there is no value after Host"),
        ("IdentityFile 'open\n", "a quote is not closed"),
        ("Match weather sunny\n", "does not know weather"),
        ("Match host\n", "Match host has no argument"),
        ("ProxyJump a;reboot\n", "is not a valid host name"),
        ("HostName $(reboot)\n", "is not a valid host name"),
        ("User a;reboot\n", "is not a valid user name"),
        ("User -oProxyCommand=x\n", "is not a valid user name"),
        ('HostKeyAlias "a b"\n', "HostKeyAlias a b is not a valid name"),
        ("HostKeyAlias a,b\n", "HostKeyAlias a,b is not a valid name"),
        ("StrictHostKeyChecking maybe\n", "is not one of yes, no, ask, accept-new"),
    ],
)
def test_a_wrong_line_is_named(machine: Machine, text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings(machine, text)
    assert message in caught.value.message


def test_unknown_keywords_are_passed_over(machine: Machine) -> None:
    assert settings(machine, "SomethingOfNextYear yes\nUser a\n").user == "a"


def test_a_command_of_a_match_is_never_run(machine: Machine) -> None:
    marker = machine.home / "ran"
    found = settings(machine, f'Match exec "touch {marker}"\n  User wrong\nMatch all\n  User right\n')
    assert found.user == "right" and not marker.exists()
    assert found.warnings == (
        f"{machine.home}/.ssh/config line 1: Match exec is not evaluated, its lines are not used.",
    )


def test_a_file_that_others_may_write_is_refused(machine: Machine) -> None:
    path = machine.home / ".ssh" / "config"
    path.write_text("User a\n")
    path.chmod(0o666)
    with pytest.raises(InvalidInput, match="Others may write"):
        settings_of(Files(path, None), machine, read_target("edge1"))


def test_includes_are_bounded(machine: Machine) -> None:
    folder = machine.home / ".ssh"
    (folder / "loop").write_text("Include loop\n")
    (folder / "loop").chmod(0o600)
    with pytest.raises(InvalidInput, match=f"included {MAX_DEPTH + 1} deep"):
        settings(machine, "Include loop\n")
    for number in range(MAX_FILES):
        (folder / f"many{number}").write_text("User a\n")
        (folder / f"many{number}").chmod(0o600)
    with pytest.raises(InvalidInput, match=f"more than {MAX_FILES} files"):
        settings(machine, "Include many*\n")


def test_a_long_file_and_a_device_are_refused(machine: Machine) -> None:
    with pytest.raises(InvalidInput, match=f"longer than {MAX_BYTES} bytes"):
        settings(machine, "#" * MAX_BYTES + "\nUser a\n")
    with pytest.raises(InvalidInput, match="is not a file"):
        settings_of(Files(None, None, Path("/dev/zero")), machine, read_target("edge1"))


def test_jump_hosts_have_settings_of_their_own(machine: Machine) -> None:
    text = """
Host edge1
  ProxyJump gate,ops2@inner:2200
Host gate
  HostName gate.example
  User g
  ProxyJump outer
Host inner
  HostName 10.0.0.1
  ProxyJump ignored
Host outer
  Port 2022
"""
    assert names(machine, text) == ["ops@outer:2022", "g@gate.example:22", "ops2@10.0.0.1:2200", "ops@edge1:22"]


def test_a_way_that_the_target_names_is_used_in_the_place_of_the_configuration(machine: Machine) -> None:
    text = """
Host edge1
  HostName 10.0.0.7
  ProxyJump ignored
Host edge2
  ProxyCommand ignored %h
Host gate
  User g
  ProxyJump outer
"""
    assert names(machine, text, "gate,edge1") == ["ops@outer:22", "g@gate:22", "ops@10.0.0.7:22"]
    assert names(machine, text, "gate,ops2@inner:2200,edge1")[1:] == ["g@gate:22", "ops2@inner:2200", "ops@10.0.0.7:22"]
    assert route(machine, text, "gate,edge2")[-1].proxy_command == ""
    assert route(machine, text, "edge2")[-1].proxy_command == "ignored edge2"


def test_a_jump_host_is_named_by_tokens_as_in_openssh(machine: Machine) -> None:
    text = "Host edge1\n  HostName 10.0.0.7\n  User u\n  ProxyJump %r@gate-%n:222\nHost other\n  ProxyJump %h-gate\n"
    assert names(machine, text) == ["u@gate-edge1:222", "u@10.0.0.7:22"]
    with pytest.raises(InvalidInput, match="line 2: %h;reboot is not a valid host name"):
        names(machine, "Host *\n  ProxyJump %h;reboot\n")
    with pytest.raises(InvalidInput, match="%k-gate is not a valid host name"):
        names(machine, "ProxyJump %k-gate\n")


def test_a_jump_that_does_not_apply_to_the_jump_host_itself(machine: Machine) -> None:
    assert names(machine, "Host * !gate\n  ProxyJump gate\n") == ["ops@gate:22", "ops@edge1:22"]


@pytest.mark.parametrize("seed", range(20))
def test_patterns_match_as_those_of_shells(seed: int) -> None:
    random_ = random.Random(seed)
    for _ in range(500):
        pattern = "".join(random_.choices("ab.*?", k=random_.randint(0, 8)))
        text = "".join(random_.choices("ab.", k=random_.randint(0, 8)))
        assert matches(text, pattern) == fnmatch.fnmatchcase(text, pattern), (text, pattern)


def test_a_pattern_with_many_stars_takes_no_time() -> None:
    began = time.monotonic()
    assert not matches("a" * 253, "a*" * 40 + "b") and matches("a" * 253 + "b", "a*" * 40 + "b")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "text", ["ProxyJump gate\n", "Host edge1\nProxyJump a\nHost a\nProxyJump b\nHost b\nProxyJump a\n"]
)
def test_a_loop_is_named(machine: Machine, text: str) -> None:
    with pytest.raises(InvalidInput, match="ProxyJump of edge1 loops"):
        names(machine, text)


def test_a_way_of_many_hosts_is_refused(machine: Machine) -> None:
    chain = ",".join(f"j{number}" for number in range(MAX_HOPS))
    with pytest.raises(InvalidInput, match=f"more than {MAX_HOPS} hosts"):
        names(machine, f"Host edge1\nProxyJump {chain}\n")
    blocks = "".join(f"Host j{number}\nProxyJump j{number + 1}\n" for number in range(40))
    with pytest.raises(InvalidInput, match=r"loops|more than"):
        names(machine, f"Host edge1\nProxyJump j0\n{blocks}")


def test_words_of_a_line() -> None:
    line = parse_line("""Host = "a b" c\\ d 'e"f' g\\"h # i""", "x")
    assert line is not None and line.arguments == ("a b", "c d", 'e"f', 'g"h')
