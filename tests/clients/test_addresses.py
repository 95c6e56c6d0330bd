"""A plane with several addresses: another one is tried, and what works is used again (rule P68)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.clients.http.addresses import AGAIN, MOST, Address, Addresses, Resolve
from edgewright.clients.palette.client import PlaneClient
from edgewright.config import contexts, locations
from edgewright.config.contexts import Context
from edgewright.core.errors import EdgewrightError, InvalidInput, Unreachable
from edgewright.wire import protocol

BOTH = "https://a.test:1,https://b.test:2"


class Plane:
    """Two hubs; `answers` maps a host name to what it does."""

    def __init__(self, **answers: Callable[[httpx.Request], httpx.Response] | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host.partition(".")[0]
        self.asked.append(name)
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer(request)

    def client(self, url: str = BOTH) -> PlaneClient:
        return PlaneClient(url, http=httpx.MockTransport(self))


def good(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"ok": True})


def busy(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, json={"code": "ServiceUnavailable", "message": "Not now."})


async def ask(client: PlaneClient, method: str = "GET") -> Any:
    return (await client.call(method, "/v1/x", "x")).data


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_address_that_takes_no_connection_is_passed_over(method: str) -> None:
    plane = Plane(a=httpx.ConnectError("refused"), b=good)
    async with plane.client() as client:
        assert await ask(client, method) == {"ok": True} and plane.asked == ["a", "b"]
        assert await ask(client, method) == {"ok": True} and plane.asked == ["a", "b", "b"]  # it stays there
        assert client.peer == "b.test:2"
        plane.answers = {"a": good, "b": httpx.ConnectTimeout("late")}
        assert await ask(client, method) == {"ok": True} and plane.asked[-2:] == ["b", "a"]


async def test_what_may_have_been_done_is_not_sent_to_another_one() -> None:
    plane = Plane(a=httpx.ReadError("reset"), b=good)
    async with plane.client() as client:
        with pytest.raises(EdgewrightError):
            await ask(client, "POST")
        assert plane.asked == ["a"]
        assert await ask(client, "POST") == {"ok": True}  # the next one goes elsewhere
        plane.answers["b"] = httpx.ReadError("reset")
        plane.answers["a"] = good
        assert await ask(client) == {"ok": True} and plane.asked[-2:] == ["b", "a"]  # a question changes nothing


async def test_a_hub_that_cannot_answer_is_left_for_another_one() -> None:
    plane = Plane(a=busy, b=good)
    async with plane.client() as client:
        assert await ask(client) == {"ok": True} and plane.asked == ["a", "b"]
    plane = Plane(a=busy, b=good)
    async with plane.client() as client:
        with pytest.raises(EdgewrightError, match="Not now"):
            await ask(client, "POST")
        assert await ask(client, "POST") == {"ok": True} and plane.asked == ["a", "b"]


async def test_none_that_answers_is_reported_with_its_name() -> None:
    plane = Plane(a=httpx.ConnectError("refused"), b=httpx.ConnectError("refused"))
    async with plane.client() as client:
        with pytest.raises(Unreachable, match=r"b\.test:2"):
            await ask(client)
        assert plane.asked == ["a", "b"]


async def test_the_change_stream_moves_as_well() -> None:
    def stream(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=": ping\n\n", headers={"content-type": "text/event-stream"})

    plane = Plane(a=httpx.ConnectError("refused"), b=stream)
    async with plane.client() as client:
        for wanted in ("a", "b", "a"):  # a stream that ends is opened again at another hub
            with pytest.raises(EdgewrightError):
                async with aclosing(client.changes.changes()) as changes:
                    async for _ in changes:
                        pass
            assert plane.asked[-1] == wanted
    assert protocol.CHANGES


def test_a_context_has_several_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_CONFIG_DIR", str(tmp_path))
    assert contexts.check_urls(f"{BOTH},https://a.test:1/") == ("https://a.test:1", "https://b.test:2")
    with pytest.raises(InvalidInput, match="nonsense"):
        contexts.check_urls("https://a.test,nonsense")
    monkeypatch.setattr(locations, "config_file", lambda name: tmp_path / name)
    context = Context("two", "https://a.test:1", also="https://b.test:2 https://c.test")
    contexts.save(contexts.Contexts({"two": context}, "two"))
    assert contexts.load().items["two"] == context
    assert context.addresses == "https://a.test:1,https://b.test:2,https://c.test"
    assert context.address_for_hosts == "https://a.test:1"
    path = tmp_path / "contexts.toml"
    path.write_text(path.read_text().replace("https://c.test", "ftp://c"))
    with pytest.raises(InvalidInput, match="line 6: ftp://c"):
        contexts.load()


def test_the_environment_may_name_several() -> None:
    context = contexts.from_environment({"EDGEWRIGHT_URL": BOTH, "EDGEWRIGHT_API_KEY_FILE": "/k"})
    assert (context.url, context.also) == ("https://a.test:1", "https://b.test:2")


def names(*ips: str) -> Resolve:
    async def resolve(_host: str, port: int) -> list[tuple[Any, ...]]:
        return [(0, 0, 0, "", (ip, port)) for ip in ips]

    return resolve


async def looked_up(url: str, *ips: str) -> list[Address]:
    addresses = Addresses((url,), names(*ips))
    await addresses.look_up()
    return list(addresses.order())


async def test_a_name_with_several_hubs_is_several_addresses() -> None:
    url = "https://plane.test:8443"
    assert await looked_up(url, "10.0.0.1", "10.0.0.2") == [Address(url, "10.0.0.1"), Address(url, "10.0.0.2")]
    assert await looked_up(url, "10.0.0.1") == [Address(url)]
    assert await looked_up(url, "2001:db8::1", "10.0.0.1") == [Address(url)], "one hub with both IP versions"
    mixed = await looked_up(url, "2001:db8::1", "2001:db8::2", "10.0.0.1", "10.0.0.2")
    assert [each.ip for each in mixed] == ["2001:db8::1", "10.0.0.1", "2001:db8::2", "10.0.0.2"]
    assert len(await looked_up(url, *(f"10.0.0.{number}" for number in range(1, 40)))) == MOST
    for literal in ("https://10.0.0.9", "https://[::1]:1", "http://localhost:1"):
        assert await looked_up(literal, "10.0.0.1", "10.0.0.2") == [Address(literal)]


def test_an_address_of_a_name_is_connected_to_by_its_ip_and_verified_by_its_name() -> None:
    address = Address("https://plane.test:8443", "2001:db8::1")
    assert address.target == "https://[2001:db8::1]:8443"
    assert address.headers() == {"Host": "plane.test:8443"} and address.extensions() == {"sni_hostname": "plane.test"}
    assert address.shown == "plane.test:8443 (2001:db8::1)"
    plain = Address("https://plane.test")
    assert (plain.target, plain.headers(), plain.extensions(), plain.shown) == (plain.url, {}, {}, "plane.test")


async def test_a_name_is_looked_up_again_only_after_a_failure_and_the_address_in_use_stays() -> None:
    url, clock, asked = "https://plane.test", [0.0], []
    answers = [["10.0.0.1", "10.0.0.2"], ["10.0.0.3", "10.0.0.2"], ["10.0.0.4", "10.0.0.5"]]

    async def resolve(host: str, port: int) -> list[tuple[Any, ...]]:
        asked.append(host)
        if not answers:
            raise OSError("no resolver")
        return [(0, 0, 0, "", (ip, port)) for ip in answers.pop(0)]

    addresses = Addresses((url,), resolve, lambda: clock[0])

    async def later() -> str:
        clock[0] += AGAIN
        await addresses.look_up()
        return addresses.current.ip

    assert [await later(), await later(), len(asked)] == ["10.0.0.1", "10.0.0.1", 1]
    addresses.failed(addresses.current)
    assert await later() == "10.0.0.2" and len(addresses) == 2, "the one in use is still one of them"
    addresses.failed(Address(url, "10.0.0.3"))
    await addresses.look_up()
    assert len(asked) == 2, "not at once again"
    assert await later() == "10.0.0.4"
    addresses.failed(addresses.current)
    assert await later() == "10.0.0.5", "without a resolver the last answer counts"


async def test_a_hub_behind_a_name_that_cannot_answer_is_left_for_the_other_one() -> None:
    """All of them have one URL, so the HTTP client alone would return to the same connection."""

    def hubs(request: httpx.Request) -> httpx.Response:
        assert request.headers["Host"] == "plane.test" and request.extensions["sni_hostname"] == "plane.test"
        return busy(request) if request.url.host == "10.0.0.1" else good(request)

    client = PlaneClient("https://plane.test", http=httpx.MockTransport(hubs))
    client.addresses = Addresses(("https://plane.test",), names("10.0.0.1", "10.0.0.2"))
    async with client:
        assert await ask(client) == {"ok": True}
        assert (client.url, client.peer) == ("https://plane.test", "plane.test (10.0.0.2)")


@pytest.mark.parametrize("error", [httpx.ReadTimeout("late"), httpx.ReadError("reset")])
async def test_a_change_without_an_answer_is_reported_as_unknown(error: Exception) -> None:
    async with Plane(a=error).client("https://a.test") as client:
        with pytest.raises(EdgewrightError) as written:
            await ask(client, "POST")
        assert "not known" in (written.value.hint or "")
        with pytest.raises(EdgewrightError) as read:
            await ask(client)
        assert "not known" not in (read.value.hint or "")


def test_a_proxy_looks_the_names_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    assert PlaneClient("https://plane.test").addresses._resolve is None
    assert PlaneClient("https://127.0.0.1:1").addresses._resolve is not None
    monkeypatch.delenv("HTTPS_PROXY")
    assert PlaneClient("https://plane.test").addresses._resolve is not None
