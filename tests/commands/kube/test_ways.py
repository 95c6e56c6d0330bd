"""SSH as a way to a cluster's API, by a stand-in for the program `ssh`; and whose kubeconfig verbs use."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.clients.http.transport import Reply
from edgewright.commands.kube import credential, ways
from edgewright.commands.kube.route import Api
from edgewright.core import times
from edgewright.core.errors import InvalidInput, Refused, Unreachable
from edgewright.hub.security import pki
from edgewright.store.collections.catalogue import personal_kubeconfig
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import personal

SSH = """#!{python}
import os, socket, sys, threading
if "-G" in sys.argv:
    known = sys.argv[-1] == "edge2"
    print("hostname " + ("192.0.2.7" if known else sys.argv[-1]))
    sys.exit()
if sys.argv[-1] != "ana@edge2":
    sys.exit("ana@edge9: Permission denied (publickey).")
link = socket.create_connection(("127.0.0.1", {port}))
def up():
    while data := os.read(0, 65536):
        link.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := link.recv(65536):
    os.write(1, data)
"""


@pytest.fixture
async def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Return an API that is at a port of this machine, with a program `ssh` that leads there."""
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path / "home"))
    pki.ensure_certificates(tmp_path, [ways.SERVER_NAME])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH.format(python=sys.executable, port=port))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    data = base64.b64encode((tmp_path / "ca.crt").read_bytes()).decode()
    config = {"clusters": [{"cluster": {"certificate-authority-data": data}}]}
    row: Any = SimpleNamespace(uid="c1", name="store-7", endpoint="")
    relay: Any = None
    async with server:
        yield Api(row, config, relay, lambda text: None, only_relay=False, ssh="ana@edge2")


async def test_ssh_is_used_where_no_direct_route_is(api: Api) -> None:
    assert await api.choose() == "ssh" and api.shown == "by SSH through ana@edge2"
    way = await api.connect()
    reader, writer = way._reader, way._writer  # type: ignore[attr-defined]
    await writer.start_tls(api.trust(), server_hostname=ways.SERVER_NAME)
    writer.write(b"bytes")
    assert await asyncio.wait_for(reader.read(5), 5) == b"bytes"
    way.close()


async def test_a_direct_route_waits_for_no_ssh(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    async def hangs() -> ways.Measured:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("ssh")
        raise AssertionError

    async def works() -> ways.Measured:
        await asyncio.sleep(0)
        return ways.Measured("yes", 0.0)

    monkeypatch.setattr(api, "by_ssh", hangs)
    monkeypatch.setattr(api, "direct", works)
    async with asyncio.timeout(5):
        assert await api.choose() == "direct"
    assert ended == ["ssh"]


@pytest.mark.parametrize(("only_relay", "direct"), [(False, True), (True, True), (False, False)])
async def test_a_relay_that_fails_leads_back_to_the_direct_route(
    api: Api, monkeypatch: pytest.MonkeyPatch, only_relay: bool, direct: bool
) -> None:
    """The direct route did not answer while the way was chosen, and does now; who asked for the relay stays there."""
    server = await asyncio.start_server(lambda reader, writer: writer.write(b"direct"), "127.0.0.1", 0)
    asked: list[str] = []

    async def refuses(*_: Any) -> Any:
        asked.append("relay")
        raise Unreachable("There is no relay here.")

    async def measured() -> ways.Measured:
        return ways.Measured("yes" if direct else "no", 0.0)

    monkeypatch.setattr("edgewright.commands.kube.route.PORT", server.sockets[0].getsockname()[1])
    monkeypatch.setattr(api, "direct", measured)
    api._relay, api._only_relay, api.way = SimpleNamespace(open_stream=refuses), only_relay, "relay"
    api.endpoint = "127.0.0.1"
    async with server:
        if only_relay or not direct:
            with pytest.raises(Unreachable, match="There is no relay here"):
                await api.connect()
            assert api.way == "relay"
            return
        for _ in range(2):
            way = await api.connect()
            assert await way.read() == b"direct" and api.shown.startswith("directly at 127.0.0.1")
            way.close()
    assert asked == ["relay"], "the next connection is direct at once"


async def test_a_direct_route_that_ends_after_it_was_measured_leaves_the_error_of_the_relay(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_: Any) -> Any:
        raise Unreachable("There is no relay here.")

    async def measured() -> ways.Measured:
        return ways.Measured("yes", 0.0)

    monkeypatch.setattr("edgewright.commands.kube.route.PORT", 1)
    monkeypatch.setattr(api, "direct", measured)
    api._relay, api._only_relay, api.way = SimpleNamespace(open_stream=refuses), False, "relay"
    api.endpoint = "127.0.0.1"
    with pytest.raises(Unreachable, match="There is no relay here"):
        await api.connect()
    assert api.way == "relay"


async def test_what_ssh_prints_is_the_reason(api: Api) -> None:
    api.ssh = "ana@edge9"
    measured = await api.by_ssh()
    assert (measured.state, measured.error) == ("no", "ana@edge9: permission denied (publickey).")
    assert await api.choose() == "relay"
    api.ssh = ""
    assert (await api.by_ssh()).state == "unknown", "nothing is assumed"


async def test_a_host_of_the_ssh_configuration_is_used_without_being_named(api: Api) -> None:
    assert await ways.configured(("edge1", "-oProxyCommand=x", "edge2", "edge3")) == "edge2"
    assert await ways.configured(("edge1",)) == ""


def test_targets_of_ssh() -> None:
    assert ways.ssh_command("root@edge1:2222")[-6:] == ["-p", "2222", "-W", "127.0.0.1:6443", "--", "root@edge1"]
    assert ways.ssh_command("[2001:db8::1]")[-1] == "2001:db8::1"
    for wrong in ("-oProxyCommand=x", "root@-oProxyCommand=x", "a b", "", "edge1:x", "edge1;id"):
        with pytest.raises(InvalidInput):
            ways.ssh_command(wrong)


class Viewing:
    """A plane that has no stored kubeconfig for the caller."""

    user = "edgewright:user:ana"

    async def call(self, method: str, path: str, what: str, **_: Any) -> Reply:
        if path == protocol.path(personal.PATH, uid="c1"):
            return Reply(200, {"user": self.user, "group": "edgewright:viewers"}, {})
        assert path in (protocol.path(stored, uid="c1") for stored in (wire.KUBECONFIG_CLIENT, wire.KUBECONFIG_ADMIN))
        raise Refused("Viewers may only read.")


async def test_a_viewer_uses_a_kubeconfig_of_the_own_for_as_long_as_it_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    plane, made, valid = Viewing(), list[str](), 3600.0

    async def fetch(client: Any, uid: str, *_: Any) -> personal_kubeconfig.Personal:
        made.append(client.user)
        until = times.rfc3339(times.now() + valid)
        return personal_kubeconfig.Personal(f"of {client.user}", client.user, "viewer", until)

    monkeypatch.setattr(personal_kubeconfig, "fetch", fetch)

    async def port(_: Any) -> Viewing:
        return plane

    ctx: Any = SimpleNamespace(port=port)
    row: Any = SimpleNamespace(uid="c1", name="store-7", endpoint="192.0.2.1")

    async def used(**more: Any) -> str:
        return await credential.stored_or_personal(ctx, row, lambda _: None, **more)

    assert [await used(), await used()] == ["of edgewright:user:ana"] * 2 and len(made) == 1
    (file,) = (tmp_path / "state" / "kubeconfigs").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    plane.user, valid = "edgewright:user:ben", 60.0
    assert [await used(), await used()] == ["of edgewright:user:ben"] * 2
    assert len(made) == 3, "one that ends soon is fetched again"
    with pytest.raises(Refused):
        await used(admin=True)
