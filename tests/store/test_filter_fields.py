"""The tables of filter fields name values that the rows of the store have, and list screens use them."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.filters.fields import AUDIT_FIELDS, EVENT_FIELDS, FILTER_FIELDS, FilterField
from edgewright.store.collection import Collection
from edgewright.store.collections.audits import AuditRow
from edgewright.store.collections.feed import EventRow
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.rows import Row
from edgewright.store.collections.tokens import FIELDS as TOKEN_FIELDS
from edgewright.store.collections.tokens import TokenRow
from edgewright.store.every import COLLECTIONS

WORKED_OUT = {TokenRow: {"state"}, EventRow: {"site"}}
"""What a row does not hold: the list that shows it adds it."""


@pytest.mark.parametrize(
    ("row", "fields"),
    [(HostRow, FILTER_FIELDS), (TokenRow, TOKEN_FIELDS), (EventRow, EVENT_FIELDS), (AuditRow, AUDIT_FIELDS)],
)
def test_each_field_is_a_value_of_its_row(row: type[Row], fields: tuple[FilterField, ...]) -> None:
    missing = {field.get for field in fields} - set(row.__struct_fields__)
    assert missing == WORKED_OUT.get(row, set())


@pytest.mark.parametrize("collection", [each for each in COLLECTIONS if each.table], ids=lambda each: str(each.name))
def test_a_table_names_only_what_its_rows_have(collection: Collection[Any]) -> None:
    table, fields = collection.table, set(collection.row.__struct_fields__)
    assert table is not None and "uid" in fields and "name" in fields
    assert {field.get for field in table.fields} <= fields | set(table.worked_out)
    assert {each.field or each.id for each in table.columns if each.value is None} <= fields
    ids = [each.id for each in table.columns]
    assert len(set(ids)) == len(ids) and set(table.listing) <= set(ids)
    assert table.sort in ("", *ids) and {table.called, table.printed, *table.unique} <= fields
