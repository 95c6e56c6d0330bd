from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.errors import InvalidInput
from edgewright.wire import protocol
from edgewright.wire.palette import errors, listmeta
from edgewright.wire.palette.search import hosts_by, newest_first

COUNTS = st.integers(0, listmeta.MAX_OFFSET)


@given(COUNTS, COUNTS, st.text(max_size=20))
def test_a_cursor_comes_back(offset: int, count: int, token: str) -> None:
    cursor = listmeta.Cursor(offset, count, token)
    assert listmeta.decode(listmeta.encode(cursor)) == cursor


@given(st.text(max_size=60))
def test_p32_any_other_text_is_refused(text: str) -> None:
    try:
        cursor = listmeta.decode(text)
    except InvalidInput as error:
        assert error.code == "RequestError"
    else:
        assert cursor.offset >= 0


@pytest.mark.parametrize("offset", ["-1", "true", "1e400", '"5"', "1.5", "99999999999999"])
def test_p32_odd_offsets_are_refused(offset: str) -> None:
    import base64

    body = base64.b64encode(f'{{"offset":{offset},"count":1,"token":""}}'.encode()).decode()
    with pytest.raises(InvalidInput):
        listmeta.decode(body)


@given(st.integers(0, 500), st.integers(1, 60))
def test_p32_pages_give_every_row_once_and_end(total: int, limit: int) -> None:
    rows, seen, offset = list(range(total)), [], 0
    for _ in range(total // limit + 2):
        page = rows[offset : offset + limit]
        seen += page
        block = listmeta.block(offset, len(page), total, limit)
        assert isinstance(block["continue"], str)
        assert block["offset"] == offset + len(page)
        if not block["continue"]:
            break
        offset = listmeta.decode(block["continue"]).offset
    assert seen == rows


def test_p32_limits() -> None:
    assert listmeta.check_limit(None) == listmeta.check_limit(0) == 50
    assert listmeta.check_limit(1000, protocol.PAGE_LIMIT_EXTENDED) == 1000
    for limit, code in ((51, "608"), (-1, "609")):
        with pytest.raises(InvalidInput) as caught:
            listmeta.check_limit(limit)
        assert caught.value.code == code


def test_p3_both_bodies_are_read() -> None:
    one = errors.parse(404, json.dumps(errors.application("ResourceNotFound", "no", "r1")).encode())
    assert (one.status, one.code, one.message, one.ref) == (404, "ResourceNotFound", "no", "r1")
    two = errors.parse(422, json.dumps(errors.framework(608, "too big")).encode())
    assert (two.code, two.message) == ("608", "too big")
    assert errors.status_of(608) == 422
    assert errors.status_of(405) == 405
    assert errors.parse(502, b"<html>bad gateway</html>").message == ""
    assert errors.parse(502, b"upstream away\nmore").message == "upstream away"


@given(st.binary(max_size=60), st.integers(400, 599))
def test_p3_no_body_breaks_the_reader(body: bytes, status: int) -> None:
    error = errors.parse(status, body)
    assert error.status == status
    assert isinstance(error.code, str)


@given(st.text(max_size=20))
def test_a_uid_never_leaves_its_place_in_a_path(uid: str) -> None:
    path = protocol.path(protocol.HOST_HEALTH, uid=uid)
    assert path.startswith("/v1/edgehosts/")
    assert path.count("/") == 4
    assert "?" not in path
    assert "#" not in path


def test_search_bodies() -> None:
    assert newest_first() == {"sort": [{"field": "lastModifiedTimestamp", "order": "desc"}]}
    body = hosts_by(name="a", tags=["site:a"], states=["ready"])
    assert [item["property"] for item in body["filter"]["filterGroups"][0]["filters"]] == ["name", "tags", "state"]
