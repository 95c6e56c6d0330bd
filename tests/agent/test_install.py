"""`install`: a plan that says what it does, files whole, a second run changes nothing, a unit that systemd takes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.agent import cli
from edgewright.agent.install import unit
from edgewright.agent.install.install import InstallOptions, apply_plan, make_plan
from edgewright.agent.install.present import as_installed, unquoted
from edgewright.core.errors import Failed, InvalidInput


@pytest.fixture
def wish(tmp_path: Path) -> InstallOptions:
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/python3").write_text("")
    (tmp_path / "token").write_text("ewt_abc\n")
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    return InstallOptions(
        endpoint="https://plane:8443", token_file=str(tmp_path / "token"), ca=str(tmp_path / "ca.crt"), root=str(root)
    )


def test_a_system_is_installed_offline_and_a_second_run_changes_nothing(wish: InstallOptions) -> None:
    told: list[str] = []
    apply_plan(make_plan(wish), told.append)
    root = Path(wish.root)
    archive = root / "usr/local/lib/edgewright/edgewright-agent.pyz"
    assert archive.read_bytes().startswith(b"#!/usr/bin/env python3\n") and archive.stat().st_mode & 0o777 == 0o755
    token = root / "etc/edgewright/token"
    assert token.read_text() == "ewt_abc\n" and token.stat().st_mode & 0o777 == 0o600
    assert (root / "etc/edgewright/ca.crt").stat().st_mode & 0o777 == 0o644
    text = (root / "etc/systemd/system/edgewright-agent.service").read_text()
    assert "--token-file /etc/edgewright/token" in text and "--ca /etc/edgewright/ca.crt" in text
    assert str(root) not in text, "paths are those of the host"
    link = root / "etc/systemd/system/multi-user.target.wants/edgewright-agent.service"
    assert link.readlink() == Path("/etc/systemd/system/edgewright-agent.service")
    assert not any("systemctl" in line for line in told), "nothing is started in a mounted system"
    assert make_plan(wish) == []


def test_what_changed_is_all_that_is_done_again(wish: InstallOptions) -> None:
    apply_plan(make_plan(wish), lambda line: None)
    Path(wish.token_file).write_text("ewt_new\n")
    (step,) = make_plan(wish)
    assert step.target.endswith("etc/edgewright/token") and "ewt_new" not in str(step)
    apply_plan([step], lambda line: None)
    assert make_plan(wish) == []


def test_plan_does_nothing(wish: InstallOptions, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["install", "--plan", "--root", wish.root, "--endpoint", wish.endpoint, "--token-file", wish.token_file]
    assert cli.main(words) == 0
    assert "edgewright-agent.service" in capsys.readouterr().out
    assert not (Path(wish.root) / "etc").exists()


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"endpoint": ""}, InvalidInput, "No endpoint"),
        ({"endpoint": "http://x"}, InvalidInput, "does not begin with https"),
        ({"token_file": "/none"}, Failed, "Cannot read the registration token"),
        ({"ca": "/none"}, Failed, "Cannot read /none"),
        ({"data": "here"}, InvalidInput, "not absolute"),
        ({"python": "/opt/python3"}, Failed, "There is no /opt/python3"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_done(
    wish: InstallOptions, changes: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make_plan(wish._replace(**changes))  # type: ignore[arg-type]
    assert not (Path(wish.root) / "etc").exists()


def test_a_binary_is_run_without_python(wish: InstallOptions, tmp_path: Path) -> None:
    (tmp_path / "agent").write_bytes(b"\x7fELF...")
    wish = wish._replace(program=str(tmp_path / "agent"), python="/none")
    apply_plan(make_plan(wish), lambda line: None)
    text = (Path(wish.root) / "etc/systemd/system/edgewright-agent.service").read_text()
    assert "ExecStart=/usr/local/lib/edgewright/edgewright-agent run " in text


def test_an_observing_agent_gets_its_secrets_from_systemd(wish: InstallOptions) -> None:
    apply_plan(make_plan(wish._replace(observe=True)), lambda line: None)
    text = (Path(wish.root) / "etc/systemd/system/edgewright-agent.service").read_text()
    assert "DynamicUser=yes\nLoadCredential=token:/etc/edgewright/token\n" in text
    assert "--token-file %d/token --ca /etc/edgewright/ca.crt --observe" in text
    assert "CapabilityBoundingSet=\n" in text


@pytest.mark.parametrize("observe", [False, True])
@pytest.mark.parametrize("data", ["/var/lib/edgewright", "/opt/my data"])
def test_systemd_takes_the_unit(tmp_path: Path, observe: bool, data: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    path = tmp_path / unit.NAME
    path.write_text(
        unit.unit_text(["/bin/true", "run", "--data", data, "100%", "$HOME", 'a"b'], data, observe, ["100%"])
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and unit.NAME not in done.stderr, done.stderr


@pytest.mark.parametrize("data", ["/var/lib/edgewright", "/opt/my data"])
def test_systemd_takes_the_reconcilers_units(tmp_path: Path, data: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    for name, text in unit.reconciler_units(["/bin/true"], data).items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(path) for path in tmp_path.iterdir())],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and unit.RECONCILER not in done.stderr, done.stderr


def test_the_reconciler_has_units_and_folders_of_its_own_and_the_link_cannot_write_its_journal(
    wish: InstallOptions,
) -> None:
    apply_plan(make_plan(wish), lambda line: None)
    units = Path(wish.root) / "etc/systemd/system"
    link = (units / unit.NAME).read_text()
    assert "ReadOnlyPaths=-/var/lib/edgewright/reconciler\n" in link and "--run /run/edgewright-reconciler" in link
    assert "MemoryHigh=40M\n" in link
    service = (units / unit.SERVICE).read_text()
    assert "ExecStart=/usr/bin/python3 /usr/local/lib/edgewright/edgewright-agent.pyz reconcile " in service
    assert "ProtectSystem" not in service and "CapabilityBoundingSet" not in service
    assert "DirectoryNotEmpty=/var/lib/edgewright/operations\n" in (units / unit.PATH).read_text()
    assert {path.name for path in (units / "multi-user.target.wants").iterdir()} == {
        unit.NAME, unit.SERVICE, unit.PATH, unit.ACTIVATE, unit.RELAY_SOCKET
    }, "the timer is started by the reconciler only"  # fmt: skip
    for name in ("operations", "cluster", "reconciler"):
        assert (Path(wish.root) / "var/lib/edgewright" / name).stat().st_mode & 0o777 == 0o700


def test_the_relay_is_started_by_its_socket_and_may_do_little(wish: InstallOptions) -> None:
    """P133: a process of its own, with memory of its own, that only root may ask."""
    apply_plan(make_plan(wish), lambda line: None)
    units = Path(wish.root) / "etc/systemd/system"
    service, listening = (units / unit.RELAY_SERVICE).read_text(), (units / unit.RELAY_SOCKET).read_text()
    assert "relay --data /var/lib/edgewright --endpoint https://plane:8443 --ca /etc/edgewright/ca.crt\n" in service
    assert "MemoryMax=128M\n" in service and "CapabilityBoundingSet=\n" in service and "ProtectSystem=strict" in service
    assert "ListenDatagram=/run/edgewright-relay.sock\nSocketMode=0600\n" in listening
    if shutil.which("systemd-analyze") is not None:
        service = service.replace("/usr/bin/python3", "/bin/true")
        (units / unit.RELAY_SERVICE).write_text(service)
        paths = [str(units / name) for name in (unit.RELAY_SERVICE, unit.RELAY_SOCKET)]
        command = ["systemd-analyze", "verify", "--man=no", *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "edgewright-relay" not in done.stderr, done.stderr


def test_an_old_installation_gets_the_reconciler_and_an_observed_host_loses_it(wish: InstallOptions) -> None:
    apply_plan(make_plan(wish), lambda line: None)
    units = Path(wish.root) / "etc/systemd/system"
    for name in (unit.SERVICE, unit.PATH, unit.TIMER):
        (units / name).unlink()
        (units / "multi-user.target.wants" / name).unlink(missing_ok=True)  # as v0.1.0 left the host
    (units / unit.NAME).write_text("[Service]\nExecStart=old\n")
    apply_plan(make_plan(wish), lambda line: None)
    assert (units / unit.PATH).exists() and "--run" in (units / unit.NAME).read_text()
    observed = wish._replace(observe=True)
    apply_plan(make_plan(observed), lambda line: None)
    assert not (units / unit.PATH).exists() and "--run" not in (units / unit.NAME).read_text()
    assert make_plan(observed) == []


def test_uninstall_removes_what_install_made_and_the_identity_only_when_asked(
    wish: InstallOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(wish.root)
    before = {path.relative_to(root) for path in root.rglob("*") if not path.is_dir()}
    apply_plan(make_plan(wish), lambda line: None)
    assert cli.main(["uninstall", "--root", wish.root, "--plan"]) == 0
    assert "remove" in capsys.readouterr().out and (root / "etc/systemd/system" / unit.NAME).exists()
    assert cli.main(["uninstall", "--root", wish.root]) == 0
    left = {path.relative_to(root) for path in root.rglob("*") if not path.is_dir()} - before
    assert left == {Path("etc/edgewright/token"), Path("etc/edgewright/ca.crt")}
    assert cli.main(["uninstall", "--root", wish.root, "--purge"]) == 0
    assert {path.relative_to(root) for path in root.rglob("*") if not path.is_dir()} == before
    assert cli.main(["uninstall", "--root", wish.root, "--purge"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_several_addresses_of_a_plane_are_installed(wish: InstallOptions) -> None:
    """`run` took them, `install` refused them."""
    both = "https://a.example:8443,https://b.example:8443"
    apply_plan(make_plan(wish._replace(endpoint=both)), lambda line: None)
    assert f"--endpoint {both} " in (Path(wish.root) / "etc/systemd/system" / unit.NAME).read_text()
    with pytest.raises(InvalidInput, match="b c"):
        make_plan(wish._replace(endpoint="https://a.example,https://b c"))


@pytest.mark.parametrize("observe", [False, True])
def test_an_update_needs_no_options_again(wish: InstallOptions, observe: bool) -> None:
    given = wish._replace(
        data="/var/lib/x y",
        metered=True,
        interval=300.0,
        silence=3600.0,
        budget=9,
        observe=observe,
        prefix="/opt/100% agent",
        python="/usr/bin/python3.9",
    )
    (Path(wish.root) / "usr/bin/python3.9").write_text("")
    apply_plan(make_plan(given), lambda line: None)
    text = (Path(wish.root) / "etc/systemd/system" / unit.NAME).read_text()
    bare = InstallOptions(root=wish.root)
    assert make_plan(as_installed(bare)) == [], "the same agent, the same options: nothing to do"
    program = Path(wish.root) / "opt/100% agent/edgewright-agent.pyz"
    program.write_text("older")
    apply_plan(make_plan(as_installed(bare)), lambda line: None)
    assert program.read_bytes().startswith(b"#!")
    assert (Path(wish.root) / "etc/systemd/system" / unit.NAME).read_text() == text
    assert as_installed(bare._replace(budget=20)).budget == 20
    other = bare._replace(endpoint="https://other")
    assert as_installed(other) == other, "another plane: its options are given"
    (Path(wish.root) / "etc/edgewright/token").unlink()
    assert as_installed(bare).token_file == "", "a registered host needs none"


def test_without_an_agent_an_update_has_no_options(wish: InstallOptions) -> None:
    bare = InstallOptions(root=wish.root)
    assert as_installed(bare) == bare
    with pytest.raises(InvalidInput, match="No endpoint"):
        make_plan(as_installed(bare))


def test_words_of_the_unit_are_not_expanded() -> None:
    words = ["a b", "100%", "$X", 'q"\\', "plain", "'"]
    assert unquoted(" ".join(unit.quote(word) for word in words)) == words
    assert unit.quote("a b") == '"a b"' and unit.quote("100%") == "100%%" and unit.quote("$X") == "$$X"
    assert unit.quote('q"\\') == '"q\\"\\\\"' and unit.quote("") == '""'
