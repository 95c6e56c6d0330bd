"""Logs of a systemd host followed for real: units that start again, a journal that is rotated, a link that is cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.clients.ssh.logs.request import Request
from tests.clients.ssh.logs.local import LocalHost
from tests.clients.ssh.logs.test_following import Reader
from tests.e2e.doctor.hosts import DoctorHost
from tests.e2e.fleet import Fleet

pytestmark = [pytest.mark.e2e]
COUNTER = r"""
cat >/run/case-count.sh <<'END'
n=$(cat /run/case-count 2>/dev/null || echo 0)
while :; do n=$((n + 1)); echo "$n" >/run/case-count; echo "{\"level\":\"warn\",\"msg\":\"count $n\"}"; sleep 0.02; done
END
rm -f /run/case-count
systemctl reset-failed $UNIT 2>/dev/null
systemd-run -q --unit=$UNIT sh /run/case-count.sh
"""
"""A unit that counts, over its restarts too."""


class Entered(LocalHost):
    """A host of the lab; its own journalctl is used."""

    def __init__(self, host: DoctorHost, folder: Path) -> None:
        super().__init__(folder)
        self.host = host

    @property
    def shell(self) -> tuple[str, ...]:
        return tuple(self.host.words()[:-1])

    @shell.setter
    def shell(self, value: tuple[str, ...]) -> None:
        """The words of the host count."""


@pytest.fixture(scope="module")
def host(make_fleet: Callable[..., Fleet], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoctorHost]:
    fleet = make_fleet("--hosts", "1")
    first = fleet.status()["hosts"][0]
    yield DoctorHost(int(first["leader"]), str(first["address"]), "", tmp_path_factory.mktemp("disks"))


@pytest.fixture
def reader(host: DoctorHost, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    unit = f"case-{len(request.node.name)}"  # of its own: the journal has the lines of the test before
    host.variables["UNIT"] = unit
    host.run(COUNTER)
    yield Reader(Entered(host, tmp_path), Request((unit,)))
    host.clock = ""
    host.run("systemctl stop $UNIT; rm -f /run/case-count*")


def numbers(reader: Reader) -> list[int]:
    """Return what was counted, of the lines that arrived."""
    messages = [entry.readable.message for entry in reader.entries if entry.readable.level == 4]
    return [int(message.removeprefix("count ")) for message in messages]


async def more(reader: Reader, count: int) -> None:
    """Wait for `count` further lines."""
    wanted = len(numbers(reader)) + count
    await reader.until(lambda: len(numbers(reader)) >= wanted, 60)


async def test_no_line_is_lost_or_doubled_while_the_journal_is_rotated_and_the_unit_restarted(
    host: DoctorHost, reader: Reader
) -> None:
    reader.start()
    await more(reader, 50)
    for _ in range(3):
        await asyncio.to_thread(host.run, "journalctl --rotate; systemctl kill $UNIT; sleep 1")
        await asyncio.to_thread(host.run, COUNTER.replace("rm -f /run/case-count\n", ""))
        await more(reader, 50)
    await reader.stop()
    counted = numbers(reader)
    assert counted == list(range(counted[0], counted[0] + len(counted)))
    unit = f"{host.variables['UNIT']}.service"
    assert sum(unit in text for text in reader.texts) >= 3  # what systemd logs of its ends and starts
    assert {entry.unit for entry in reader.entries} == {unit}


async def test_after_a_cut_link_it_continues_and_what_was_vacuumed_away_is_said(
    host: DoctorHost, reader: Reader
) -> None:
    reader.start()
    await more(reader, 30)
    await reader.cut()
    await asyncio.sleep(1.5)
    reader.start()
    await more(reader, 100)
    counted = numbers(reader)
    assert counted == list(range(counted[0], counted[0] + len(counted)))
    assert not any(entry.gap for entry in reader.entries)
    await reader.cut()
    await asyncio.to_thread(host.run, "sleep 1; journalctl --rotate; journalctl --vacuum-files=1; sleep 1")
    reader.start()
    await more(reader, 20)
    await reader.stop()
    gaps = [entry for entry in reader.entries if entry.gap]
    assert len(gaps) == 1 and "lines may be missing" in gaps[0].text
    counted = numbers(reader)
    assert counted == sorted(set(counted))


async def test_a_clock_that_is_an_hour_ahead_is_known_and_taken_out(host: DoctorHost, reader: Reader) -> None:
    host.clock = "+3600"
    reader.start()
    await more(reader, 10)
    await reader.stop()
    assert reader.log.skew.matters and abs(reader.log.skew.seconds - 3600) < 5
    # The clock of a container is that of its machine: the journal is right, and the correction shows in the difference.
    last = reader.entries[-1]
    assert abs(last.host_at - last.at - 3600) < 5 and abs(last.host_at - time.time()) < 30
