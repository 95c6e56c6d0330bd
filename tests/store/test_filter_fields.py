"""The tables of filter fields name values that the rows of the store have, and list screens use them."""

from __future__ import annotations

import pytest

from edgewright.core.filters.fields import AUDIT_FIELDS, EVENT_FIELDS, FILTER_FIELDS, TOKEN_FIELDS, FilterField
from edgewright.store.collections.audits import AuditRow
from edgewright.store.collections.feed import EventRow
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.rows import Row
from edgewright.store.collections.tokens import TokenRow

WORKED_OUT = {TokenRow: {"state", "hosts"}, EventRow: {"site"}}
"""What a row does not hold: the list that shows it adds it."""


@pytest.mark.parametrize(
    ("row", "fields"),
    [(HostRow, FILTER_FIELDS), (TokenRow, TOKEN_FIELDS), (EventRow, EVENT_FIELDS), (AuditRow, AUDIT_FIELDS)],
)
def test_each_field_is_a_value_of_its_row(row: type[Row], fields: tuple[FilterField, ...]) -> None:
    missing = {field.get for field in fields} - set(row.__struct_fields__)
    assert missing == WORKED_OUT.get(row, set())
