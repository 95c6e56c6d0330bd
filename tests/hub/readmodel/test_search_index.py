"""The index of the hosts finds what a look at each host finds: any fleet, any search, any change, at any time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from edgewright.core import times
from edgewright.core.roles import EVERYTHING, Scope
from edgewright.core.search import search as rules
from edgewright.hub.db.records import Duplicate, HostRecord, dump
from edgewright.hub.readmodel.index import orders
from edgewright.hub.readmodel.index.postings import Postings
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.render import Renderer
from edgewright.hub.readmodel.search import Finder
from edgewright.hub.readmodel.state import State
from edgewright.hub.readmodel.view import View
from edgewright.hub.resources.hosts.heartbeat import Beat, Extension, Heartbeats
from edgewright.hub.security.secretbox import SecretBox

BEGAN, LIMIT, INTERVAL = 1_700_000_000.0, 600.0, 60.0
NAMES = ("edge", "Edge", "EDGE-10", "straße", "STRASSE", "x", "", "berlin-edge")
"""`ß` without case is `ss`; an empty name is replaced by the uid."""
TEXTS = ("", "e", "edge", "EDGE", "1", "ss", "ß", "ready", "in-use", "healthy", "unhealthy", "rome", "rack:1", "site",
         "site:rome", "0.1", "amd64", "a\0b", "h-0", "H-1")  # fmt: skip
CONDITIONS = {
    "name": "string", "uid": "string", "state": "string", "healthState": "string", "architecture": "string",
    "site": "string", "clusterName": "string", "agentVersion": "string", "hostType": "string",
}  # fmt: skip
STEPS = (0.0, 0.4, 1.0, 59.0, 59.999, 60.001, 119.99, 120.0, 120.02, 300.0, 479.99, 480.02, 599.99, 600.0, 601.0)


class World:
    """A fleet in memory with a clock of its own; what the hub does to it is done by the hub's own functions."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = BEGAN
        self.state = State()
        self.renderer = Renderer(self.state, SecretBox(b"A" * 43 + b"="), BEGAN - 5000, LIMIT, INTERVAL)
        self.finder = Finder(self.state, self.renderer)
        self.seq = 0

    def put(self, uid: str) -> None:
        """Register a host, or change its document."""
        chance = self.chance
        labels = {key: chance.choice(("rome", "Berlin", "1", "spectro__tag", "")) for key in ("site", "rack", "SITE")
                  if chance.random() < 0.6}  # fmt: skip
        device = {
            "archType": chance.choice(["amd64", "AMD64", "arm64", None, ["amd64", "x"], 7]),
            "hostType": chance.choice(["appliance", None]),
            "cpu": {"cores": chance.choice([None, 4, 8, 8.5, True, "8"])},
            "memory": {"sizeInMB": chance.choice([None, 4096, 8192])},
        }
        extension = {"simulated": chance.choice([True, False, None]), "observed": chance.choice([True, None])}
        clusters = [{"name": chance.choice(["shop", "Shop", "rome"])}] if chance.random() < 0.4 else []
        document = {
            "metadata": {"uid": uid, "name": chance.choice(NAMES), "labels": labels},
            "spec": {"device": device, "edgewright": extension},
            "status": {"inUseClusters": clusters},
        }
        known = self.state.hosts.get(uid)
        registered = self.now if chance.random() < 0.8 else None
        if known is not None and known.record.registered_at is not None:
            registered = known.record.registered_at
        entry = self.state.put_host(HostRecord(
            uid=uid, project_uid=chance.choice("pq"), state=chance.choice(("ready", "in-use", "unpaired", "Ready")),
            doc=dump(document), created=self.now - chance.choice((0, 5, 5, 9)), modified=self.now, generation=1,
            registered_at=registered, registration_hash=None, credential_hash=None, pending_hash=None,
            pairing_hash=None, token_uid=None, address="",
        ))  # fmt: skip
        self.settle(entry)

    def settle(self, entry: Any) -> None:
        health = self.renderer.verdict(entry, self.now).health.value
        if health != entry.live.health:
            entry.live.health = health
            self.state.moved.add(entry.record.uid)

    def beat(self, entry: Any) -> None:
        """Take a heartbeat as `Heartbeats.accept` does, apart from storing it."""
        chance, live = self.chance, entry.live
        if entry.record.registered_at is None:
            return
        usual = chance.random() < 0.7
        beat = Beat(
            live.state or "healthy" if usual else chance.choice(("healthy", "unhealthy")),
            live.message if usual else chance.choice(("", "disk")),
            live.agent_version if usual else chance.choice(("0.1.0", "0.2.0", "")),
        )
        extension = Extension(wake="", interval=chance.choice((900.0, 90.0, None))) if chance.random() < 0.1 else (
            Extension(load1=0.5)
        )  # fmt: skip
        heartbeats = Heartbeats.__new__(Heartbeats)
        heartbeats._hub = _Hub(self)  # type: ignore[assignment]
        heartbeats.refused = 30.0
        moved = heartbeats._take(entry, beat, extension, self.now)
        if live.health != "healthy" or live.state != "healthy":
            self.settle(entry)
        heartbeats._publish(entry, self.now, moved=moved)

    def act(self) -> None:
        """Change something."""
        chance, state = self.chance, self.state
        what = chance.random()
        entry = chance.choice(list(state.hosts.values())) if state.hosts else None
        if what < 0.2 or entry is None:
            self.put(f"h-{chance.randrange(30)}")
        elif what < 0.25:
            state.drop_host(entry.record.uid)
        elif what < 0.7:
            self.beat(entry)
        elif what < 0.75:
            entry.live.duplicate = Duplicate("two machines", self.now, self.now + chance.choice((1.0, 100.0, 700.0)))
            state.moved.add(entry.record.uid)
            self.settle(entry)
        elif what < 0.8:  # the hub was absent (rule P42)
            state.moved.update(state.hosts)
            for each in state.hosts.values():
                each.live.excused = chance.choice((0.0, 60.0, -5.0))
        elif what < 0.83:
            self.renderer.started = self.now - chance.choice((0.0, 100.0, 5000.0))
        elif what < 0.9:  # the sweep
            for each in list(state.hosts.values()):
                self.settle(each)

    def search(self) -> dict[str, Any]:
        """Return a random search."""
        chance, either = self.chance, ("and", "or")
        groups = [
            {"conjunction": chance.choice(either), "filters": [self.filter() for _ in range(chance.randrange(4))]}
            for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))
        ]  # fmt: skip
        fields = chance.sample(rules.SORT_FIELDS, chance.choice((0, 1, 1, 1, 2)))
        sort = [{"field": field, "order": chance.choice(("asc", "desc"))} for field in fields]
        return {"filter": {"conjunction": chance.choice(("and", "or")), "filterGroups": groups}, "sort": sort}

    def filter(self) -> dict[str, Any]:
        """Return a random filter of one property."""
        chance = self.chance
        match = {"conjunction": chance.choice(("and", "or"))}
        common = {"negation": chance.random() < 0.3, "ignoreCase": chance.random() < 0.5, "match": match}
        what = chance.random()
        if what < 0.55:
            name, kind = chance.choice(list(CONDITIONS.items()))
            if chance.random() < 0.3:
                name, kind = "tags", chance.choice(("string", "keyValue"))
            match["values"] = chance.sample(TEXTS, chance.choice((1, 1, 2, 3)))  # type: ignore[assignment]
            if kind == "keyValue" and chance.random() < 0.3:
                match["values"] = []  # type: ignore[assignment]
            condition = {**common, "operator": chance.choice(("eq", "contains", "beginsWith")),
                         "key": chance.choice(("site", "SITE", "rack", "a:b"))}  # fmt: skip
        elif what < 0.65:
            name, kind = chance.choice(("simulated", "observed")), "bool"
            condition = {"value": chance.random() < 0.5}
        elif what < 0.75:
            name, kind = chance.choice(("cpu", "memory")), chance.choice(("int", "float"))
            match["values"] = chance.sample([4, 8, 8.5, 4096], 2)  # type: ignore[assignment]
            condition = {**common, "operator": chance.choice(("eq", "gt", "gte", "lt", "lte"))}
        else:
            name, kind = chance.choice(("creationTimestamp", "lastModifiedTimestamp", "lastHeartbeat")), "date"
            moments = [times.rfc3339(self.now - chance.choice((0, 1, 5, 60, 120, 600, 3000))) for _ in range(2)]
            match["values"] = moments  # type: ignore[assignment]
            condition = {**common, "operator": chance.choice(("eq", "gt", "gte", "lt", "lte", "range"))}
        return {"property": name, "type": kind, "condition": {kind: condition}}


class _Hub:
    """What the code of heartbeats asks of the hub."""

    def __init__(self, world: World) -> None:
        self.state, self.storage, self.options = world.state, self, self
        self.since, self.value = None, "lineage"
        self.lineage = self.changes = self

    def publish(self, kind: str, op: str, uid: str, project_uid: str) -> None:
        return None

    def publish_alive(self, uid: str, project_uid: str) -> None:
        return None


class Interrupted(Pace):
    """A pace whose slices are used up at once; the world changes in each rest."""

    change: Callable[[], None]

    @classmethod
    def of(cls, change: Callable[[], None]) -> Interrupted:
        pace = cls(Pace.alone()._turns)
        pace.change = change
        return pace

    @property
    def due(self) -> bool:
        return True

    async def rest(self) -> None:
        self.change()
        await super().rest()


async def both(world: World, scope: Scope, spec: dict[str, Any], pace: Pace | None = None) -> tuple[Any, Any]:
    """Return what the index finds and what a look at each host finds: the order, and the values sorted by."""
    plan, sorting = rules.parse_search(spec), rules.sort_fields(spec)
    view = View(world.renderer, world.now)
    async with Pace.alone() as alone:
        walked = await Finder(world.state, world.renderer)._walk(scope, plan, sorting, view, alone)
    found = await world.finder.find(scope, spec, world.now, pace)
    matches = found.matches
    listed = matches.lists()
    assert list(matches.part(1, 4)) == list(listed[0][1:4]) and len(matches) == len(listed[0])
    for index in range(len(listed[0]))[:2]:
        assert matches.values(index) == tuple(column[index] for column in listed[1])
    return _lists(listed), _lists(walked.lists())


def _lists(listed: Any) -> Any:
    return list(listed[0]), [list(column) for column in listed[1]]


async def replaced(world: World) -> None:
    """Let another index take the place of the present one, while searches and changes go on."""
    before = world.finder.index

    def change() -> None:
        for _ in range(world.chance.randrange(3)):
            world.act()
        while world.state.moved and before.built:
            before._update(world.state.moved.pop(), View(world.renderer, world.now))

    async with Interrupted.of(change) as pace:
        await world.finder._replace_index(pace)
    assert world.finder.index is not before


@pytest.mark.parametrize("seed", range(6))
async def test_the_index_finds_what_a_look_at_each_host_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(seed)
    monkeypatch.setattr(times, "now", lambda: world.now)
    for number in range(20):
        world.put(f"h-{number}")
    sizes = set()
    for _ in range(300):
        for _ in range(world.chance.randrange(4)):
            world.act()
        if world.chance.random() < 0.3:
            world.now += world.chance.choice(STEPS)
        if world.chance.random() < 0.05:
            await replaced(world)
        scope = world.chance.choice((EVERYTHING, EVERYTHING, Scope.of("p"), Scope.of("q", "r"), Scope.of()))
        spec = world.search()
        by_index, walked = await both(world, scope, spec)
        assert by_index == walked, (seed, spec, world.now - BEGAN)
        sizes.add(len(walked[0]))
    assert world.finder.index.built and len(sizes) > 5  # neither nothing nor everything each time


@pytest.mark.parametrize("seed", range(3))
async def test_what_changes_during_a_search_is_found_as_it_is_or_as_it_was(seed: int) -> None:
    """Other searches bring the index up to date in between, and slots pass to other hosts."""
    world = World(100 + seed)
    for number in range(20):
        world.put(f"h-{number}")
    for _ in range(60):
        spec = world.search()
        plan = rules.parse_search(spec)
        seen: dict[str, set[bool]] = {}

        def note(plan: rules.Plan = plan, seen: dict[str, set[bool]] = seen) -> None:
            view, passes, before = View(world.renderer, world.now), plan.compiled(), {False} if seen else set[bool]()
            for uid, entry in world.state.hosts.items():
                view.entry = entry
                seen.setdefault(uid, set(before)).add(passes(view))
            for uid in seen.keys() - world.state.hosts.keys():
                seen[uid].add(False)

        turns = 0

        def change(note: Callable[[], None] = note) -> None:
            nonlocal turns
            turns += 1
            if turns < 15 and world.finder.index.built:
                world.act()
                for uid in list(world.state.moved):
                    world.state.moved.discard(uid)
                    world.finder.index._update(uid, View(world.renderer, world.now))
            note()

        note()
        found = set((await world.finder.find(EVERYTHING, spec, world.now, Interrupted.of(change))).uids)
        note()
        for uid, passed in seen.items():
            if len(passed) == 1:
                assert (uid in found) == passed.pop(), (uid, spec)
            # else it was found as it was at one of these times
    assert turns


def test_postings_equal_a_model_in_any_order_of_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of one host, of some, and of so many that they are stored as a row of bytes."""
    chance, postings, size = random.Random(5), Postings(), 400
    model: dict[str, set[int]] = {}
    of: dict[int, tuple[str, ...]] = dict.fromkeys(range(size), ())
    for turn in range(4000):
        slot = chance.randrange(size)
        new = tuple(chance.sample(("a", "b", "c", f"v{slot % 50}", f"own{slot}"), chance.randrange(4)))
        if turn % 1000 > 900:
            new = ()
        postings.change(slot, of[slot], new, size)
        for value in of[slot]:
            model[value].discard(slot)
        for value in new:
            model.setdefault(value, set()).add(slot)
        of[slot] = new
        if turn % 100 == 0:
            assert set(postings.values()) == {value for value, slots in model.items() if slots}
            for value in [*model, "never"]:
                mask = postings.union([value], size).to_bytes(size, "little")
                assert {slot for slot in range(size) if mask[slot]} == model.get(value, set())


async def test_an_order_by_time_follows_single_changes_and_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_MANY", 5)
    monkeypatch.setattr(orders, "_RUN", 16)
    chance, size = random.Random(6), 200
    moments = [float(chance.randrange(20)) for _ in range(size)]
    names = [(f"n{chance.randrange(30)}", str(slot), str(slot)) for slot in range(size)]
    made = {sign: orders.TimeOrder(moments, names, sign) for sign in (1, -1)}
    for turn in range(60):
        for slot in chance.sample(range(size), chance.choice((0, 1, 4, 40))):
            moments[slot] = float("nan") if chance.random() < 0.2 else float(chance.randrange(20))
            for order in made.values():
                order.stale.add(slot)
        for sign, order in made.items():
            async with Pace.alone() as pace:
                await order.refresh(pace)
            wanted = sorted((sign * moments[slot], names[slot], slot) for slot in range(size)
                            if moments[slot] == moments[slot])  # fmt: skip
            assert list(order.slots) == [slot for _, _, slot in wanted], turn


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Count how often a host's health is read."""
    reads: list[str] = []
    plain = View.health

    def health(self: View) -> str:
        reads.append(self.entry.record.uid)
        return plain(self)

    with monkeypatch.context() as patched:
        patched.setattr(View, "health", health)
        yield reads


async def test_a_search_looks_at_the_hosts_that_changed_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when every host has sent a heartbeat since, and when time has passed in which none of them turns late."""
    world = World(7)
    for number in range(30):
        world.put(f"h-{number}")
    for entry in world.state.hosts.values():
        entry.live.state, entry.live.at, entry.live.since = "healthy", world.now, world.now
    health = {"property": "healthState", "condition": {"string": {"match": {"values": ["unhealthy"]}}}}
    spec = {"filter": {"filterGroups": [{"filters": [health]}]}}
    await both(world, EVERYTHING, spec)
    world.now += 60
    for entry in world.state.hosts.values():
        entry.live.at = world.now  # as a heartbeat does that reports nothing new
    with counted(monkeypatch) as reads:
        assert not (await world.finder.find(EVERYTHING, spec, world.now)).uids
        world.put("h-3")
        await world.finder.find(EVERYTHING, spec, world.now)
    assert reads == ["h-3"]


async def test_a_large_fleet_is_walked_until_its_index_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.hub.readmodel.search._SMALL", 10)
    world = World(8)
    for number in range(30):
        world.put(f"h-{number}")
    first = await world.finder.find(EVERYTHING, {}, world.now)
    assert not world.finder.index.built and len(first.uids) == 30
    task = asyncio.create_task(world.finder.follow(Pace.alone()._turns))
    async with asyncio.timeout(5):
        while not bool(world.finder.index.built):
            await asyncio.sleep(0.001)
    task.cancel()
    assert (await world.finder.find(EVERYTHING, {}, world.now)).uids == first.uids
    assert [entry.record.uid for entry in world.finder.ordered()] == first.uids
