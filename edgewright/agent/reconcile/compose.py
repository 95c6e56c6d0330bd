"""`edgewright-agent reconcile`: what a reconciler is made of on a real host, and its life."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional

from edgewright.agent.clusters.driver import KIND as CLUSTER
from edgewright.agent.clusters.driver import ClusterDriver
from edgewright.agent.clusters.endpoint import Endpoint
from edgewright.agent.clusters.gather import gather
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.personal import signing
from edgewright.agent.clusters.registry import STEPS
from edgewright.agent.clusters.report import reporting
from edgewright.agent.facts import system
from edgewright.agent.facts.booted import booted
from edgewright.agent.install.compiled import compile_archive
from edgewright.agent.kernel import agent_log
from edgewright.agent.kernel.disk_usage import usage_collector
from edgewright.agent.kernel.enrolment import IDENTITY
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.logs import collector
from edgewright.agent.kernel.operations import Outcome
from edgewright.agent.kernel.state import read_checked
from edgewright.agent.plane.blobs import FOLDER as CONTENTS
from edgewright.agent.plane.clock import Clock
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.decisions import accept, retry, start_trial
from edgewright.agent.reconcile.handover import program
from edgewright.agent.reconcile.preflight import preflight
from edgewright.agent.reconcile.reboot import Reboot
from edgewright.agent.reconcile.reconciler import Parts, Reconciler
from edgewright.agent.reconcile.requests import Handler, Request
from edgewright.agent.reconcile.runner import SYSTEMD, choose_runner
from edgewright.agent.reconcile.store import DocumentStore
from edgewright.agent.reconcile.trial import KIND, Trial
from edgewright.wire import protocol

TIMER = "edgewright-reconciler.timer"
AFTER_A_BUG = 10.0
"""Seconds to wait after an unexpected error, so that restarts by systemd do not make a busy loop."""

Collect = Callable[[str, Mapping[str, Any]], Outcome]


def with_lines(make: Callable[[Callable[[Dict[str, Any]], bool]], Collect]) -> Handler:
    """Return a handler whose lines go into its result; the link sends them to the plane in pieces (P29)."""

    def run(request: Request) -> Outcome:
        lines: List[str] = []

        def add(piece: Dict[str, Any]) -> bool:
            lines.extend(piece["lines"])
            return True

        return make(add)(request.id, request.params)._replace(lines=tuple(lines))

    return run


def reset(store: DocumentStore) -> Handler:
    """Return the handler of `reset` (P26): a tombstone for every document of this host."""

    def run(request: Request) -> Outcome:
        released = store.reset(request.id)
        if not released and not request.context.get("inCluster"):
            return Outcome(protocol.OP_SUCCEEDED, "This host belonged to no cluster; nothing was left to forget.")
        return Outcome(protocol.OP_SUCCEEDED, "The state of the cluster was forgotten.")

    return run


def host_uid(data: str) -> str:
    """Return the UID of this host, empty before its first start."""
    body, _ = read_checked(os.path.join(data, IDENTITY + ".json"))
    return str((body or {}).get("uid") or "")


def make_reconciler(
    data: str, run: str = "", root: Optional[Root] = None, report: Callable[[int, str], None] = lambda p, s: None
) -> Reconciler:
    """Return the reconciler of this host."""
    root = root or Root()
    places = exchange.folders(data)
    boot = system.boot_id(root)
    store = DocumentStore(places[exchange.DOCUMENTS])
    made: List[Reconciler] = []
    reboot = Reboot(boot, time.time, lambda: made[0].running())
    clusters = ClusterDriver(
        Host(root.top or "/"), data, lambda: host_uid(data), program(), STEPS,
        look=reporting(partial(gather, endpoint=Endpoint()), exchange.run_folder(data, run), report),
    )  # fmt: skip
    parts = Parts(
        runner=choose_runner(os.path.join(places[exchange.OWN], "steps")),
        drivers={
            KIND: Trial(os.path.join(places[exchange.OWN], "trial"), os.path.join(data, CONTENTS)),
            CLUSTER: clusters,
        },
        handlers={
            protocol.OP_COLLECT_LOGS: with_lines(lambda add: collector(root, add)),
            protocol.OP_DISK_USAGE: with_lines(lambda add: usage_collector(root, add)),
            protocol.OP_RESET: reset(store),
            protocol.OP_PREFLIGHT: preflight(root),
            protocol.OP_REBOOT: reboot.start,
            protocol.OP_RETRY: retry(lambda: made[0].engine, lambda: made[0].wanted()),
            protocol.OP_ACCEPT: accept(store),
            protocol.OP_TRIAL: start_trial(store),
            protocol.OP_KUBECONFIG: signing(store, clusters, time.time),
        },
        judges={protocol.OP_REBOOT: reboot.judge},
        boot=boot,
        booted=lambda: booted(root),
        set_clock=Clock(root) if root.real else None,
    )
    made.append(Reconciler(data, run, parts, report))
    return made[0]


def reconcile(data: str, run: str = "", root: str = "/", report: Optional[agent_log.AgentLog] = None) -> int:
    """Work until nothing is left; return the exit code. A second reconciler on the folder ends at once."""
    log = report or agent_log.AgentLog()
    reconciler = make_reconciler(data, run, Root(root), log)
    try:
        if not reconciler.open():
            log(agent_log.INFO, "Another reconciler works on this folder.")
            return 0
        again = reconciler.run()
        _compile(log)
        _mark_pending(reconciler.run_folder, again is not None)
        if again is not None and os.path.isdir(SYSTEMD):
            # Not `start`: a timer that has started this very run is still active, and ends together with it.
            subprocess.run(["systemctl", "--no-block", "restart", TIMER], check=False, stdin=subprocess.DEVNULL)
    except Exception as error:
        log(agent_log.ERROR, f"The reconciler hit an unexpected {type(error).__name__}: {error}. It starts again.")
        time.sleep(AFTER_A_BUG)
        return 1
    finally:
        reconciler.close()
    return 0


def _compile(log: agent_log.AgentLog) -> None:
    """Compile the archive for the programs that start from now on; without that they only start later."""
    archive = os.path.abspath(sys.argv[0])
    if not archive.endswith(".pyz"):
        return
    try:
        compile_archive(archive)
    except (OSError, ValueError, SyntaxError) as error:
        log(agent_log.DEBUG, f"The agent's modules are not compiled: {error}")


def _mark_pending(run: str, pending: bool) -> None:
    """Leave a mark while a step waits: where no timer is, the link starts the reconciler again."""
    path = os.path.join(run, exchange.PENDING)
    try:
        if pending:
            with open(path, "wb"):
                pass
        elif os.path.exists(path):
            os.unlink(path)
    except OSError:
        pass  # the next request starts it
