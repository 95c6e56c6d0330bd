"""A fake API of a cluster, for fast tests: objects in a dict, watches fed by the test. It is no API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from edgewright.clients.kube.refusals import of_status
from edgewright.core.errors import EdgewrightError


class FakeClusterApi:
    """Answers lists, single objects and watches from `objects`: path of a list to documents by key."""

    def __init__(self, objects: dict[str, list[dict[str, Any]]] | None = None) -> None:
        self.objects = {path: list(each) for path, each in (objects or {}).items()}
        self.requests: list[tuple[str, str, Any]] = []
        self.failure: EdgewrightError | None = None
        self.version = 100
        self.page = 0
        """Objects of a page; 0 is as many as are asked for."""
        self.closed = False
        self.logs: dict[str, list[str]] = {}
        self.refuse: dict[str, EdgewrightError] = {}
        """Errors by the end of a path."""
        self._watches: list[tuple[str, asyncio.Queue[bytes | EdgewrightError | None]]] = []

    async def request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """Answer one request. Raises `EdgewrightError`."""
        parts = urlsplit(path)
        self.requests.append((method, path, msgspec.json.decode(body) if body else None))
        if self.failure is not None:
            raise self.failure
        for end, error in self.refuse.items():
            if parts.path.endswith(end):
                raise error
        if method == "PATCH" and (patched := self._patch(parts.path, parts.query, msgspec.json.decode(body))):
            return msgspec.json.encode(patched)
        if method != "GET":
            return msgspec.json.encode({})
        if parts.path == "/version":
            return b'{"gitVersion":"v1.36.3"}'
        if parts.path in self.objects:
            return self._list(parts.path, parse_qs(parts.query))
        for listed, documents in self.objects.items():
            for document in documents:
                if parts.path in _paths(listed, document):
                    return msgspec.json.encode(document)
        if parts.path.endswith("/events") or parts.path.endswith("/pods"):
            return msgspec.json.encode({"metadata": {"resourceVersion": str(self.version)}, "items": []})
        raise of_status(404, f'"{parts.path}" not found')

    def _patch(self, path: str, query: str, patch: dict[str, Any]) -> dict[str, Any] | None:
        """Return an object with a merge patch; it is stored unless it is a dry run. Raises a conflict of versions."""
        for listed, documents in self.objects.items():
            for at, document in enumerate(documents):
                if path not in _paths(listed, document):
                    continue
                wanted = patch.get("metadata", {}).get("resourceVersion")
                if wanted not in (None, document["metadata"].get("resourceVersion")):
                    raise of_status(409, "the object has been modified", "Conflict")
                made: dict[str, Any] = merged(document, patch)
                if "dryRun=All" not in query:
                    made["metadata"]["resourceVersion"] = str(int(made["metadata"].get("resourceVersion", 0)) + 1)
                    documents[at] = made
                return made
        return None

    def _list(self, path: str, query: dict[str, list[str]]) -> bytes:
        documents = self.objects[path]
        start, size = int(query.get("continue", ["0"])[0]), self.page or len(documents) or 1
        more = str(start + size) if start + size < len(documents) else ""
        meta = {"resourceVersion": str(self.version), "continue": more}
        return msgspec.json.encode({"metadata": meta, "items": documents[start : start + size]})

    async def lines(self, path: str, silent: float) -> AsyncGenerator[bytes, None]:
        """Yield what the test sends to a watch, or the lines of a log. Raises `EdgewrightError`."""
        self.requests.append(("WATCH", path, None))
        if self.failure is not None:
            raise self.failure
        parts = urlsplit(path)
        for end, error in self.refuse.items():
            if parts.path.endswith(end):
                raise error
        if parts.path.endswith("/log"):
            for line in self.logs.get(parts.path, []):
                yield line.encode()
            if "follow" not in parts.query:
                return
        queue: asyncio.Queue[bytes | EdgewrightError | None] = asyncio.Queue()
        self._watches.append((parts.path, queue))
        while (line_ := await queue.get()) is not None:
            if isinstance(line_, EdgewrightError):
                raise line_
            yield line_

    def send(self, path: str, kind: str, document: dict[str, Any]) -> None:
        """Send an event to the watches of a path: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""
        self.version += 1
        meta = {**document.get("metadata", {}), "resourceVersion": str(self.version)}
        for watched, queue in self._watches:
            if watched == path:
                queue.put_nowait(msgspec.json.encode({"type": kind, "object": {**document, "metadata": meta}}))

    def put(self, path: str, line: str) -> None:
        """Send a line to a log that is followed."""
        for watched, queue in self._watches:
            if watched == path:
                queue.put_nowait(line.encode())

    def end(self, error: EdgewrightError | None = None) -> None:
        """End all watches, with an error or as the API ends them after a time."""
        ended, self._watches = self._watches, []
        for _, queue in ended:
            queue.put_nowait(error)

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


def merged(document: Any, patch: Any) -> Any:
    """Return a document with a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    made = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value)
    return made


def _paths(listed: str, document: dict[str, Any]) -> tuple[str, ...]:
    meta = document["metadata"]
    base, _, plural = listed.rpartition("/")
    namespace = f"/namespaces/{meta['namespace']}" if meta.get("namespace") else ""
    return (f"{base}{namespace}/{plural}/{meta['name']}",)
