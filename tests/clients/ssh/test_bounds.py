"""Counts and lengths that a host names and does not send: they cost neither memory nor time."""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from paramiko.common import MSG_EXT_INFO
from paramiko.server import InteractiveQuery

from edgewright.clients.ssh.dial import Link
from edgewright.clients.ssh.transport import HOST_KEY_ALGORITHMS, MAX_PACKET, BoundedDecompressor, HostTransport
from edgewright.core.errors import Refused
from tests.clients.ssh.reach import Answers, Laptop
from tests.clients.ssh.sshd import Sshd
from tests.clients.ssh.stand_in import Rules, StandIn


class Billions(list[tuple[str, bool]]):
    """Questions that are as many as a message can name, and are not sent."""

    def __len__(self) -> int:
        return 2**32 - 1


class ManyQuestions(Rules):
    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        query = InteractiveQuery("", "")
        query.prompts = Billions()
        return query


async def test_questions_without_end_end_the_connection(key_files: dict[str, Path], tmp_path: Path) -> None:
    rules = ManyQuestions("keyboard-interactive", "", [], [])
    with StandIn(key_files["host-ed25519"], lambda: rules) as server:
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, "none", "StrictHostKeyChecking no")
        began, asker = time.monotonic(), Answers()
        with pytest.raises(Refused, match="ended the connection during the authentication"):
            await laptop.open("edge1", asker, timeout=5)
        assert time.monotonic() - began < 3 and asker.prompts == []


@contextmanager
def transport(*, compress: bool = False) -> Iterator[HostTransport]:
    ours, theirs = socket.socketpair()
    with theirs:
        client = HostTransport(Link(ours), HOST_KEY_ALGORITHMS, compress=compress)
        yield client
        client.end()


def test_extensions_without_end_are_refused() -> None:
    many, few = paramiko.Message(), paramiko.Message()
    many.add_int(2**32 - 1)
    few.add_int(1)
    few.add_string("server-sig-algs")
    few.add_string("rsa-sha2-256")
    with transport() as client:
        with pytest.raises(paramiko.SSHException, match="extensions"):
            client._parse_ext_info(paramiko.Message(many.asbytes()))
        with pytest.raises(paramiko.SSHException, match="extensions"):  # as paramiko finds what takes the message
            vars(client)["_handler_table"][MSG_EXT_INFO](paramiko.Message(many.asbytes()))
        client._parse_ext_info(paramiko.Message(few.asbytes()))
        assert vars(client)["server_extensions"] == {"server-sig-algs": b"rsa-sha2-256"}


def test_a_compressed_packet_has_a_limit() -> None:
    def compressed(data: bytes) -> bytes:
        engine = zlib.compressobj()
        return engine.compress(data) + engine.flush(zlib.Z_FULL_FLUSH)

    longest = b"x" * (MAX_PACKET - 64)
    assert BoundedDecompressor()(compressed(longest)) == longest
    for broken in (compressed(b"\0" * (100 << 20)), b"\xff" * 100):
        with pytest.raises(paramiko.SSHException):
            BoundedDecompressor()(broken)


async def test_compression_begins_after_the_authentication(key_files: dict[str, Path], tmp_path: Path) -> None:
    with transport(compress=True) as client:
        assert client._preferred_compression == ("zlib@openssh.com", "none")
    with Sshd(tmp_path / "sshd", [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, key_files["user"], "Compression yes", "StrictHostKeyChecking no")
        connection = await laptop.open("edge1")
        result = await connection.run_script(b"yes | head -c 300000", timeout=5, limit=400_000)
        assert len(result.output) == 300_000
        assert vars(connection._transport)["remote_compression"] == "zlib@openssh.com"
        unpacks = vars(vars(connection._transport)["packetizer"])["_Packetizer__compress_engine_in"]
        assert isinstance(unpacks, BoundedDecompressor), "that of paramiko has no limit"
        await connection.aclose()


@pytest.mark.parametrize(("line", "compressed"), [("", True), ("Compression no", False)])
async def test_a_slow_link_is_compressed_unless_the_configuration_decides(
    line: str, compressed: bool, key_files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sshd(tmp_path / "sshd", [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, key_files["user"], *filter(None, [line]), "StrictHostKeyChecking no")
        connection = await laptop.open("edge1")
        assert vars(connection._transport)["remote_compression"] == "none", "a fast one is not"
        await connection.aclose()
        monkeypatch.setattr("edgewright.clients.ssh.opening.SLOW", 0.0)
        connection = await laptop.open("edge1")
        assert (vars(connection._transport)["remote_compression"] == "zlib@openssh.com") is compressed
        await connection.aclose()


async def test_a_host_that_executes_nothing(key_files: dict[str, Path], tmp_path: Path) -> None:
    class Executes(Rules):
        def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
            return False

    with StandIn(key_files["host-ed25519"], lambda: Executes("publickey", "", (), ())) as server:
        laptop = Laptop(tmp_path)
        laptop.block("edge1", server.port, key_files["user"], "StrictHostKeyChecking no")
        connection = await laptop.open("edge1")
        for script in (b"true\n", b"#" * 300_000):
            with pytest.raises(Refused, match="opens no further session"):
                await connection.run_script(script, timeout=5, limit=100)
        await connection.aclose()
