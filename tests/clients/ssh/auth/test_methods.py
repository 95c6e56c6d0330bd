"""Ways to show who the user is, against real sshd and a real agent; passwords and questions against a stand-in."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from edgewright.clients.ssh.auth import agent as agent_client
from edgewright.core.errors import ExitCode, Refused
from tests.clients.ssh.conftest import KINDS
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import USER, Sshd, agent_process, make_key, sign
from tests.clients.ssh.stand_in import Prepare, Rules, StandIn

CANARY = "pass-canary-7f3a"


@pytest.fixture(scope="module")
def server(key_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd that accepts keys, and certificates of the authority."""
    folder = tmp_path_factory.mktemp("sshd")
    with Sshd(folder, [key_files["host-ed25519"]], [f"TrustedUserCAKeys {key_files['authority']}.pub"]) as server:
        yield server


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for path in agent_process(tmp_path_factory.mktemp("agent")):
        yield str(path)


@pytest.fixture
def laptop(server: Sshd, key_files: dict[str, Path], tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path)
    laptop.knows(server, key_files["host-ed25519"])
    server.authorized.write_text("")
    return laptop


def add_to_agent(agent: str, *keys: Path) -> None:
    environment = {**os.environ, "SSH_AUTH_SOCK": agent}
    subprocess.run(["ssh-add", "-q", "-D"], env=environment, check=True, capture_output=True)
    if keys:
        subprocess.run(["ssh-add", "-q", *map(str, keys)], env=environment, check=True, stdin=subprocess.DEVNULL)


async def method(laptop: Laptop, name: str, asker: Answers | None = None) -> str:
    connection = await laptop.open(name, asker)
    await connection.aclose()
    return connection.facts.method


async def refused(laptop: Laptop, name: str, asker: Answers | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        await laptop.open(name, asker)
    assert caught.value.exit_code == ExitCode.REFUSED
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_file_of_each_type(kind: str, laptop: Laptop, server: Sshd, key_files: dict[str, Path]) -> None:
    key = key_files[f"host-{kind}"]
    server.allow(key.with_name(key.name + ".pub"))
    laptop.block("edge1", server.port, key)
    assert (await method(laptop, "edge1")).startswith("publickey ") and str(key) in await method(laptop, "edge1")


async def test_no_key_is_accepted(laptop: Laptop, server: Sshd, key_files: dict[str, Path]) -> None:
    laptop.block("edge1", server.port, key_files["other"])
    error = await refused(laptop, "edge1")
    assert (error.code, error.message) == (
        "AuthenticationFailed", f"edge1 (127.0.0.1) does not accept the user {USER} (tried: 1 key).",
    )  # fmt: skip
    laptop.text = laptop.text.replace(str(key_files["other"]), "/absent/key")
    error = await refused(laptop, "edge1")
    assert "There is no key /absent/key." in error.message and "IdentityFile" in error.hint


async def test_a_key_that_others_may_read_is_left_out(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path], tmp_path: Path
) -> None:
    copy = Path(shutil.copy(key_files["user"], tmp_path / "open"))
    copy.chmod(0o644)
    server.allow(key_files["user"].with_name("user.pub"))
    laptop.block("edge1", server.port, copy)
    assert f"Others may read the key {copy}" in (await refused(laptop, "edge1")).message


async def test_an_encrypted_key_asks_for_its_passphrase(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    server.allow(key_files["locked"].with_name("locked.pub"))
    laptop.block("edge1", server.port, key_files["locked"])
    asker = Answers(secrets=("wrong", CANARY))
    assert str(key_files["locked"]) in await method(laptop, "edge1", asker)
    assert asker.prompts == [(f"Passphrase of the key {key_files['locked']}: ", False)] * 2
    error = await refused(laptop, "edge1", Answers(secrets=("a", "b", "c")))
    assert "was wrong" in error.message
    error = await refused(laptop, "edge1")
    assert "no terminal to ask" in error.message and "terminal" in error.hint


@pytest.mark.parametrize("beside", [True, False])
async def test_no_passphrase_is_asked_for_a_key_that_the_host_does_not_want(
    beside: bool, laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    """Its public key is in the .pub file, or before the encrypted part of the file itself."""
    key = Path(shutil.copy(key_files["locked"], laptop.folder / "locked"))
    if beside:
        shutil.copy(f"{key_files['locked']}.pub", laptop.folder / "locked.pub")
    laptop.block("edge1", server.port, key)
    asker = Answers(secrets=(CANARY,))
    assert "(tried: 1 key)" in (await refused(laptop, "edge1", asker)).message and not asker.prompts
    server.allow(key_files["locked"].with_name("locked.pub"))
    assert await method(laptop, "edge1", asker) == f"publickey ssh-ed25519 {key}" and len(asker.prompts) == 1


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
async def test_encrypted_keys_of_older_formats(kind: str, laptop: Laptop, server: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "old", kind)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-m", "PEM", "-N", CANARY, "-f", str(key)], check=True, capture_output=True
    )
    assert "BEGIN" in key.read_text() and "OPENSSH" not in key.read_text()
    server.allow(tmp_path / "old.pub")
    laptop.block("edge1", server.port, key)
    assert (await method(laptop, "edge1", Answers(secrets=(CANARY,)))).endswith(str(key))


@pytest.mark.parametrize("kind", KINDS)
async def test_keys_of_an_agent(
    kind: str, laptop: Laptop, server: Sshd, key_files: dict[str, Path], agent: str
) -> None:
    key = key_files[f"host-{kind}"]
    add_to_agent(agent, key_files["other"], key)
    server.allow(key.with_name(key.name + ".pub"))
    laptop.agent = agent
    laptop.block("edge1", server.port, "/absent/key")
    assert (await method(laptop, "edge1")).endswith("test (agent)")
    laptop.text += "  IdentitiesOnly yes\n"
    await refused(laptop, "edge1")
    laptop.text = laptop.text.replace("/absent/key", f"{key}.pub")  # the public part names the one to use
    assert (await method(laptop, "edge1")).endswith("test (agent)")


async def test_two_files_whose_keys_an_agent_has(
    laptop: Laptop, server: Sshd, agent: str, key_files: dict[str, Path]
) -> None:
    add_to_agent(agent, key_files["other"], key_files["user"])
    laptop.agent = agent
    other, user = key_files["other"], key_files["user"]
    laptop.block("edge1", server.port, f"{other}.pub", f"IdentityFile {user}.pub", f"IdentityFile {user}")
    server.allow(user.with_name("user.pub"))
    assert await method(laptop, "edge1") == "publickey ssh-ed25519 test (agent)"


async def test_an_agent_that_does_not_answer(laptop: Laptop, server: Sshd, key_files: dict[str, Path]) -> None:
    laptop.agent = "/absent/agent"
    laptop.block("edge1", server.port, key_files["other"])
    assert "the agent at /absent/agent does not answer" in (await refused(laptop, "edge1")).message


async def test_an_agent_that_is_silent(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for once; key files are tried without it."""
    monkeypatch.setattr(agent_client, "PATIENCE", 0.3)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(laptop.folder / "silent"))
    listener.listen()
    server.allow(key_files["user"].with_name("user.pub"))
    laptop.agent = str(laptop.folder / "silent")
    laptop.block("edge1", server.port, key_files["user"])
    assert await method(laptop, "edge1") == f"publickey ssh-ed25519 {key_files['user']}"
    laptop.text = laptop.text.replace(str(key_files["user"]), str(key_files["other"]))
    assert "No keys of an agent: the agent does not answer: timed out." in (await refused(laptop, "edge1")).message
    listener.close()


@pytest.mark.parametrize("place", ["id", "id-cert.pub", "id.pub"])
async def test_a_pipe_in_the_place_of_a_key_is_not_read(
    place: str, laptop: Laptop, server: Sshd, key_files: dict[str, Path]
) -> None:
    key = Path(shutil.copy(key_files["user"], laptop.folder / "id"))
    (laptop.folder / place).unlink(missing_ok=True)
    os.mkfifo(laptop.folder / place)
    server.allow(key_files["user"].with_name("user.pub"))
    laptop.block("edge1", server.port, key)
    if place == "id.pub":  # only looked at for the keys of an agent
        assert await method(laptop, "edge1")
    else:
        assert f"{laptop.folder / place} is not a" in (await refused(laptop, "edge1")).message


async def test_many_keys_of_an_agent(laptop: Laptop, server: Sshd, agent: str, tmp_path: Path) -> None:
    add_to_agent(agent, *[make_key(tmp_path / f"k{number}") for number in range(8)])
    laptop.agent = agent
    laptop.block("edge1", server.port, "/absent/key")
    error = await refused(laptop, "edge1")
    assert error.code == "TooManyKeys" and "IdentitiesOnly" in error.hint


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["beside", "named", "agent", "agent, named"])
async def test_certificates_of_users(
    kind: str, place: str, laptop: Laptop, server: Sshd, key_files: dict[str, Path], agent: str, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "id", kind)
    certificate = sign(key_files["authority"], tmp_path / "id.pub", "anna", "-n", USER)
    lines = []
    if "named" in place:
        certificate = certificate.rename(tmp_path / "elsewhere")
        lines.append(f"CertificateFile {certificate}")
    if "agent" in place:
        add_to_agent(agent, key)
        laptop.agent = agent
    laptop.block("edge1", server.port, "/absent/key" if "agent" in place else key, *lines)
    assert (await method(laptop, "edge1")).startswith("publickey certificate for ")


async def test_an_expired_certificate_of_a_user(
    laptop: Laptop, server: Sshd, key_files: dict[str, Path], tmp_path: Path
) -> None:
    key = make_key(tmp_path / "id")
    sign(key_files["authority"], tmp_path / "id.pub", "anna", "-n", USER, "-V", "20200101:20200102")
    laptop.block("edge1", server.port, key)
    error = await refused(laptop, "edge1")
    assert f"The certificate for ssh-ed25519 {key} expired on 2020-01-0" in error.message
    server.allow(tmp_path / "id.pub")  # the key itself
    assert await method(laptop, "edge1") == f"publickey ssh-ed25519 {key}"


@pytest.mark.parametrize("place", ["beside", "agent"])
async def test_a_renewed_certificate_is_tried_before_those_that_ended(
    place: str, laptop: Laptop, key_files: dict[str, Path], agent: str, tmp_path: Path
) -> None:
    """A server takes few tries: an agent still has each certificate that was ever added, and the file may be old."""
    key, public = make_key(tmp_path / "id"), tmp_path / "id.pub"
    renewed = sign(key_files["authority"], public, "new", "-n", USER).rename(tmp_path / "renewed")
    for number in range(7 if place == "agent" else 1):
        sign(key_files["authority"], public, f"old {number}", "-n", USER, "-V", f"20200101:2020010{number + 2}")
        if place == "agent":
            if not number:
                add_to_agent(agent)
            subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)
    lines = [f"TrustedUserCAKeys {key_files['authority']}.pub", "MaxAuthTries 3"]
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]], lines) as server:
        laptop.knows(server, key_files["host-ed25519"])
        named = [f"CertificateFile {renewed}"] if place == "beside" else []
        if place == "agent":
            (tmp_path / "id-cert.pub").write_text(renewed.read_text())
            subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)
            laptop.agent = agent
            server.authorized.write_text("")
        laptop.block("edge1", server.port, "/absent/key" if place == "agent" else key, *named)
        assert (await method(laptop, "edge1")).startswith("publickey certificate for ssh-ed25519")


async def test_a_host_that_wants_two_keys(key_files: dict[str, Path], tmp_path: Path) -> None:
    with Sshd(tmp_path / "s", [key_files["host-ed25519"]], ["AuthenticationMethods publickey,publickey"]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        server.allow(key_files["other"].with_name("other.pub"))
        laptop = Laptop(tmp_path)
        laptop.knows(server, key_files["host-ed25519"])
        laptop.block("edge1", server.port, key_files["user"])
        await refused(laptop, "edge1")
        laptop.text += f"  IdentityFile {key_files['other']}\n"
        assert (await method(laptop, "edge1")).count("publickey") == 2


def stand_in(laptop: Laptop, key_files: dict[str, Path], rules: Rules, prepare: Prepare | None = None) -> StandIn:
    server = StandIn(key_files["host-ed25519"], lambda: rules, prepare)
    laptop.block("stand-in", server.port, "none")
    public = " ".join(key_files["host-ed25519"].with_name("host-ed25519.pub").read_text().split()[:2])
    with laptop.known_hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{server.port} {public}\n")
    return server


async def test_a_password(laptop: Laptop, key_files: dict[str, Path]) -> None:
    with stand_in(laptop, key_files, Rules("password,publickey", CANARY, (), ())):
        asker = Answers(secrets=("wrong", CANARY))
        assert await method(laptop, "stand-in", asker) == "password"
        assert asker.prompts == [(f"Password of {USER}@stand-in (127.0.0.1): ", False)] * 2
        error = await refused(laptop, "stand-in", Answers(secrets=("a", "b", "c", CANARY)))
        assert "(tried: password)" in error.message
        assert "needs a password" in (await refused(laptop, "stand-in")).message


async def test_a_second_factor_with_time_to_think(laptop: Laptop, key_files: dict[str, Path]) -> None:
    rules = Rules("password", CANARY, ("123456",), [("Code: ", True)])
    rules.second, rules.banner = "keyboard-interactive", "Authorised \x1b[31muse only"
    with stand_in(laptop, key_files, rules):
        asker = Answers(secrets=(CANARY, "123456"), thinks=0.7)
        connection = await laptop.open("stand-in", asker, timeout=1.0)  # less than the two answers take
        assert connection.facts.method == "password + keyboard-interactive" and connection.facts.seconds < 1.0
        assert (await connection.run_script(b"true", timeout=5, limit=100)).output == b"stand-in\n"
        await connection.aclose()
        assert asker.prompts[1] == (f"{USER}@stand-in (127.0.0.1): Site login Enter what you know. Code: ", True)
        assert asker.notices and "\x1b" not in asker.notices[0] and "use only" in asker.notices[0]


async def test_secrets_are_nowhere_afterwards(
    laptop: Laptop, key_files: dict[str, Path], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    messages: list[str] = []
    handler = logging.StreamHandler(type("Sink", (), {"write": messages.append, "flush": lambda self: None})())
    logging.getLogger("paramiko").addHandler(handler)
    try:
        rules = Rules("keyboard-interactive,password", "another", (CANARY,), [("Code: ", False)])
        with stand_in(laptop, key_files, rules):
            assert await method(laptop, "stand-in", Answers(secrets=(CANARY,))) == "keyboard-interactive"
            error = await refused(laptop, "stand-in", Answers(secrets=["no", "no", "no", *[CANARY] * 3]))
    finally:
        logging.getLogger("paramiko").removeHandler(handler)
    texts = [*messages, caplog.text, *capfd.readouterr(), str(error.as_dict()), repr(error), str(error.__context__)]
    texts.append(" ".join(Path("/proc/self/cmdline").read_text().split("\0")))
    texts += [path.read_text() for path in laptop.folder.rglob("*") if path.is_file()]
    gc.collect()
    assert CANARY not in "\n".join(texts)


async def test_an_old_server_gets_one_sentence(laptop: Laptop, key_files: dict[str, Path]) -> None:
    """OpenSSH 9.2 offers `ssh-rsa` where its configuration does: SHA-1 signatures, as servers before 2016 have them."""
    folder = laptop.folder / "old"
    with Sshd(folder, [key_files["host-rsa"]], ["HostKeyAlgorithms ssh-rsa"]) as server:
        laptop.block("old", server.port, key_files["user"])
        error = await refused(laptop, "old")
        assert error.code == "OldSshServer" and "has only ssh-rsa host keys (SHA-1)" in error.message


async def test_a_key_exchange_under_the_name_of_its_standard_alone(laptop: Laptop, key_files: dict[str, Path]) -> None:
    """Guides for hardening leave `curve25519-sha256` without `curve25519-sha256@libssh.org`."""
    folder = laptop.folder / "hardened"
    with Sshd(folder, [key_files["host-ed25519"]], ["KexAlgorithms curve25519-sha256"]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        laptop.block("hardened", server.port, key_files["user"])
        connection = await laptop.open("hardened", Answers(accept=True))
        await connection.aclose()


@pytest.mark.parametrize(
    ("announces", "code", "text"),
    [(True, "OldSshServer", "ssh-rsa (SHA-1) signatures only"), (False, "AuthenticationFailed", "RSA with SHA-2")],
)
async def test_a_server_without_sha2_for_rsa(
    announces: bool, code: str, text: str, laptop: Laptop, key_files: dict[str, Path]
) -> None:
    def prepare(transport: paramiko.Transport) -> None:
        transport.disabled_algorithms = {"pubkeys": ["rsa-sha2-512", "rsa-sha2-256"]}
        transport.server_sig_algs = announces

    with stand_in(laptop, key_files, Rules("publickey", "", (), ()), prepare):
        laptop.text = laptop.text.replace("IdentityFile none", f"IdentityFile {key_files['host-rsa']}")
        error = await refused(laptop, "stand-in")
        assert error.code == code and text in error.message and "ed25519" in error.hint
