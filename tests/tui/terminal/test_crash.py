"""A defect ends the console without a traceback on the terminal, and leaves `run` as an exception."""

from __future__ import annotations

import pytest

from edgewright.store.engine.store import Store
from tests.tui.driving import wait_until
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp


async def test_the_exception_is_kept_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    app = EdgewrightApp(session(fill(Store(clock=lambda: NOW))))
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 // 0)
            await wait_until(pilot, lambda: app.defect)
    assert isinstance(app.defect, ZeroDivisionError)
    assert app.return_code == 1
    printed = capfd.readouterr()
    assert "Traceback" not in printed.out + printed.err and "ZeroDivisionError" not in printed.out + printed.err
