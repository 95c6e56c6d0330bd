"""What is taken of a host's kubeconfig, whatever else it contains; and what a script prints."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.ssh.kube import reading
from edgewright.clients.ssh.kube.kubeconfig import kubeconfig_of
from edgewright.clients.ssh.kube.reading import ADMIN, KUBELET, HostFiles, parse, script
from edgewright.core.errors import EdgewrightError, Failed, NotFound
from edgewright.yamltext.writer import write

CANARY = "canary-key-7f3a"
MARKER = "0123456789abcdef0123456789abcdef"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **more: Any) -> str:
    cluster = {"server": "https://10.4.1.10:6443", "certificate-authority-data": encoded("ca"), **(cluster or {})}
    user = {"client-certificate-data": encoded("crt"), "client-key-data": encoded(CANARY)} if user is None else user
    return write(
        {
            "apiVersion": "v1", "kind": "Config", "current-context": "b",
            "contexts": [
                {"name": "a", "context": {"cluster": "other", "user": "other"}},
                {"name": "b", "context": {"cluster": "c", "user": "u"}},
            ],
            "clusters": [{"name": "other", "cluster": {"server": "http://x"}}, {"name": "c", "cluster": cluster}],
            "users": [{"name": "other", "user": {}}, {"name": "u", "user": user}],
            **more,
        }
    )  # fmt: skip


def of(text: str, path: str = ADMIN[0]) -> Any:
    return kubeconfig_of(HostFiles({path: text}, ()))


def test_the_current_context_counts_and_nothing_else_is_passed_on() -> None:
    known = of(config({"proxy-url": "http://evil", "tls-server-name": "api.shop"}))
    assert (known.host, known.port, known.server_name, known.node) == ("10.4.1.10", 6443, "api.shop", "")
    made = known.document()
    assert made["clusters"][0]["cluster"].keys() == {"server", "certificate-authority-data"}
    assert made["users"][0]["user"].keys() == {"client-certificate-data", "client-key-data"}
    assert CANARY not in repr(known) and encoded(CANARY) not in repr(known)
    assert CANARY not in repr(HostFiles({ADMIN[0]: CANARY}, ()))


def test_a_token_counts_where_there_is_no_certificate() -> None:
    known = of(config(user={"token": "abc.def", "exec": {"command": "sh"}}))
    assert known.bearer == "abc.def" and known.document()["users"][0]["user"] == {"token": "abc.def"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (config(user={"exec": {"command": "sh"}}), "a program as its credential"),
        (config(user={"client-certificate": "/root/x", "client-key": "/root/y"}), "no certificate, key or token"),
        (config(user={"token": "two\nlines"}), "no certificate, key or token"),
        (config({"server": "http://10.4.1.10:6443"}), "an API without TLS"),
        (config({"server": "https://a;b:6443"}), "is not a valid host name"),
        (config({"server": "https://10.4.1.10:99999"}), "names no valid address"),
        (config({"certificate-authority-data": ""}), "has no CA"),
        (config({"certificate-authority-data": "%%"}), "is not base64"),
        (config({"insecure-skip-tls-verify": True, "certificate-authority-data": ""}), "has no CA"),
        ("- a list", "is not a map"),
        ("a: [", "did not find expected node content"),
        ("clusters: {a: b}\nusers: 5\ncontexts: [5, null]", "is not a valid host name"),
        ("", "is not a map"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(EdgewrightError) as refused:
        of(text)
    assert sentence in refused.value.message and CANARY not in refused.value.message


def test_a_file_that_is_not_the_kubelets_is_no_node() -> None:
    with pytest.raises(Failed, match="kubelet cannot be read"):
        of(config(), KUBELET[0])


def test_an_admin_counts_before_a_kubelet_and_none_is_a_sentence() -> None:
    both = HostFiles({KUBELET[0]: "a: [", ADMIN[1]: config()}, ())
    assert kubeconfig_of(both).path == ADMIN[1]
    with pytest.raises(NotFound, match="cannot be read"):
        kubeconfig_of(HostFiles({}, (ADMIN[0],)))
    with pytest.raises(NotFound, match="is in no cluster yet"):
        kubeconfig_of(HostFiles({}, ()))


def test_only_files_of_the_list_are_taken_from_what_a_host_prints() -> None:
    output = (
        f"motd\n{MARKER} file {ADMIN[0]}\nfirst\nsecond\n\n{MARKER} file /etc/shadow\nroot\n"
        f"\n{MARKER} closed {KUBELET[0]}\n\n{MARKER} done\n"
    )
    files = parse(output.encode(), MARKER)
    assert files is not None
    assert files.content == {ADMIN[0]: "first\nsecond\n"} and files.closed == (KUBELET[0],)
    assert parse(output.encode()[:-20], MARKER) is None
    assert parse(b"", MARKER) is None


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
def test_a_file_in_a_folder_that_is_closed_is_not_taken_as_missing(closed: bool) -> None:
    """Without root: a control plane with a closed /etc/kubernetes was taken for a host without a cluster."""
    root = os.getuid() == 0
    user: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if root else {}
    with tempfile.TemporaryDirectory() as name:  # not below the folders of pytest, which are closed to others
        folder = Path(name) / "kubernetes"
        folder.mkdir()
        folder.parent.chmod(0o755)
        folder.chmod(0o755 if not closed else 0o700 if root else 0)
        text = script(MARKER).replace(b"/etc/kubernetes", f"{folder}".encode())
        output = subprocess.run(["sh", "-s"], input=text, capture_output=True, check=True, cwd="/", **user).stdout
        folder.chmod(0o700)
    files = output.decode()
    assert (f"\n{MARKER} closed {folder}/admin.conf\n" in files) is closed and files.endswith(f"\n{MARKER} done\n")


def test_the_script_is_constant_but_for_its_marker() -> None:
    assert script(MARKER).replace(MARKER.encode(), b"X") == script("f" * 32).replace(b"f" * 32, b"X")
    assert b"%(" not in script(MARKER)
    with pytest.raises(ValueError, match="32 hex digits"):
        script("x; rm -rf /")
    assert reading.MAX_FILE * 8 < 2_000_000
