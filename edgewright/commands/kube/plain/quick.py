"""`kube get` of a plain table over the direct way, without kubectl: what the API prints, as kubectl prints it.

The plane is asked for the cluster and its kubeconfig, the API for the table: three answers, and nothing is loaded that
only other verbs need. Wherever something is not as expected, the answer is `None`, and nothing was printed: the verb
goes its ordinary way then, which finds another way to the API, lets kubectl do the rest, and explains what is wrong.
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from edgewright.clients.http import tls
from edgewright.clients.http.credential import Credential
from edgewright.clients.http.once import MAX_ANSWER, Answer, Link
from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.kernel.results import Quick
from edgewright.commands.kube.credentials import show
from edgewright.commands.kube.plain.printed import text_of
from edgewright.commands.kube.plain.requested import Wanted, wanted
from edgewright.config.contexts import Context
from edgewright.core.errors import EdgewrightError
from edgewright.core.small_file import local_path
from edgewright.store.collections.catalogue import reached
from edgewright.store.collections.document_values import EXTENSION, part, parts, text, value
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

DIRECT_WITHIN = 3.0
"""Seconds for the direct way to accept a connection, and for each piece of its answers."""
PLANE_WITHIN, TABLE_WITHIN = 10.0, 60.0
"""Seconds for all answers of the plane, and for all pages of a table."""
PORT, SERVER_NAME = 6443, "kubernetes"
MOST_PAGES = 200
"""Pages of a table: 100,000 objects. All together have `MAX_ANSWER` bytes at most."""
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_DATA = ("certificate-authority-data", "client-certificate-data", "client-key-data")
_KEYS = frozenset(
    ("apiVersion", "kind", "preferences", "clusters", "cluster", "name", "server", "tls-server-name", "contexts",
     "context", "user", "users", "current-context", *_DATA)
)  # fmt: skip
"""Keys of a kubeconfig that asks for nothing else than a certificate; another one may change who asks, or what."""
_LINE = re.compile(r"^\s*(?:- )?([\w.-]+):(?: +(?:\"([^\"\\]*)\"|(\S+)|(\{\})))?\s*$")


class NotPlain(Exception):
    """Something is not as the quick way expects it."""


class Cluster(NamedTuple):
    """What the plane has of a cluster: uid, and the address of its API."""

    uid: str
    endpoint: str


def run(context: Context | None, project: str, target: str, args: Mapping[str, Any], timeout: float) -> Quick | None:
    """Return what to print, or None for the ordinary way."""
    table = wanted([str(word) for word in args.get("arguments") or ()])
    if table is None or context is None or project or context.project or target.startswith(BY_HOST):
        return None
    if any(args.get(key) for key in _WAYS):
        return None
    if _is_set_up():
        return None
    try:
        cluster, config = _of_plane(context, target, timeout)
        pages = _pages(cluster, _certified(config, cluster.uid), table)
        everywhere = table.everywhere and table.inside
        shown = text_of(pages, wide=table.wide, bare=table.bare, everywhere=everywhere)
    except (NotPlain, OSError, EdgewrightError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return Quick(shown) if any(page.get("rows") for page in pages) else Quick(note=table.nothing)


_WAYS = ("admin", "relay", "ssh")
"""Options that ask for another kubeconfig, or another way."""


def _is_set_up() -> bool:
    """Whether the user gave kubectl options of their own: its file of preferences may change what it prints."""
    named = os.environ.get("KUBERC", "")
    return named != "off" and (bool(named) or local_path("~/.kube/kuberc").exists())


_STDIN = "path:-"
"""Where a key is that can be read once only."""


def _of_plane(context: Context, target: str, timeout: float) -> tuple[Cluster, str]:
    """Return a cluster with its kubeconfig, where its API was reached directly last time. Raises as `run` catches."""
    url = urlsplit(context.url)
    by_proxy = any(name.lower() in ("https_proxy", "all_proxy") and address for name, address in os.environ.items())
    if url.scheme not in ("https", "http") or url.path.strip("/") or by_proxy or context.key == _STDIN:
        raise NotPlain
    headers = {"Accept": "application/json", "User-Agent": "edgewright", **Credential(context.api_key()).headers()}
    trust = tls.context(context.ca_path()) if url.scheme == "https" else None  # this machine: `contexts.check_url`
    with Link(
        url.hostname or "", url.port or (443 if trust else 80), trust, timeout=min(timeout, DIRECT_WITHIN),
        within=min(timeout, PLANE_WITHIN),
    ) as plane:  # fmt: skip
        body = json.dumps(_search(target)).encode()
        answer = plane.ask("POST", f"{wire.SEARCH}?limit=2", {**headers, "Content-Type": "application/json"}, body)
        cluster = _only(_json(answer), target)
        if reached.last(cluster.uid, "direct") != "yes":
            raise NotPlain
        answer = plane.ask("GET", protocol.path(wire.KUBECONFIG_CLIENT, uid=cluster.uid), headers)
        if answer.status != 200:
            raise NotPlain
        return cluster, answer.data.decode()


def _search(target: str) -> dict[str, Any]:
    """Return the search for a cluster by name or uid; it leaves out deleted ones."""
    match = {"operator": "eq", "match": {"conjunction": "or", "values": [target]}}
    filters = [{"property": name, "type": "string", "condition": {"string": match}} for name in ("clusterName", "uid")]
    return {"filter": {"conjunction": "or", "filterGroups": [{"conjunction": "or", "filters": filters}]}, "sort": []}


def _only(page: Mapping[str, Any], target: str) -> Cluster:
    items = parts(page, "items")
    meta = part(items[0], "metadata") if len(items) == 1 else {}
    ours = part(part(items[0], "status"), EXTENSION) if items else {}
    endpoint = text(ours, "endpoint")
    if target not in (text(meta, "name"), text(meta, "uid")) or not endpoint or value(ours, "simulated") is True:
        raise NotPlain
    return Cluster(text(meta, "uid"), endpoint)


def _certified(config: str, name: str) -> ssl.SSLContext:
    """Return the TLS context of a kubeconfig that names one cluster and one user with a certificate."""
    values: dict[str, list[str]] = {}
    for line in config.splitlines():
        if line.strip() in ("", "---"):
            continue
        matched = _LINE.match(line)
        if matched is None or matched[1] not in _KEYS:
            raise NotPlain
        values.setdefault(matched[1], []).append(matched[2] or matched[3] or "")
    authority, certificate, key = (base64.b64decode(_single(values, name), validate=True) for name in _DATA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.decode())
    show(context, certificate, key, name=name)
    return context


def _single(values: Mapping[str, Sequence[str]], name: str) -> str:
    given = values.get(name, ())
    if len(given) != 1 or not given[0]:
        raise NotPlain
    return given[0]


def _pages(cluster: Cluster, trust: ssl.SSLContext, table: Wanted) -> list[Mapping[str, Any]]:
    """Return the pages of a table from the API."""
    pages: list[Mapping[str, Any]] = []
    more, size, times = "", 0, {"timeout": DIRECT_WITHIN, "within": TABLE_WITHIN}
    with Link(cluster.endpoint, PORT, trust, name=SERVER_NAME, **times) as api:
        while len(pages) < MOST_PAGES and size <= MAX_ANSWER:
            answer = api.ask("GET", table.path(more), {"Accept": _TABLE, "User-Agent": "edgewright"})
            page, size = _json(answer), size + len(answer.data)
            if page.get("kind") != "Table" or "warning" in answer.headers:  # kubectl shows warnings
                raise NotPlain
            pages.append(page)
            more = str(part(page, "metadata").get("continue") or "")
            if not more:
                return pages
    raise NotPlain


def _json(answer: Answer) -> Mapping[str, Any]:
    document = json.loads(answer.data) if answer.status == 200 else None
    if not isinstance(document, dict):
        raise NotPlain
    return document
