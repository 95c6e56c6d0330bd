"""A hub whose packets to the database are lost, while its clients still reach it (rules P65, P68)."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from edgewright.hub.db.lock import PAUSED
from edgewright.wire import protocol
from tests.dist.drive import Clients
from tests.dist.model import WITHIN
from tests.dist.namespaces import Network
from tests.dist.plane import running_plane
from tests.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
LOST_FOR = 7.0
"""Seconds without packets."""
BLOCKED = PAUSED + 4.0
"""Seconds after which a write was answered: the server has ended the transaction of the hub that disappeared."""


def test_p68_a_hub_without_packets_accepts_nothing_and_the_other_continues(
    postgres: Cluster, net: Network | None
) -> None:
    with running_plane(postgres, net, 2) as plane:
        first, cut = plane.members
        clients = Clients(plane)
        made = clients.once(first, "POST", protocol.API_KEYS, json={"metadata": {"name": "revoked"}}).json()
        key = {"ApiKey": made["apiKey"]}
        assert clients.once(cut, "GET", "/v1/users/info", key).status_code == 200
        ended, longest, wrong = threading.Event(), {0: 0.0, 1: 0.0}, []

        def write(member_number: int) -> None:
            member, number = plane.members[member_number], 0
            while not ended.wait(0.02):
                number, began = number + 1, time.monotonic()
                uid = f"w{member_number}-{number}"
                try:
                    code = clients.once(member, "POST", protocol.HOSTS, json={"metadata": {"uid": uid}}).status_code
                except httpx.HTTPError as error:
                    wrong.append(f"{uid}: {error!r}")
                    continue
                if code not in (201, 503):
                    wrong.append(f"{uid}: {code}")
                longest[member_number] = max(longest[member_number], time.monotonic() - began)

        threads = [threading.Thread(target=write, args=(number,), daemon=True) for number in (0, 1)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        cut.link.set("paused")
        # The transaction that the other hub had begun may block this write until the server ends it.
        assert clients.once(first, "DELETE", f"{protocol.API_KEYS}/{made['uid']}").status_code == 204
        revoked = time.monotonic()
        codes: list[tuple[float, int]] = []
        while time.monotonic() < max(began + LOST_FOR, revoked + WITHIN + 1):
            answer = clients.once(cut, "GET", "/v1/users/info", key)
            codes.append((time.monotonic() - revoked, answer.status_code))
            time.sleep(0.1)
        cut.link.set("open")
        healed = time.monotonic()
        while (code := clients.once(cut, "GET", "/v1/users/info", key).status_code) == 503:
            assert time.monotonic() - healed < 30
            time.sleep(0.05)
        follows = time.monotonic() - healed
        ended.set()
        for thread in threads:
            thread.join(timeout=40)
        clients.close()
        late = [(at, code) for at, code in codes if at > WITHIN and code != 503]
        print(
            f"the revocation took {revoked - began:.1f} s, the longest write {longest[0]:.1f} s at the other hub and "
            f"{longest[1]:.1f} s at this one, which followed {follows:.1f} s after the packets came back"
        )
        assert late == [] and code == 401 and wrong == []
        assert longest[0] < BLOCKED
