"""The title line counts in words that agree."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.tui.samples import NOW
from tui.title import title_line
from tui.widgets.lines import text_of


@pytest.mark.parametrize(("total", "told"), [(1, "1 host"), (2, "2 hosts"), (3000, "3,000 hosts")])
def test_one_host_is_no_plural(total: int, told: str) -> None:
    tally = SimpleNamespace(total=total, unhealthy=0, unknown=0, simulated=0)
    source = SimpleNamespace(state="live", since=None)
    store = SimpleNamespace(model=SimpleNamespace(tally=tally, source=source))
    session = SimpleNamespace(
        read_only=False, simulated=False, store=store, context_name="lab", plane="127.0.0.1:8443", project=""
    )
    assert text_of([title_line(cast(Any, session), NOW, 100)]).rstrip().endswith(f" {told}")
