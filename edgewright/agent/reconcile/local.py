"""What an operator at the host does with the reconciler: `reconcile`, `retry`, `accept` and `trial`."""

from __future__ import annotations

import argparse
import os
import secrets
from typing import Callable, Dict

from edgewright.agent.clusters import cli as clusters
from edgewright.agent.clusters.parser import CLUSTER_VERBS
from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.kernel.state import reason_of
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.compose import reconcile
from edgewright.agent.reconcile.journal import read_records
from edgewright.agent.reconcile.steps import SUPERSEDED, State
from edgewright.agent.reconcile.store import DocumentStore
from edgewright.agent.reconcile.trial import offer_trial
from edgewright.core.errors import Failed, InvalidInput, NotFound, Refused
from edgewright.wire.protocol.trial import MAX_SECONDS, MAX_STEPS, valid_seconds

ALL = "*"
"""The default of `retry`: every step that waits."""


def run(namespace: argparse.Namespace, write: Callable[[str], None]) -> int:
    """Run one of these verbs; return the exit code. Raises `EdgewrightError`."""
    if namespace.verb in CLUSTER_VERBS:
        return clusters.run(namespace)
    if namespace.verb == "reconcile":
        return reconcile(namespace.data, namespace.run, namespace.root, AgentLog())
    places = exchange.folders(namespace.data)
    if not os.path.isdir(namespace.data):
        raise NotFound(f"There is no agent folder {namespace.data}.", "Name it with --data.")
    try:
        if namespace.verb == "retry":
            _retry(namespace, places, write)
        elif namespace.verb == "accept":
            if not DocumentStore(places[exchange.DOCUMENTS]).override(namespace.uid):
                raise NotFound(
                    f"No document {namespace.uid} of another lineage waits here.", "See edgewright-agent status."
                )
            exchange.put(places[exchange.REQUESTS], exchange.WAKE, {})
            write(f"The document {namespace.uid} of the restored plane applies from now on.")
        else:
            _trial(namespace, places, write)
    except BrokenPipeError:
        raise  # the reader of the output has gone
    except PermissionError:
        raise Refused(f"{namespace.data}: permission denied.", "Run it as root.") from None
    except OSError as error:
        raise Failed(f"{namespace.data}: {reason_of(error)}.", "Check the folder and its disk.") from None
    return 0


def _retry(namespace: argparse.Namespace, places: Dict[str, str], write: Callable[[str], None]) -> None:
    os.listdir(namespace.data)  # a user who may not read it gets that as an answer, and not "no step"
    records = {record["step"]: record for record in read_records(places[exchange.OWN])}
    if namespace.step not in (ALL, *records):
        raise NotFound(f"There is no step {namespace.step} on this host.", "See edgewright-agent status.")
    exchange.put(places[exchange.REQUESTS], exchange.RETRY, {"target": namespace.step})
    chosen = records.values() if namespace.step == ALL else [records[namespace.step]]
    waits = any(
        record.get("state") in (State.OPERATOR.value, State.FAILED.value) and record.get("error_class") != SUPERSEDED
        for record in chosen
    )
    write("The reconciler tries again." if waits else "No step waits for its next try or for an operator.")


def _trial(namespace: argparse.Namespace, places: Dict[str, str], write: Callable[[str], None]) -> None:
    seconds = namespace.seconds
    if len(seconds) > MAX_STEPS or not all(map(valid_seconds, seconds)):
        raise InvalidInput(f"A trial has 1 to {MAX_STEPS} steps of 1 to {MAX_SECONDS} seconds.")
    uid = secrets.token_hex(12)
    offer_trial(DocumentStore(places[exchange.DOCUMENTS]), uid, seconds)
    exchange.put(places[exchange.REQUESTS], exchange.WAKE, {})
    steps = "1 step" if len(seconds) == 1 else f"{len(seconds)} steps"
    write(f"Trial {uid[:12]} with {steps} is with the reconciler; follow it: edgewright-agent status")
