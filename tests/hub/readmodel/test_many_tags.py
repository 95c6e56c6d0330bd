"""A fleet with more tags than hosts: neither a filter of a key nor a new tag looks at all of them each time."""

from __future__ import annotations

import random
from typing import Any

from edgewright.core.search import search as rules
from edgewright.hub.readmodel.index.fleet import FleetIndex
from edgewright.hub.readmodel.index.postings import Postings
from edgewright.hub.readmodel.index.query import Query
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.render import Renderer
from edgewright.hub.readmodel.state import State
from edgewright.hub.readmodel.view import View
from edgewright.hub.security.secretbox import SecretBox


class Counted(str):
    """A text that counts how often a filter compares it."""

    looks = 0

    def startswith(self, *rest: Any) -> bool:
        Counted.looks += 1
        return super().startswith(*rest)


async def test_a_key_is_looked_for_once_whatever_the_number_of_wanted_values() -> None:
    state, size = State(), 500
    renderer = Renderer(state, SecretBox(b"A" * 43 + b"="), 0.0, 600.0, 60.0)
    index = FleetIndex(state, renderer)
    index._grow(size)
    tags = index.postings["tags"]
    tags.add_all((slot, (Counted(f"serial:{slot:04}"), Counted(f"rack:{slot % 7}"))) for slot in range(size))
    async with Pace.alone() as pace:
        await tags.pack(size, pace)
    for operator, wanted, matches in (
        ("contains", [f"{number:03}" for number in range(40)], 400),
        ("beginsWith", [f"{number:03}" for number in range(40)], 400),
        ("eq", [f"{number:04}" for number in range(40)], 40),
    ):
        Counted.looks = 0
        match = {"conjunction": "or", "values": wanted}
        condition = {"key": "serial", "operator": operator, "ignoreCase": False, "match": match}
        one = {"property": "tags", "type": "keyValue", "condition": {"keyValue": condition}}
        spec = {"filter": {"filterGroups": [{"filters": [one]}]}}
        async with Pace.alone() as pace:
            found = await Query(index, rules.parse_search(spec), View(renderer, 0.0), pace).run((1 << 8 * size) // 255)
        assert found.bit_count() == matches and Counted.looks <= len(tags.values()) + 10, (operator, Counted.looks)


def test_texts_without_case_follow_each_change() -> None:
    chance, postings, texts = random.Random(7), Postings(), ("rome", "Rome", "ROME", "straße", "STRASSE", "1")
    of: dict[int, tuple[str, ...]] = dict.fromkeys(range(40), ())
    for _ in range(3000):
        slot = chance.randrange(40)
        new = tuple(chance.sample(texts, chance.randrange(3))) if chance.random() < 0.5 else ()
        postings.change(slot, of[slot], new, 40)
        of[slot] = new
        present = {text for some in of.values() for text in some}
        for text in ("rome", "strasse", "1", "never"):
            assert sorted(postings.equal([text])) == sorted(each for each in present if each.casefold() == text)
        assert len(postings) == len(present)


def test_a_new_text_costs_no_look_at_all_others() -> None:
    class Text(str):
        folded = 0

        def casefold(self) -> str:
            Text.folded += 1
            return super().casefold()

    postings = Postings()
    for slot in range(300):
        postings.add(Text(f"Serial-{slot}"), slot, 400)
    assert postings.equal(["serial-7"]) == ["Serial-7"]
    before = Text.folded
    postings.add(Text("Serial-301"), 301, 400)
    assert postings.equal(["serial-301"]) == ["Serial-301"] and Text.folded - before == 1
