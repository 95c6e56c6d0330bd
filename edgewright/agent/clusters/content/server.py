"""The local registry: this host's images as `/v2/` on 127.0.0.1, read only, so that a pull needs no network.

containerd asks it first (`certs.d/_default/hosts.toml`) and names the registry of the image in `?ns=`. What is not here
is 404, and containerd asks the image's own registry.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import sys
import threading
from typing import Any, Dict, List, Optional, Tuple, Type
from urllib.parse import parse_qs, urlsplit

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content.store import ContentStore
from edgewright.agent.clusters.host import Host
from edgewright.core.clusters.tree import read_tree
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean

_MANIFEST = re.compile(r"/v2/([a-z0-9._/-]{1,255})/manifests/([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[0-9a-f]{64})")
_BLOB = re.compile(r"/v2/[a-z0-9._/-]{1,255}/blobs/(sha256:[0-9a-f]{64})")
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
IDLE = 30.0
OPEN = 64


class Catalogue:
    """What the registry has: the store, and the images of the active tree."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def stores(self) -> List[ContentStore]:
        """Return the store and the layout of the active tree."""
        digest = self.host.json(paths.APPLIED).get("tree")
        folder = paths.tree(str(digest)) if digest else ""
        return [ContentStore(self.host)] + ([ContentStore(self.host, f"{folder}/images")] if folder else [])

    def names(self) -> Dict[str, str]:
        """Return the digest of each image by its complete name."""
        result: Dict[str, str] = {}
        for store in reversed(self.stores()):
            result.update(store.images())
        digest = self.host.json(paths.APPLIED).get("tree")
        data = self.host.data(f"{paths.tree(str(digest))}/tree.json") if digest else b""
        if data:
            try:
                result.update({image.ref: image.digest for image in read_tree(data).images})
            except EdgewrightError:
                pass  # the store alone is served
        return result

    def manifest(self, repository: str, wanted: str, registry: str) -> Optional[str]:
        """Return the digest of a manifest that is here, by digest or by tag."""
        if wanted.startswith("sha256:"):
            return wanted
        return self.names().get(f"{registry}/{repository}:{wanted}") if registry else None

    def path(self, digest: str) -> str:
        """Return the file of a blob, empty when it is not here."""
        return next((store.path(digest) for store in self.stores() if store.has(digest)), "")


class Handler(http.server.BaseHTTPRequestHandler):
    """GET and HEAD of `/v2/`, manifests and blobs; nothing else."""

    protocol_version = "HTTP/1.1"
    server_version = "edgewright"
    sys_version = ""
    timeout = IDLE
    catalogue: Catalogue

    def do_GET(self) -> None:
        """Serve one request."""
        self._serve(True)

    def do_HEAD(self) -> None:
        """Serve the head of one request."""
        self._serve(False)

    def _serve(self, body: bool) -> None:
        split = urlsplit(self.path)
        if split.path in ("/v2", "/v2/"):
            self._small(200, b"{}", "application/json", body)
            return
        manifest, blob = _MANIFEST.fullmatch(split.path), _BLOB.fullmatch(split.path)
        if manifest:
            registry = (parse_qs(split.query).get("ns") or [""])[0]
            digest = self.catalogue.manifest(manifest.group(1), manifest.group(2), registry) or ""
            self._manifest(digest, body)
        elif blob:
            self._blob(blob.group(1), body)
        else:
            self._missing(body)

    def _manifest(self, digest: str, body: bool) -> None:
        path = self.catalogue.path(digest) if digest else ""
        try:
            with open(path, "rb") as file:
                data = file.read(4 * 1024 * 1024)
            kind = json.loads(data).get("mediaType") or "application/vnd.oci.image.manifest.v1+json"
        except (OSError, ValueError, AttributeError):
            self._missing(body)
            return
        self._small(200, data, str(kind), body, digest)

    def _blob(self, digest: str, body: bool) -> None:
        try:
            with open(self.catalogue.path(digest), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                first, last = self._span(size)
                if first > last and size:
                    self._small(416, b"", "text/plain", body)
                    return
                self.send_response(206 if (first, last) != (0, size - 1) else 200)
                if (first, last) != (0, size - 1):
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Docker-Content-Digest", digest)
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(last - first + 1))
                self.end_headers()
                if body:
                    file.seek(first)
                    left = last - first + 1
                    while left > 0:
                        piece = file.read(min(left, 1 << 18))
                        if not piece:
                            break
                        self.wfile.write(piece)
                        left -= len(piece)
        except (FileNotFoundError, NotADirectoryError):
            self._missing(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _span(self, size: int) -> Tuple[int, int]:
        match = _RANGE.fullmatch(self.headers.get("Range") or "")
        if match is None:
            return 0, size - 1
        last = int(match.group(2)) if match.group(2) else size - 1
        return int(match.group(1)), min(last, size - 1)

    def _missing(self, body: bool) -> None:
        data = b'{"errors":[{"code":"NAME_UNKNOWN","message":"not on this host"}]}'
        self._small(404, data, "application/json", body)

    def _small(self, status: int, data: bytes, kind: str, body: bool, digest: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Log nothing: a node pulls thousands of times."""


class Server(http.server.ThreadingHTTPServer):
    """At most `OPEN` connections at the same time: a pod that opens more does not take the memory of the service."""

    daemon_threads = True

    def __init__(self, address: Tuple[str, int], handler: Type[Handler]) -> None:
        self._places = threading.BoundedSemaphore(OPEN)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or close it."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log the reason: a disk that cannot be read must show. A client that left is not logged."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            print(f"A request could not be answered: {clean(error, 300)}.", file=sys.stderr, flush=True)


def make_server(host: Host, port: int, address: str = "127.0.0.1") -> http.server.ThreadingHTTPServer:
    """Return the server, bound. Raises `OSError`."""
    handler = type("ImagesHandler", (Handler,), {"catalogue": Catalogue(host)})
    return Server((address, port), handler)


def serve(host: Host, port: int) -> int:
    """Serve until ended."""
    make_server(host, port).serve_forever()
    return 0
