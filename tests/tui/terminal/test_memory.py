"""What was closed is gone from memory, and what is stored is bounded. `benchmarks/soak.py` has the 8 hours."""

from __future__ import annotations

import gc
import weakref

from textual.widget import Widget

from edgewright.store.collections.document_values import moment, tidy
from edgewright.store.engine.store import Store
from tests.tui.driving import console, press, settle, until
from tests.tui.samples import NOW, host


async def test_a_screen_that_was_left_is_not_kept() -> None:
    async with console("hosts") as (pilot, _, _):
        await press(pilot, "enter")
        screen = weakref.ref(pilot.app.screen)
        painted = [weakref.ref(widget._styles_cache) for widget in pilot.app.screen.query(Widget)]
        assert len(painted) > 10
        await press(pilot, "escape")
        await settle(pilot)
        await press(pilot, "question_mark", "escape")

        def gone() -> bool:
            gc.collect()
            return screen() is None

        await until(pilot, gone)  # timers and messages of the screen have to run out
        assert not [cache for cache in painted if cache() is not None], "painted lines of a screen that is gone"


def test_documents_are_stored_as_text_and_given_as_they_came() -> None:
    store = Store(clock=lambda: NOW)
    document = host("edge-1", "kiel-01")
    store.store_document("hosts", "uid-edge-1", document)
    assert store.document("hosts", "uid-edge-1") == document
    assert store.document("hosts", "uid-edge-1") is not document
    assert store.document("hosts", "other") is None


def test_remembered_texts_are_few() -> None:
    assert (moment.cache_info().maxsize or 0) <= 8192
    assert (tidy.cache_info().maxsize or 0) <= 4096
