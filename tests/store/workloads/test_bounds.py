"""What an API may send for one object or for names of namespaces: bounded, harmless in a terminal, never a crash."""

from __future__ import annotations

import msgspec
import pytest

from edgewright.core.errors import Failed
from edgewright.store.workloads import describing, namespaces
from edgewright.store.workloads.describing import described, document_of
from edgewright.store.workloads.kinds import NODES, PODS
from edgewright.store.workloads.objects import is_key
from tests.tui import workloads
from tests.tui.samples import NOW

ESCAPE = "\x1b]0;title\x07"


def spaces(*names: str) -> bytes:
    return msgspec.json.encode({"items": [{"metadata": {"name": name}} for name in names]})


@pytest.mark.parametrize("key", ["web-0", "shop/web-0", "kube-system/web.17f2a", "system:node", f"n/{'a' * 253}"])
def test_names_of_an_api_are_keys(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize("key", ["", "a/b/c", "../web", "shop/..", "web?x=1", "web%2f", ESCAPE, "web\n", "a" * 254])
def test_other_texts_are_no_keys(key: str) -> None:
    assert not is_key(key)


def test_names_of_namespaces_are_bounded_and_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    assert namespaces.names_of(spaces("shop", "default", f"bad{ESCAPE}", "kitchen")) == ("default", "kitchen", "shop")
    assert len(namespaces.names_of(spaces(*(f"n{at}" for at in range(600))))) == namespaces.MOST
    monkeypatch.setattr(namespaces, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="too large"):
        namespaces.names_of(spaces("shop"))


def test_an_object_is_bounded_and_is_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"[1]", b"null", b"{", b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"):
        with pytest.raises(Failed, match="not an object"):
            document_of(data)
    monkeypatch.setattr(describing, "MOST_BYTES", 10)
    with pytest.raises(Failed, match="too much to show"):
        document_of(b'{"metadata":{}}')


def test_nothing_that_is_described_steers_a_terminal() -> None:
    pod = workloads.pod("web-0", metadata={"annotations": {f"a{ESCAPE}": f"b{ESCAPE}"}})
    (container,) = pod["spec"]["containers"]
    container["resources"] = {"requests": {f"cpu{ESCAPE}": f"1{ESCAPE}"}}
    container["ports"] = [{"containerPort": f"80{ESCAPE}"}]
    pod["status"]["containerStatuses"][0]["restartCount"] = f"1{ESCAPE}"
    blocks = described(PODS, pod, [], NOW)
    texts = [text for _, lines in blocks for _, text in lines]
    assert any("cpu" in text for text in texts) and not [text for text in texts if "\x1b" in text or "\x07" in text]


def test_a_number_without_an_end_is_no_error() -> None:
    node = workloads.node("edge-1")
    node["status"]["allocatable"] = {"pods": "inf", "cpu": "1e999", "nvidia.com/gpu": "1e400", "memory": "inf"}
    _, row = NODES.row_of(msgspec.Raw(msgspec.json.encode(node)))
    assert (row.most_pods, row.cpu, row.gpu) == (0, 0.0, 0)  # type: ignore[attr-defined]
