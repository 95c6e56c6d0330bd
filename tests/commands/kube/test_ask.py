"""Asking an application through the API of its cluster: which services are asked, and over TLS as the API has it."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.commands.kube import ask
from edgewright.commands.kube.route import SERVER_NAME, Api
from edgewright.core.errors import Failed
from edgewright.hub.security import pki


def service(namespace: str, name: str, port: int = 80, selector: bool = True) -> dict[str, Any]:
    spec = {"ports": [{"port": port, "protocol": "TCP"}], "selector": {"app": name} if selector else {}}
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec}


SERVICES = [
    service("default", "kubernetes", 443, selector=False),
    service("kube-system", "kube-dns", 53),
    service("shop", "db", 5432),
    service("shop", "web"),
]


async def test_services_of_applications_are_asked_until_one_answers() -> None:
    asked = []

    async def get(path: str) -> tuple[int, Any]:
        asked.append(path)
        return (
            (200, {"items": SERVICES}) if path.startswith("/api/v1/services") else (503 if "db" in path else 404, None)
        )

    answer = await ask.answered(get, "store-7")
    assert (answer.service, answer.status) == ("shop/web", 404), "what answers is not what it answers"
    assert asked[1:] == [f"/api/v1/namespaces/shop/services/{name}/proxy/" for name in ("db:5432", "web:80")]


@pytest.mark.parametrize(
    ("listed", "status", "message"),
    [
        ([], 200, "The cluster store-7 has no service of an application."),
        (SERVICES[3:], 503, "None of 1 service of store-7 answers: shop/web HTTP 503."),
    ],
)
async def test_what_does_not_answer_is_named(listed: list[Any], status: int, message: str) -> None:
    async def get(path: str) -> tuple[int, Any]:
        return (200, {"items": listed}) if path.startswith("/api/v1/services") else (status, None)

    with pytest.raises(Failed) as caught:
        await ask.answered(get, "store-7")
    assert caught.value.message == message


async def test_the_api_is_asked_over_tls_with_the_certificate_of_the_kubeconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki.ensure_certificates(tmp_path, [SERVER_NAME])
    authority, leaf, key = (tmp_path / name for name in ("ca.crt", "server.crt", "server.key"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf, key)
    paths: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            paths.append(head.split()[1].decode())
            body = json.dumps({"items": SERVICES[3:]}).encode() if "limit" in paths[-1] else b"web web-1"
            kind = b"application/json" if "limit" in paths[-1] else b"text/plain"
            length = str(len(body)).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\ncontent-length: " + length + b"\r\n\r\n" + body
            )
            await writer.drain()

    def data(*files: Path) -> str:
        return base64.b64encode(b"".join(file.read_bytes() for file in files)).decode()

    config = {
        "clusters": [{"cluster": {"certificate-authority-data": data(authority)}}],
        "users": [{"user": {"client-certificate-data": data(leaf), "client-key-data": data(key)}}],
    }
    row: Any = SimpleNamespace(uid="c1", name="store-7", endpoint="127.0.0.1")
    relay: Any = None
    api = Api(row, config, relay, lambda text: None, only_relay=False)

    async def found(*_: Any) -> Any:
        return row

    async def made(*_: Any, **options: Any) -> Api:
        return api

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    monkeypatch.setattr("edgewright.commands.kube.route.PORT", server.sockets[0].getsockname()[1])
    monkeypatch.setattr(ask, "cluster", found)
    monkeypatch.setattr(Api, "of", made)
    ctx: Any = None
    async with server:
        answer = await ask.ask_application(ctx, "store-7", lambda text: None)
    assert answer.sentence().startswith("shop/web answers: HTTP 200 in ") and answer.way == "direct"
    assert paths[-1] == "/api/v1/namespaces/shop/services/web:80/proxy/"
