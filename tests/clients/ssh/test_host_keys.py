"""The matrix of host keys against real sshd: unknown, changed, hashed, signed, revoked, of a jump host, other ports."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.clients.ssh.hostkeys.trust import KnownFiles, PlaneKeys, Sources
from edgewright.core.errors import ExitCode, Refused
from tests.clients.ssh.conftest import KINDS
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import Sshd, sign


def fingerprint(key: Path) -> str:
    command = ["ssh-keygen", "-l", "-f", str(key.with_name(key.name + ".pub"))]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]


@pytest.fixture(scope="module")
def server(key_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd with one ed25519 key, which is also a jump host to itself."""
    with Sshd(tmp_path_factory.mktemp("sshd"), [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        yield server


@pytest.fixture
def laptop(server: Sshd, key_files: dict[str, Path], tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path)
    laptop.block("edge1", server.port, key_files["user"])
    return laptop


async def refused(laptop: Laptop, name: str, code: str, asker: Answers | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        await laptop.open(name, asker)
    assert caught.value.code == code and caught.value.exit_code == ExitCode.REFUSED and caught.value.hint
    return caught.value


async def test_an_unknown_key_is_shown_and_refused_without_an_answer(
    laptop: Laptop, key_files: dict[str, Path]
) -> None:
    error = await refused(laptop, "edge1", "HostKeyUnknown")
    assert fingerprint(key_files["host-ed25519"]) in error.message and "no terminal" in error.message
    error = await refused(laptop, "edge1", "HostKeyUnknown", Answers(accept=False))
    assert "was not accepted" in error.message and not laptop.known_hosts.exists()


async def test_an_accepted_key_is_added_and_known_next_time(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    asker = Answers(accept=True)
    connection = await laptop.open("edge1", asker)
    await connection.aclose()
    (question,) = asker.questions
    assert question.key.fingerprint == fingerprint(key_files["host-ed25519"])
    assert question.address == f"127.0.0.1:{server.port}" and connection.facts.known_by == "accepted now"
    assert stat.S_IMODE(laptop.known_hosts.stat().st_mode) == 0o600
    again = await laptop.open("edge1")
    assert again.facts.known_by == f"{laptop.known_hosts} line 1"
    await again.aclose()
    # ssh itself takes what was added
    command = ["ssh", "-F", str(laptop.folder / "config"), "-o", "StrictHostKeyChecking=yes", "edge1", "echo same"]
    assert subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout == "same\n"


async def test_a_changed_key_is_refused_with_both_and_the_line(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    laptop.knows(server, key_files["other"])
    asker = Answers(accept=True)
    error = await refused(laptop, "edge1", "HostKeyChanged", asker)
    for text in (
        fingerprint(key_files["host-ed25519"]),
        fingerprint(key_files["other"]),
        f"{laptop.known_hosts} line 1",
    ):
        assert text in error.message
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}' -f {laptop.known_hosts}" in error.hint and not asker.questions


@pytest.mark.parametrize("setting", ["no", "accept-new"])
async def test_a_changed_key_is_refused_whatever_the_configuration_says(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path], setting: str
) -> None:
    laptop.text += f"  StrictHostKeyChecking {setting}\n"
    laptop.knows(server, key_files["other"])
    await refused(laptop, "edge1", "HostKeyChanged")


@pytest.mark.parametrize(("setting", "opens"), [("accept-new", True), ("no", True), ("yes", False)])
async def test_a_new_key_as_the_configuration_says(laptop: Laptop, setting: str, opens: bool) -> None:
    laptop.text += f"  StrictHostKeyChecking {setting}\n"
    if not opens:
        error = await refused(laptop, "edge1", "HostKeyUnknown", Answers(accept=True))
        assert "StrictHostKeyChecking is yes" in error.message
        return
    await (await laptop.open("edge1")).aclose()
    assert laptop.known_hosts.exists()


async def test_a_hashed_name_is_known(laptop: Laptop, server: Sshd, key_files: dict[str, Path]) -> None:
    laptop.knows(server, key_files["host-ed25519"])
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(laptop.known_hosts)], check=True, capture_output=True)
    assert "127.0.0.1" not in laptop.known_hosts.read_text()
    await (await laptop.open("edge1")).aclose()


async def test_the_name_without_the_port_is_known_as_in_openssh(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    laptop.knows(server, key_files["host-ed25519"], "127.0.0.1")
    await (await laptop.open("edge1")).aclose()
    laptop.known_hosts.unlink()
    laptop.knows(server, key_files["other"], "127.0.0.1")
    await refused(laptop, "edge1", "HostKeyUnknown")


async def test_an_alias_is_what_the_key_is_known_by(laptop: Laptop, server: Sshd, key_files: dict[str, Path]) -> None:
    laptop.text += "  HostKeyAlias site-7\n"
    laptop.knows(server, key_files["host-ed25519"], "site-7")
    await (await laptop.open("edge1")).aclose()


async def test_a_revoked_key_is_refused_also_where_it_is_known(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    laptop.knows(server, key_files["host-ed25519"])
    laptop.knows(server, key_files["host-ed25519"], "*", "@revoked")
    error = await refused(laptop, "edge1", "HostKeyRevoked")
    assert f"{laptop.known_hosts} line 2" in error.message


async def test_a_list_of_revoked_keys(laptop: Laptop, server: Sshd, key_files: dict[str, Path]) -> None:
    laptop.knows(server, key_files["host-ed25519"])
    laptop.text += f"  RevokedHostKeys {key_files['host-ed25519']}.pub\n"
    await refused(laptop, "edge1", "HostKeyRevoked")
    laptop.text = laptop.text.replace(f"{key_files['host-ed25519']}.pub", "/absent")
    await refused(laptop, "edge1", "HostKeyInvalid")


async def test_broken_lines_are_passed_over_with_a_warning(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    laptop.known_hosts.write_text("@cert-authority broken\n* ssh-ed25519 AAAA\n")
    laptop.knows(server, key_files["host-ed25519"])
    connection = await laptop.open("edge1")
    await connection.aclose()
    assert len(connection.facts.warnings) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_each_type_of_key(kind: str, key_files: dict[str, Path], tmp_path: Path) -> None:
    """Also where the host has other keys too: it shows the one that is known."""
    with Sshd(tmp_path / "s", [key_files[f"host-{each}"] for each in KINDS]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, key_files["user"])
        laptop.knows(server, key_files[f"host-{kind}"])
        connection = await laptop.open("edge1")
        await connection.aclose()
        assert connection.facts.key.fingerprint == fingerprint(key_files[f"host-{kind}"])


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("-n", "127.0.0.1"), "", ""),
        (("-n", "edge2"), "HostCertificateInvalid", "is for edge2, not for 127.0.0.1"),
        (("-n", "127.0.0.1", "-V", "20200101:20200102"), "HostCertificateInvalid", "expired on 2020-01-02"),
        (("-n", "127.0.0.1", "-V", "20400101:20400102"), "HostCertificateInvalid", "is valid from 2040-01-01"),
    ],
)
async def test_a_host_with_a_certificate(
    options: tuple[str, ...], code: str, text: str, key_files: dict[str, Path], tmp_path: Path
) -> None:
    key = Path(shutil.copy(key_files["host-ed25519"], tmp_path / "host"))
    shutil.copy(f"{key_files['host-ed25519']}.pub", tmp_path / "host.pub")
    certificate = sign(key_files["authority"], tmp_path / "host.pub", "edge1", "-h", *options)
    with Sshd(tmp_path / "s", [key], [f"HostCertificate {certificate}"]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, key_files["user"])
        await refused(laptop, "edge1", "HostKeyUnknown")
        laptop.knows(server, key_files["authority"], "*", "@cert-authority")
        laptop.knows(server, key_files["other"], "*", "@cert-authority")  # an old authority beside the renewed one
        if code:
            error = await refused(laptop, "edge1", code, Answers(accept=True))
            assert text in error.message and f"{laptop.known_hosts} line 1" in error.message
            return
        connection = await laptop.open("edge1")
        await connection.aclose()
        assert connection.facts.known_by == f"authority in {laptop.known_hosts} line 1"
        text = laptop.text
        laptop.text += f"  RevokedHostKeys {key_files['authority']}.pub\n"
        await refused(laptop, "edge1", "HostKeyRevoked")
        laptop.text = text
        laptop.knows(server, key_files["other"], "*", "@revoked")
        await (await laptop.open("edge1")).aclose()
        laptop.knows(server, key_files["authority"], "*", "@revoked")
        error = await refused(laptop, "edge1", "HostKeyRevoked")
        assert error.message.startswith("The authority that signed the host key of edge1")


async def test_keys_of_the_plane_come_before_files(laptop: Laptop, server: Sshd, key_files: dict[str, Path]) -> None:
    def plane(*names: str) -> Sources:
        keys = PlaneKeys()
        lines = [key_files[name].with_name(f"{name}.pub").read_text() for name in names]
        assert keys.add("edge1", "127.0.0.1", server.port, ["not a key", *lines]) == len(names)
        return Sources(keys, KnownFiles())

    connection = await laptop.open("edge1", sources=plane("other", "host-ed25519"))
    assert connection.facts.known_by == "management plane"
    await connection.aclose()
    laptop.knows(server, key_files["host-ed25519"])
    with pytest.raises(Refused, match="has changed") as caught:
        await laptop.open("edge1", sources=plane("other"))
    assert "(management plane)" in caught.value.message and "registers again" in caught.value.hint
    await (await laptop.open("edge1", sources=Sources(PlaneKeys(), KnownFiles()))).aclose()
    laptop.knows(server, key_files["host-ed25519"], "*", "@revoked")
    with pytest.raises(Refused, match="is revoked"):
        await laptop.open("edge1", sources=plane("host-ed25519"))


async def test_a_changed_jump_host_is_refused_by_its_name(
    server: Sshd, key_files: dict[str, Path], tmp_path: Path
) -> None:
    with Sshd(tmp_path / "inner", [key_files["host-ecdsa"]]) as inner:
        inner.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block("gate", server.port, key_files["user"])
        laptop.block("edge1", inner.port, key_files["user"], "ProxyJump gate")
        laptop.knows(inner, key_files["host-ecdsa"])
        laptop.knows(server, key_files["other"])
        error = await refused(laptop, "edge1", "HostKeyChanged")
        assert error.message.startswith("The host key of gate (127.0.0.1) has changed")
        laptop.known_hosts.unlink()
        laptop.knows(server, key_files["host-ed25519"])
        laptop.knows(inner, key_files["other"])
        error = await refused(laptop, "edge1", "HostKeyChanged")
        assert error.message.startswith("The host key of edge1 (127.0.0.1) has changed")
        laptop.known_hosts.unlink()
        asker = Answers(accept=True)
        connection = await laptop.open("edge1", asker)
        assert connection.facts.via == ("gate",)
        assert [(q.host.split()[0], q.via) for q in asker.questions] == [("gate", ()), ("edge1", ("gate",))]
        assert (await connection.run_script(b"echo through", timeout=5, limit=100)).output == b"through\n"
        await connection.aclose()
