"""One connection to a cluster's API server: JSON in, JSON out, bounded in bytes and time.

A host asks the API server on itself or the endpoint of its cluster; the certificate is checked against the cluster's CA
always. Not for several threads.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import quote, urlencode

from edgewright.agent.kube.errors import refusal
from edgewright.agent.kube.kubeconfig import Kubeconfig, make_context
from edgewright.agent.plane.http_response import Answer
from edgewright.core.errors import Unreachable
from edgewright.core.text import clean

TIMEOUT = 10.0
"""Seconds that connecting, and each wait for the API, may take."""
LARGEST = 16 * 1024 * 1024
"""Bytes of one answer that are read at most."""
PAGE = 250
"""Objects of one page of a list."""
PAGES = 80
"""Pages of one list at most."""
JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Asks for the metadata of a list's objects alone: a tenth of the bytes."""

_CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)


class _Connection(http.client.HTTPSConnection):
    """A connection whose certificate may contain another name than the address that is dialled."""

    response_class = Answer

    def __init__(self, access: Kubeconfig, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(access.host, access.port, timeout=timeout, context=context)
        self._name, self._tls, self._seconds = access.server_name or access.host, context, timeout

    def connect(self) -> None:
        """Connect and verify the certificate. Raises `OSError`."""
        link = socket.create_connection((self.host, self.port), self._seconds)
        try:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = self._tls.wrap_socket(link, server_hostname=self._name)
        except BaseException:
            link.close()
            raise


class KubeApi:
    """The API of one cluster."""

    def __init__(self, access: Kubeconfig, timeout: float = TIMEOUT) -> None:
        """Make it; nothing is dialled yet. Raises `Failed` when the certificates cannot be used."""
        self.access = access
        self.timeout = timeout
        self._context = make_context(access)
        self._open: Optional[_Connection] = None

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Optional[Mapping[str, str]] = None,
        what: str = "",
        content: str = JSON,
        accept: str = JSON,
    ) -> Dict[str, Any]:
        """Send one request and return the object it answers with (empty for `ok`).

        `what` begins the sentence of a failure ("Deployment apps/web cannot be applied"). Raises an `EdgewrightError`:
        `Unreachable` where a later try may work, otherwise by what was refused (`errors.refusal`).
        """
        target = path + ("?" + urlencode(query) if query else "")
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Accept": accept, **({"Content-Type": content} if data is not None else {})}
        status, answer = self._exchange(method, target, data, headers)
        if status >= 300:
            raise refusal(status, answer, what or f"{method} {path}")
        try:
            value = json.loads(answer) if answer[:1] == b"{" else {}
        except (ValueError, RecursionError):
            raise Unreachable(f"The API of the cluster at {self._place()} answered with no JSON.") from None
        return value if isinstance(value, dict) else {}

    def text(self, path: str, query: Optional[Mapping[str, str]] = None) -> str:
        """Return the body of a GET as text, for `/livez` and the like. Raises as `call` does."""
        status, answer = self._exchange("GET", path + ("?" + urlencode(query) if query else ""), None, {})
        if status >= 300:
            raise refusal(status, answer, f"GET {path}")
        return answer.decode("utf-8", "replace")

    def items(
        self, path: str, selector: str = "", metadata_only: bool = False, what: str = ""
    ) -> Iterator[Dict[str, Any]]:
        """Yield the objects of a list, page by page. Raises as `call` does; `Unreachable` for a list without end."""
        query = {"limit": str(PAGE)}
        if selector:
            query["labelSelector"] = selector
        for _ in range(PAGES):
            page = self.call("GET", path, query=query, what=what, accept=METADATA if metadata_only else JSON)
            entries: List[Any] = page.get("items") or []
            yield from (entry for entry in entries if isinstance(entry, dict))
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return
            query["continue"] = str(following)
        raise Unreachable(f"{what or path}: the list has more than {PAGE * PAGES} objects.")

    def _exchange(
        self, method: str, target: str, data: Optional[bytes], headers: Mapping[str, str]
    ) -> Tuple[int, bytes]:
        """Send a request, once more over a new connection when an idle one had been closed."""
        fresh = self._open is None
        while True:
            try:
                if self._open is None:
                    self._open = _Connection(self.access, self._context, self.timeout)
                self._open.request(method, target, data, dict(headers))
                answer = self._open.getresponse()
                body = answer.read(LARGEST + 1)
                if len(body) > LARGEST:
                    raise ValueError(f"the answer has more than {LARGEST // 2**20} MiB")
                return answer.status, body
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.close()
                if isinstance(error, _CLOSED) and not fresh and method in ("GET", "PATCH", "PUT", "DELETE"):
                    fresh = True
                    continue
                raise self._lost(error) from None
            except BaseException:
                self.close()
                raise

    def _place(self) -> str:
        host = f"[{self.access.host}]" if ":" in self.access.host else self.access.host
        return f"{host}:{self.access.port}"

    def _lost(self, error: BaseException) -> Unreachable:
        if isinstance(error, ssl.SSLCertVerificationError):
            why, code = f"its certificate is refused: {error.verify_message}", "CertificateRefused"
        elif isinstance(error, (TimeoutError, socket.timeout)):
            why, code = f"no answer within {self.timeout:g} s", "Timeout"
        else:
            why, code = clean(getattr(error, "strerror", None) or error, 200).lower(), "Unreachable"
        return Unreachable(f"The API of the cluster at {self._place()} cannot be used: {why}.", code=code)


def path_of(api_version: str, plural: str, namespace: str = "", name: str = "") -> str:
    """Return the path of a collection, or of one of its objects."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{root}{place}/{plural}" + (f"/{quote(name, safe='')}" if name else "")
