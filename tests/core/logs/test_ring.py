"""Lines of several hosts: order, bounds, and which are wanted."""

from __future__ import annotations

import random

import pytest

from edgewright.core.errors import InvalidInput
from edgewright.core.logs.entry import Entry
from edgewright.core.logs.ring import LogRing
from edgewright.core.logs.wanted import Wanted, unit_name


def lines(*moments: float, host: str = "a", text: str = "x") -> list[Entry]:
    return [Entry(at, at, host, "kubelet.service", f"{text}{number}") for number, at in enumerate(moments)]


def test_a_late_line_goes_between_older_ones_and_equal_ones_stay_in_order() -> None:
    ring = LogRing()
    ring.add(lines(1, 3, 3, 5))
    ring.add(lines(3, 4, 2, host="b"))
    assert [(entry.at, entry.host, entry.text) for entry in ring.lines] == [
        (1, "a", "x0"), (2, "b", "x2"), (3, "a", "x1"), (3, "a", "x2"), (3, "b", "x0"), (4, "b", "x1"), (5, "a", "x3"),
    ]  # fmt: skip


def test_any_order_of_batches_gives_the_order_of_time() -> None:
    chance = random.Random(7)
    ring, every = LogRing(most=100_000), []
    for host in "abc":
        at = 0.0
        for _ in range(40):
            batch = []
            for _ in range(chance.randrange(1, 9)):
                at += chance.random()
                batch.append(Entry(at, at, host, "", "x"))
            every.append(batch)
    chance.shuffle(every)
    for batch in every:
        ring.add(batch)
    moments = [entry.at for entry in ring.lines]
    assert moments == sorted(moments) and len(moments) == sum(map(len, every)) == ring.arrived


def test_the_oldest_lines_go_first_and_are_counted() -> None:
    ring = LogRing(most=10, characters=1000)
    ring.add(lines(*range(25)))
    assert [entry.at for entry in ring.lines] == list(range(15, 25)) and ring.dropped == 15
    ring.add(lines(1.5))  # older than all: it is the first that goes
    assert ring.dropped == 16 and ring.lines[0].at == 15
    ring.add([Entry(30, 30, "a", "", "y" * 990)])
    assert len(ring.lines) < 10 and ring.lines[-1].at == 30
    ring.clear()
    ring.add(lines(1))
    assert (len(ring.lines), ring.dropped, ring.arrived) == (1, 0, 1)


def test_lines_are_chosen_by_level_text_time_and_unit() -> None:
    bad = Entry(10, 10, "a", "k3s.service", '{"level":"error","msg":"No Route"}', 6)
    fine = Entry(20, 20, "a", "kubelet.service", "ok", 6)
    gap = Entry(15, 15, "a", "", "··· 3 lines left out ···", gap=True)

    def chosen(wanted: Wanted) -> list[Entry]:
        return [entry for entry in (bad, gap, fine) if wanted.lets(entry)]

    assert chosen(Wanted()) == [bad, gap, fine] and Wanted().everything
    assert chosen(Wanted(level=4)) == [bad, gap]
    assert chosen(Wanted(text="no route")) == [bad, gap]
    assert chosen(Wanted(since=12)) == [gap, fine] and chosen(Wanted(until=12)) == [bad]
    assert chosen(Wanted(units=("kubelet.service",))) == [gap, fine]


def test_secrets_are_masked_where_a_line_is_shown() -> None:
    entry = Entry(1, 1, "a", "", '{"msg":"login","token":"ewt_secretcanary99"}')
    assert "canary" not in str(entry.shown) and entry.shown.message == "login"


@pytest.mark.parametrize(("typed", "name"), [
    ("kubelet", "kubelet.service"), ("ssh.socket", "ssh.socket"), ("getty@tty1", "getty@tty1.service"),
    ("kernel", "kernel"), ("dev-sda\\x2d1.mount", "dev-sda\\x2d1.mount"),
])  # fmt: skip
def test_names_of_units(typed: str, name: str) -> None:
    assert unit_name(typed) == name


@pytest.mark.parametrize("typed", ["", "-u", "a b", "a'b", "a;b", "$(x)", "a\nb", "a/b", "x" * 300, "*"])
def test_what_is_not_the_name_of_a_unit_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        unit_name(typed)
