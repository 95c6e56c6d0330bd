"""Rule P10 and several addresses: whose plane it is, and which of its addresses is used."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.agent.kernel.enrolment import Enrolment
from edgewright.agent.plane.addresses import Addresses
from tests.agent.conftest import Bench, Pair, StubPlane


def test_p10_a_second_hub_with_the_same_ca_is_the_same_plane(
    bench: Bench, start_stub: Callable[[Pair], StubPlane], good_pair: Pair
) -> None:
    first = bench.start()
    first.step()
    bench.kill(first)
    second = start_stub(good_pair)
    moved = bench.start(endpoint=second.url)
    moved.step()
    assert not second.sent("POST", "/register")
    assert {request.headers["authorization"] for request in second.sent("PATCH", "/health")} == {"ewh_1_secret"}


def test_p10_state_of_v0_1_0_gets_its_identity_with_the_next_heartbeat(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    identity = agent.enrolment.plane
    assert identity.startswith("ca:")
    agent.enrolment.plane = ""
    agent.enrolment._save()
    bench.kill(agent)
    again = bench.start()
    again.step()
    assert again.enrolment.plane == identity
    assert len(bench.stub.sent("POST", "/register")) == 1


class Folder:
    """State in memory."""

    def __init__(self, **bodies: Any) -> None:
        self.bodies = {"identity": {"uid": "h", "how": "name"}, **bodies}

    def load(self, name: str) -> Any:
        return self.bodies.get(name)

    def save(self, name: str, body: Any, durable: bool = True) -> None:
        self.bodies[name] = body


@pytest.mark.parametrize(
    ("stored", "endpoints", "plane", "other"),
    [
        ({"endpoint": "https://a:1"}, ("https://a:1",), "ca:x", False),
        ({"endpoint": "https://a:1"}, ("https://b:1",), "ca:x", True),  # of v0.1.0: only its address is known
        ({"endpoint": "https://a:1", "plane": "ca:x"}, ("https://b:1",), "ca:x", False),
        ({"endpoint": "https://a:1", "plane": "ca:x"}, ("https://b:1",), "ca:y", True),
        ({"endpoint": "https://a:1", "plane": ""}, ("https://b:1",), "", True),  # the system's store is no identity
        ({"endpoint": "https://a:1,https://b:1", "plane": ""}, ("https://b:1", "https://c:1"), "", False),
    ],
)
def test_p10_what_is_another_plane(stored: Any, endpoints: tuple[str, ...], plane: str, other: bool) -> None:
    folder = Folder(registration={"credential": "c", "registrationId": "r", **stored})
    settings: Any = type("Settings", (), {"site": type("Site", (), {"name": ""})})
    enrolment = Enrolment(folder, settings, lambda *_: None)  # type: ignore[arg-type]
    assert enrolment.go_to(endpoints, plane) is other
    assert enrolment.credential == ("" if other else "c")
    if other:
        before = [stored["endpoint"]]
        assert enrolment.go_to(before, stored.get("plane", "")) and enrolment.credential == "c"  # on the way back


def resolved(*ports: int) -> Callable[..., list[Any]]:
    family, kind = socket.AF_INET, socket.SOCK_STREAM
    return lambda *_: [(family, kind, 6, "", ("127.0.0.1", port)) for port in ports]


def test_each_address_of_a_name_is_tried_and_the_one_that_works_is_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        first, second = one.getsockname()[1], two.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as closed:
            dead = closed.getsockname()[1]
        addresses = Addresses(resolved(dead, first, second), shuffle=lambda _: None)

        def port() -> int:
            with addresses.connect("hub", 1, 5) as link:
                return int(link.getpeername()[1])

        assert [port(), port()] == [first, first]
        addresses.avoid("hub")  # its hub answered 503
        assert [port(), port()] == [second, second]
        addresses.avoid("hub")
        assert port() in (first, second)
    addresses = Addresses(resolved(dead), shuffle=lambda _: None)
    with pytest.raises(ConnectionRefusedError):
        addresses.connect("hub", 1, 5)


def test_an_agent_goes_on_with_the_next_hub_by_itself(
    bench: Bench, start_stub: Callable[[Pair], StubPlane], good_pair: Pair
) -> None:
    second = start_stub(good_pair)
    agent = bench.start(endpoint=f"{bench.stub.url},{second.url}")
    agent.step()
    assert len(bench.stub.sent("PATCH", "/health")) == 1
    bench.stub.close()
    agent.connection.drop()  # a thread of the stub may still serve the open connection
    agent.step()
    agent.step()
    assert len(second.sent("PATCH", "/health")) == 1
    assert not second.sent("POST", "/register")
