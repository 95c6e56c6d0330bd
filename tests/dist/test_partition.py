"""A hub whose packets to the database are lost, while its clients still reach it (rules P65, P68)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from edgewright.hub.db.lock import PAUSED
from edgewright.wire import protocol
from tests.dist.disappearing import ANSWERED_AFTER, WHERE
from tests.dist.drive import Clients
from tests.dist.model import WITHIN
from tests.dist.namespaces import Network
from tests.dist.plane import running_plane
from tests.postgres import Cluster
from tests.support import missing

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


@pytest.mark.parametrize("where", WHERE)
def test_p68_the_rows_of_a_hub_that_disappears_are_free_wherever_its_transaction_was(
    postgres: Cluster, net: Network | None, tmp_path: Path, where: str
) -> None:
    """The server ends the transaction also while it receives a message or sends an answer."""
    if net is None:
        missing("e2e", "the keep-alive of TCP needs network namespaces")
    database, cables = postgres.create(), net.hub()
    postgres.psql(database, "CREATE TABLE rows AS SELECT 'first' AS value")
    words = (sys.executable, "-m", "tests.dist.disappearing", cables.url(database), str(tmp_path), where)
    hub = subprocess.Popen([*cables.prefix, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert hub.stdout is not None and hub.stdout.readline() == "there\n"
        cables.set("paused")
        began = time.monotonic()
        time.sleep(ANSWERED_AFTER + 1)
        state = postgres.psql(
            "postgres",
            "SELECT state, wait_event_type, wait_event FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND query NOT LIKE '%pg_stat_activity%'",
        )
        stored = postgres.psql(database, "SET statement_timeout = '50s'; UPDATE rows SET value = value RETURNING value")
        took = time.monotonic() - began
        print(f"{where}: {state}, and the row was free after {took:.1f} s")
        assert stored == "first" and took < BLOCKED
    finally:
        hub.kill()
        hub.communicate()
        cables.close()
