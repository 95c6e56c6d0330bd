"""A small client of the Kubernetes API: JSON over TLS with the certificate of a kubeconfig, standard library only."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import os
import re
import socket
import ssl
import threading
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlencode

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.host import Host
from edgewright.core.errors import Conflict, EdgewrightError, Failed, NotFound, Refused, Unreachable
from edgewright.core.text import clean

TIMEOUT = 10.0
TIMES = 2
"""Times the limit of one wait that a complete exchange may take."""
MOST = 32 * 1024 * 1024
PAGE, PAGES = 500, 100
"""Objects of a page of a list, and pages at most."""
SERVER_NAME = "kubernetes"
"""In every certificate of an API server that kubeadm made, so no address ever needs TLS without verification."""
JSON, APPLY, MERGE = "application/json", "application/apply-patch+yaml", "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
_DATA = re.compile(r"^\s*(certificate-authority-data|client-certificate-data|client-key-data):\s*(\S+)\s*$", re.M)
_FILE = re.compile(r"^\s*(certificate-authority|client-certificate|client-key): (/\S+)\s*$", re.M)
_SERVER = re.compile(r"^\s*server:\s*(\S+)\s*$", re.M)


def inlined(host: Host, name: str) -> str:
    """Return a kubeconfig with the contents of the files that it names, as k3s does; empty without one."""

    def value(match: "re.Match[str]") -> str:
        return f"{match.group(1)}-data: {base64.b64encode(host.data(match.group(2))).decode()}"

    return _FILE.sub(value, host.text(name))


class Credentials(NamedTuple):
    """What a kubeconfig contains (PEM)."""

    ca: bytes
    certificate: bytes
    key: bytes
    server: str


def read_kubeconfig(text: str) -> Credentials:
    """Return what a kubeconfig of kubeadm contains. Raises `Failed`.

    kubeadm writes each of these on a line of its own, so no YAML reader is needed.
    """
    values = dict(_DATA.findall(text))
    server = _SERVER.search(text)
    try:
        ca, certificate, key = (
            base64.b64decode(values[name], validate=True)
            for name in ("certificate-authority-data", "client-certificate-data", "client-key-data")
        )
    except (KeyError, binascii.Error, ValueError):
        raise Failed("The kubeconfig has no certificate and key.", "Look at it.") from None
    return Credentials(ca, certificate, key, server.group(1) if server else "")


def ca_of(text: str) -> str:
    """Return the CA (PEM) of a kubeconfig. Raises `Failed`."""
    try:
        return base64.b64decode(dict(_DATA.findall(text))["certificate-authority-data"], validate=True).decode()
    except (KeyError, binascii.Error, ValueError):
        raise Failed("The kubeconfig has no CA.", "Look at it.") from None


def with_pem(text: str, pem: bytes) -> Credentials:
    """Return the credentials of a kubeconfig whose certificate and key are in one file `pem`. Raises `Failed`."""
    server = _SERVER.search(text)
    if not pem:
        raise Failed("The kubelet has no certificate yet.", "It waits for the API.")
    return Credentials(ca_of(text).encode(), pem, b"", server.group(1) if server else "")


class Api:
    """The API at one address. Methods raise an `EdgewrightError`: `Unreachable`, `NotFound`, `Conflict`, `Refused`.

    `patience` are the seconds for which a request waits for each part of its answer.
    """

    def __init__(
        self, credentials: Credentials, address: str, port: int, name: str = SERVER_NAME, patience: float = TIMEOUT * 3
    ) -> None:
        self._address, self._port, self._name, self._patience = address, port, name, patience
        self._context = _context(credentials)
        self._open: Optional[Link] = None
        """The connection of the request before: the next question goes through it."""

    def __del__(self) -> None:
        """Close the connection."""
        link: Optional[Link] = getattr(self, "_open", None)  # without one where the credentials cannot be used
        if link is not None:
            link.close()

    def get(self, path: str, **query: str) -> Dict[str, Any]:
        """Return an object or a list."""
        return self.send("GET", _with(path, query))

    def text(self, path: str, timeout: float = TIMEOUT) -> Tuple[int, str]:
        """Return status and body of a path such as /readyz, whatever its status."""
        status, body = self._exchange("GET", path, None, {}, timeout)
        return status, body.decode("utf-8", "replace")

    def maybe(self, path: str) -> Optional[Dict[str, Any]]:
        """Return an object, `None` when there is none of that name."""
        try:
            return self.get(path)
        except NotFound:
            return None

    def items(self, path: str, **query: str) -> List[Dict[str, Any]]:
        """Return all objects of a list, page by page. Raises `Failed` for more than `PAGE * PAGES`."""
        result: List[Dict[str, Any]] = []
        more = {**query, "limit": str(PAGE)}
        for _ in range(PAGES):
            page = self.get(path, **more)
            result += [item for item in page.get("items") or [] if isinstance(item, dict)]
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return result
            more = {**query, "limit": str(PAGE), "continue": str(following)}
        raise Failed(f"The API lists more than {PAGE * PAGES} objects of {path}.", "Remove those that are not used.")

    def post(self, path: str, body: Mapping[str, Any]) -> Dict[str, Any]:
        """Create an object."""
        return self.send("POST", path, body)

    def put(self, path: str, body: Mapping[str, Any]) -> Dict[str, Any]:
        """Replace an object; with its resourceVersion only the one that was read."""
        return self.send("PUT", path, body)

    def merge(self, path: str, body: Mapping[str, Any]) -> Dict[str, Any]:
        """Change parts of an object (merge patch)."""
        return self.send("PATCH", path, body, MERGE)

    def apply(
        self, path: str, body: Mapping[str, Any], manager: str = "edgewright", force: bool = False
    ) -> Dict[str, Any]:
        """Apply an object on the server's side. Raises `Conflict` when another manager owns a field."""
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        return self.send("PATCH", _with(path, query), body, APPLY)

    def delete(self, path: str, body: Optional[Mapping[str, Any]] = None) -> bool:
        """Delete an object; return whether it was there."""
        try:
            self.send("DELETE", path, body)
        except NotFound:
            return False
        return True

    def send(
        self, method: str, path: str, body: Optional[Mapping[str, Any]] = None, kind: str = JSON
    ) -> Dict[str, Any]:
        """Send one request; return the JSON object of its successful response."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": kind}
        status, answer = self._exchange(method, path, data, headers, self._patience)
        try:
            document = json.loads(answer) if answer else {}
        except (ValueError, RecursionError):
            document = None
        if status >= 400:
            raise _error(status, document if isinstance(document, dict) else {}, path)
        if not isinstance(document, dict):  # never an empty object instead: it would be a list without items
            raise Failed(f"The answer of the API to {path.partition('?')[0]} is not a complete JSON object.")
        return document

    def _exchange(
        self, method: str, path: str, data: Optional[bytes], headers: Mapping[str, str], timeout: float
    ) -> Tuple[int, bytes]:
        for link in self._links(method, timeout):
            again = link.sock is not None
            try:
                answer = link.exchange(method, path, data, {"Accept": "application/json, */*", **headers}, MOST)
            except (OSError, http.client.HTTPException, ValueError) as error:
                link.close()
                if again and not isinstance(error, (TimeoutError, socket.timeout)):
                    continue  # the server has closed it meanwhile
                reason = clean(getattr(error, "strerror", None) or error, 200).lower().rstrip(".")
                raise Unreachable(f"The API at {self._address}:{self._port} does not answer: {reason}.") from None
            except BaseException:
                link.close()
                raise
            self._open = link
            return answer
        raise AssertionError("a new connection is the last one")

    def _links(self, method: str, timeout: float) -> Iterator["Link"]:
        """Yield the open connection, for questions only: they may be asked twice. Then a new one."""
        link, self._open = self._open, None
        if link is not None and method == "GET":
            link.limit(timeout)
            yield link
        elif link is not None:
            link.close()
        yield Link(self._address, self._port, timeout, self._context, self._name)


class Link(http.client.HTTPSConnection):
    """A connection to an address whose certificate is verified for another name; each wait has the same limit."""

    def __init__(self, address: str, port: int, timeout: float, context: ssl.SSLContext, name: str) -> None:
        super().__init__(address, port, timeout=timeout, context=context)
        self._verified, self._tls, self._seconds = name, context, timeout
        self._link: Optional[socket.socket] = None
        self._late = False

    def limit(self, timeout: float) -> None:
        """Set the limit of each wait."""
        self._seconds = self.timeout = timeout
        if self.sock is not None:
            self.sock.settimeout(timeout)

    def connect(self) -> None:
        """Open it."""
        http.client.HTTPConnection.connect(self)
        self._link = self.sock = self._tls.wrap_socket(
            self.sock, server_hostname=self._verified, do_handshake_on_connect=False
        )
        self.sock.do_handshake()

    def exchange(
        self, method: str, path: str, data: Optional[bytes], headers: Mapping[str, str], most: int
    ) -> Tuple[int, bytes]:
        """Return status and body. Raises `OSError`, `HTTPException`, and `Failed` for more than `most` bytes.

        All of it may take `TIMES` times as long as one wait: a server that sends a byte now and then is not waited for.
        """
        timer = threading.Timer(TIMES * self._seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            self.request(method, path, data, dict(headers))
            response = self.getresponse()
            answer = response.read(most + 1)
            if self._late or (len(answer) <= most and response.length):
                raise TimeoutError("the answer ended before it was complete")
        finally:
            timer.cancel()
        if len(answer) > most:
            raise Failed(f"{self.host}:{self.port} answered {path.partition('?')[0]} with more than {most} bytes.")
        return response.status, answer

    def _end(self) -> None:
        self._late = True
        if self._link is not None:
            try:
                socket.socket.shutdown(self._link, socket.SHUT_RDWR)  # below TLS, whose state another thread uses
            except OSError:
                pass  # it is closed already


def admin(host: Host, address: str = "127.0.0.1", port: int = 6443) -> Api:
    """Return the API as this control plane's administrator, its own API server by default. Raises `Failed`."""
    text = host.text(paths.ADMIN_CONF)
    if not text:
        raise Failed("This host has no admin.conf.", "It is not a control plane, or not yet.")
    return Api(read_kubeconfig(text), address, port)


def _context(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=credentials.ca.decode())
        with os.fdopen(os.memfd_create("edgewright", os.MFD_CLOEXEC), "wb") as file:
            file.write(credentials.certificate + b"\n" + credentials.key)
            file.flush()
            # The ssl module reads files only: one in memory, so that a power cut leaves no key on a disk.
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise Failed(f"The certificate of the kubeconfig cannot be used: {clean(error, 200)}.") from None
    return context


def _with(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _error(status: int, document: Mapping[str, Any], path: str) -> EdgewrightError:
    message = clean(document.get("message") or f"status {status}", 500).rstrip(".")
    text = f"The API refused {path.partition('?')[0]}: {message}."
    kinds = {401: Refused, 403: Refused, 404: NotFound, 409: Conflict}
    made = kinds.get(status, Failed)(text, code=str(document.get("reason") or f"Status{status}"))
    return made
