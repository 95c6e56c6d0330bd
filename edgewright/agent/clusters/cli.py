"""`cluster-step` and `images-server`: what the agent's own units run."""

from __future__ import annotations

import argparse
import sys

from edgewright.agent.clusters.checks.peer import PORT
from edgewright.agent.clusters.checks.peer_server import Server
from edgewright.agent.clusters.content.server import serve
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.registry import STEPS, steps_of
from edgewright.agent.clusters.slices import read_part
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.handover import program
from edgewright.agent.reconcile.store import DocumentStore
from edgewright.core.clusters import document as documents
from edgewright.core.errors import EdgewrightError, Failed, NotFound


def run(namespace: argparse.Namespace) -> int:
    """Run one of these verbs; return the exit status. Raises `EdgewrightError`."""
    if namespace.verb == "cluster-step":
        return run_step(namespace)
    port = namespace.port if namespace.verb == "images-server" else PORT
    try:
        if namespace.verb == "images-server":
            return serve(Host(), port)
        Server(Host(), namespace.data, namespace.uid).run()
    except OSError as error:
        raise Failed(
            f"Port {port} cannot be served: {error.strerror or error}.", f"See: ss -ltnp sport = :{port}"
        ) from None
    return 0


def run_step(namespace: argparse.Namespace) -> int:
    """Do the work of one step. The last line of the log is its error; the exit status is the error's class."""
    stored = DocumentStore(exchange.folders(namespace.data)[exchange.DOCUMENTS]).get(namespace.uid)
    document = documents.read(stored.document) if stored is not None and namespace.step in STEPS else None
    if document is None:
        raise NotFound(f"There is no document {namespace.uid} with a step {namespace.step}.", "See the agent's status.")
    context = Context(
        Host(), document, read_part(namespace.data, namespace.uid), namespace.host,
        namespace.data, namespace.argument, program(), namespace.node,
    )  # fmt: skip
    try:
        steps_of(document)[namespace.step].act(context)
    except EdgewrightError as error:
        sys.stdout.flush()
        print(f"{error.message} {error.hint}".rstrip(), file=sys.stderr, flush=True)
        return int(error.exit_code)
    return 0
