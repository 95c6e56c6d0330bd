"""One blob that the plane refuses does not stop the others."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.plane.blobs import Piece
from edgewright.agent.plane.contents import Contents
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.refusals import PlaneRefusal

TEXTS = [b"a", b"b", b"c"]
DIGESTS = sorted(hashlib.sha256(text).hexdigest() for text in TEXTS)


@pytest.mark.parametrize(("status", "here"), [(403, DIGESTS[1:]), (503, [])])
def test_a_blob_that_is_refused_is_named_and_the_others_are_fetched(
    tmp_path: Path, status: int, here: list[str]
) -> None:
    asked: list[str] = []

    def blob(digest: str, first: int, last: int) -> Piece:
        asked.append(digest)
        if digest == DIGESTS[0]:
            raise PlaneRefusal("The plane refused the request for a blob.", "", "x", status, 0.0)
        return Piece(206, "bytes 0-0/1", next(text for text in TEXTS if hashlib.sha256(text).hexdigest() == digest))

    plane: Any = SimpleNamespace(blob=blob, client=SimpleNamespace(close=lambda: None))
    log = io.StringIO()
    contents = Contents(str(tmp_path), lambda: set(DIGESTS), lambda: None, AgentLog(log))
    contents.look(lambda: cast(Plane, plane))
    contents.wait(5)
    assert [digest for digest in DIGESTS if contents.folder.has(digest)] == here
    assert "refused the request for a blob" in log.getvalue()
