"""The quick way of `kube get`: which words it takes, which kubeconfigs, and what it makes of a table."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from edgewright.clients.http import once
from edgewright.clients.http.once import Link
from edgewright.commands.kube.plain import quick
from edgewright.commands.kube.plain.printed import text_of
from edgewright.commands.kube.plain.requested import wanted
from edgewright.config.contexts import Context
from edgewright.hub.clusters.search import Search
from edgewright.store.collections.catalogue import measured, reached

PODS = "/api/v1/namespaces/default/pods"


@pytest.mark.parametrize(
    ("words", "path", "query"),
    [
        ("pods", PODS, {"limit": "500"}),
        ("po web-1", f"{PODS}/web-1", {}),
        ("deploy -n shop", "/apis/apps/v1/namespaces/shop/deployments", {"limit": "500"}),
        ("pods -lapp=web,tier!=db", PODS, {"limit": "500", "labelSelector": "app=web,tier!=db"}),
        ("svc --all-namespaces", "/api/v1/services", {"limit": "500", "includeObject": "Metadata"}),
        ("nodes -A", "/api/v1/nodes", {"limit": "500"}),
        ("ns -n shop", "/api/v1/namespaces", {"limit": "500"}),
        ("pods a/b?c", f"{PODS}/a%2Fb%3Fc", {}),
        ("pods --field-selector=spec.nodeName=a", PODS, {"limit": "500", "fieldSelector": "spec.nodeName=a"}),
    ],
)  # fmt: skip
def test_words_that_ask_for_a_plain_table(words: str, path: str, query: dict[str, str]) -> None:
    table = wanted(words.split())
    assert table is not None
    parts = urlsplit(table.path())
    assert parts.path == path
    asked = {key: value for key, (value,) in parse_qs(parts.query).items()}
    assert asked == {"includeObject": "None", **query}


@pytest.mark.parametrize(
    "words",
    [
        "", "pod/web", "pods,svc", "all", "crd", "endpoints", "pods a b", "pods a -A", "pods a -l x=y", "pods -o json",
        "pods -w", "pods --watch", "pods -n", "pods --namespace=", "pods -n=shop", "pods --sort-by=x", "-f pod.yaml",
        "pods -L app", "pods --show-labels", "pods --kubeconfig=x", "pods -o=wide", "pods --context x",
    ],
)  # fmt: skip
def test_all_other_words_are_for_kubectl(words: str) -> None:
    assert wanted(words.split()) is None


def table(*rows: list[object]) -> dict[str, Any]:
    titles = [{"name": "Name", "priority": 0}, {"name": "Ready", "priority": 0}, {"name": "IP", "priority": 1}]
    objects = [{"cells": cells, "object": {"metadata": {"namespace": "shop"}}} for cells in rows]
    return {"kind": "Table", "columnDefinitions": titles, "rows": objects}


def test_a_table_is_printed_as_kubectl_does() -> None:
    pages: list[dict[str, Any]] = [
        table(["web", "1/1", None]),
        {"columnDefinitions": [], "rows": [{"cells": ["a-long-name", True, "10.1"]}]},
    ]
    shown = text_of(pages, wide=False, bare=False, everywhere=False)
    assert shown == "NAME          READY\nweb           1/1\na-long-name   true\n"
    assert text_of(pages[:1], wide=True, bare=True, everywhere=True) == "shop   web   1/1   \n"
    assert text_of([table(["ab", 3, ""])], wide=False, bare=False, everywhere=False) == "NAME   READY\nab     3\n"


def test_a_cell_is_one_line_that_steers_no_terminal() -> None:
    shown = text_of([table(["first\nsecond", "\x1b[2J\x9b2J", ""])], wide=False, bare=True, everywhere=False)
    assert shown.startswith("first...   ^[[2J") and shown.count("\n") == 1
    assert "\x1b" not in shown and "\x9b" not in shown


def kubeconfig(**more: str) -> str:
    """Return what kubeadm makes for the plane."""
    data = {key: base64.b64encode(key.encode()).decode() for key in quick._DATA} | more
    return (
        "apiVersion: v1\nclusters:\n- cluster:\n"
        f"    certificate-authority-data: {data['certificate-authority-data']}\n    server: https://10.0.0.9:6443\n"
        "  name: kubernetes\ncontexts:\n- context:\n    cluster: kubernetes\n    user: edgewright:operator\n"
        "  name: edgewright:operator@kubernetes\ncurrent-context: edgewright:operator@kubernetes\nkind: Config\n"
        "preferences: {}\nusers:\n- name: edgewright:operator\n  user:\n"
        f"    client-certificate-data: {data['client-certificate-data']}\n"
        f"    client-key-data: {data['client-key-data']}\n"
    )


def pem(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_kubeconfig_of_a_certificate_is_taken_and_any_other_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)
    monkeypatch.setattr(quick, "show", lambda _, certificate, key, name: shown.append((certificate, key)))
    plain = kubeconfig(**{"client-certificate-data": pem("C"), "client-key-data": pem("K")})
    quick._certified(plain, "c-1")
    assert shown == [(b"C", b"K")]
    for odd in (
        plain + "    token: abc\n",
        plain.replace("    user: edgewright:operator\n", "    user: edgewright:operator\n    namespace: shop\n"),
        plain.replace("    server:", "    proxy-url: http://192.0.2.1\n    server:"),
        plain.replace("    server:", "    insecure-skip-tls-verify: true\n    server:"),
        plain + f"- name: other\n  user:\n    client-key-data: {pem('K')}\n",
        plain.replace("client-key-data", "client-key"),
        plain.replace(pem("K"), "|"),
        plain.replace(pem("K"), "*key"),
        "{}",
        "",
    ):
        with pytest.raises((quick.NotPlain, ValueError)):
            quick._certified(odd, "c-1")
    assert len(shown) == 1


def test_the_search_is_one_that_a_hub_evaluates() -> None:
    class Row:
        def __init__(self, name: str, uid: str, gone: bool = False) -> None:
            self.found = {"clusterName": [name], "uid": [uid]}
            self.gone = gone

        def texts(self, name: str) -> list[str]:
            return self.found[name]

        def flag(self, name: str) -> bool:
            return self.gone

    search = Search(quick._search("store-7"))
    rows = (Row("store-7", "c-1"), Row("store-70", "c-2"), Row("x", "store-7"), Row("store-7", "c-3", gone=True))
    assert [search.matches(row) for row in rows] == [True, False, True, False]  # type: ignore[arg-type]


def test_nothing_is_asked_where_the_quick_way_cannot_be(tmp_path: Path) -> None:
    """Each of these would fail on a plane that is not there; none gets so far."""
    context = Context("a", "https://192.0.2.1:9", key="path:-")  # a key that can be read once only
    assert quick.run(context, "", "store-7", {"arguments": ["pods"]}, 0.1) is None
    for args in (
        {"arguments": ["pods"], "relay": True},
        {"arguments": ["pods"], "admin": True},
        {"arguments": ["crd"]},
    ):
        assert quick.run(Context("a", "https://192.0.2.1:9"), "", "store-7", args, 0.1) is None
    assert quick.run(None, "", "store-7", {"arguments": ["pods"]}, 0.1) is None


def test_what_was_measured_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    assert reached.last("c-1", "direct") == ""
    measured.note("c-1", direct=("yes", ""), ssh=("unknown", ""))
    assert (reached.last("c-1", "direct"), reached.last("c-1", "ssh"), reached.last("c-2", "direct")) == ("yes", "", "")
    measured.note("c-1", direct=("no", "no route to host"))
    assert reached.last("c-1", "direct") == "no"
    reached.path().write_text("[1")
    assert reached.last("c-1", "direct") == ""


class Handler(BaseHTTPRequestHandler):
    """Answers as the path asks it to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        data = zlib.compress(b"x" * 100_000, wbits=31)
        kind = self.path.strip("/")
        if kind == "broken":
            data = data[:-9]
        if kind == "slow":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(200):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            return
        if kind == "lost":
            self.close_connection = True
            return
        self.send_response(404 if kind == "none" else 200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_link_asks_more_than_once_and_bounds_what_it_gets(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with Link("127.0.0.1", port, None, timeout=5) as link:
        assert link.ask("GET", "/", {}).data == b"x" * 100_000
        assert link.ask("GET", "/none", {}).status == 404
        monkeypatch.setattr(once, "MAX_ANSWER", 50_000)
        with pytest.raises(ConnectionError, match="too large"):
            link.ask("GET", "/", {})
    for path in ("/broken", "/lost"):
        with Link("127.0.0.1", port, None, timeout=5) as link, pytest.raises(OSError):
            link.ask("GET", path, {})


@pytest.mark.parametrize("path", ["/slow", "/"])
def test_a_link_ends_in_time_although_bytes_come(port: int, path: str) -> None:
    began = time.monotonic()
    with Link("127.0.0.1", port, None, timeout=5, within=0.3) as link:
        with pytest.raises(OSError):
            for _ in range(100_000):
                link.ask("GET", path, {})
        assert time.monotonic() - began < 4
        with pytest.raises(TimeoutError):
            link.ask("GET", "/none", {})


def test_a_link_ends_in_time_when_its_peer_never_ends_the_handshake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        address = server.getsockname()[1]
        context = ssl.create_default_context()
        with Link("127.0.0.1", address, context, timeout=20, within=0.3) as link, pytest.raises(OSError):
            link.ask("GET", "/", {})
        assert time.monotonic() - began < 4


def test_options_that_the_user_gave_kubectl_are_left_to_kubectl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBERC", raising=False)
    assert not quick._is_set_up()
    monkeypatch.setenv("KUBERC", str(tmp_path / "mine"))
    assert quick._is_set_up()
    monkeypatch.delenv("KUBERC")
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/kuberc").write_text("kind: Preference\n")
    assert quick._is_set_up()
    monkeypatch.setattr(quick, "_of_plane", lambda *_: pytest.fail("the plane was asked"))
    assert quick.run(Context("a", "https://192.0.2.1:9"), "", "store-7", {"arguments": ["pods"]}, 0.1) is None
    monkeypatch.setenv("KUBERC", "off")
    assert not quick._is_set_up()


@pytest.mark.parametrize(
    "page",
    [
        {"columnDefinitions": ["NAME"], "rows": [{"cells": ["a"]}]},
        {"columnDefinitions": [{"name": "Name"}], "rows": ["a"]},
        {"columnDefinitions": [{"name": "Name"}, {"name": "B"}], "rows": [{"cells": ["a" * 40_000, 1]}] * 9_000},
    ],
)
def test_another_answer_than_a_table_goes_the_ordinary_way(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_of_plane", lambda *_: (quick.Cluster("c-1", "192.0.2.1"), ""))
    monkeypatch.setattr(quick, "_certified", lambda *_: None)
    monkeypatch.setattr(quick, "_pages", lambda *_: [page])
    assert quick.run(Context("a", "https://192.0.2.1:9"), "", "store-7", {"arguments": ["pods"]}, 0.1) is None


def test_pages_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ask(_: Link, method: str, path: str, headers: Any) -> once.Answer:
        asked.append(path)
        return once.Answer(200, {}, b'{"kind": "Table", "metadata": {"continue": "x"}, "rows": []}')

    monkeypatch.setattr(Link, "ask", ask)
    monkeypatch.setattr(quick, "MAX_ANSWER", 500)
    table = wanted(["pods"])
    assert table is not None
    with pytest.raises(quick.NotPlain):
        quick._pages(quick.Cluster("c-1", "192.0.2.1"), ssl.create_default_context(), table)
    assert len(asked) < 12


def test_the_passphrase_of_a_key_is_not_asked_for(tmp_path: Path) -> None:
    """OpenSSL would read it from the terminal."""
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=a"]
    words += ["-passout", "pass:secret", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "crt")]
    subprocess.run(words, check=True, capture_output=True)
    code = (
        "import ssl, sys; from pathlib import Path; from edgewright.commands.kube.credentials import show\n"
        "try: show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), *(Path(each).read_bytes() for each in sys.argv[1:]), "
        "name='x')\n"
        "except ssl.SSLError: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "crt"), str(tmp_path / "key")],
        capture_output=True, text=True, timeout=60, input="secret\n", start_new_session=True,
    )  # fmt: skip
    assert done.stdout == "refused\n" and "phrase" not in done.stderr, done.stderr
