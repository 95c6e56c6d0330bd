"""A failed test of a cluster shows what its hosts, its plane and the machine report at that moment."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.e2e.kubernetes.formed import Formed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the state of the cluster to the report of a test that failed."""
    report = yield
    if report.failed and call.when == "call":
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Formed):
                report.sections.append(("the cluster and its hosts", value.explained()))
    return report
