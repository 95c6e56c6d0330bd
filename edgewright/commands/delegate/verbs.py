"""Verbs that are programs of their own: the hub, the agent, the lab. Each parses its own words.

Only `main` may load them, by the name in `delegate`, so that no other verb pays for a server.
"""

from __future__ import annotations

from edgewright.commands.kernel.base import Command


class _Process(Command):
    """What these verbs share: command line only, no plane, their own parser."""

    online = False
    console = False


class HubServe(_Process):
    """Run the plane of this fleet: --listen HOST:PORT --data DIR [--db URL] [--advertise NAME]..."""

    name = "hub serve"
    title = "serve"
    delegate = "edgewright.hub.process.cli"


class HubConfigure(_Process):
    """Set the address that hosts use and issue the certificate for it: --address NAME_OR_IP[:PORT] [--data DIR]."""

    name = "hub configure"
    own_hub = True
    writes = True
    title = "configure"
    delegate = "edgewright.hub.process.cli"


class HubStatus(_Process):
    """Show whether a hub is running on a data directory, where, and since when."""

    name = "hub status"
    own_hub = True
    title = "status"
    delegate = "edgewright.hub.process.cli"


class HubBackup(_Process):
    """Write everything that a hub knows into one file."""

    name = "hub backup"
    own_hub = True
    title = "backup"
    delegate = "edgewright.hub.process.cli"


class HubRestore(_Process):
    """Make a data directory from a backup."""

    name = "hub restore"
    writes = True
    title = "restore"
    delegate = "edgewright.hub.process.cli"


class AgentRun(_Process):
    """Run the agent of an edge host: --endpoint URL --token-file F --ca F --data DIR."""

    name = "agent run"
    title = "run"
    delegate = "edgewright.agent.cli"


class AgentInstall(_Process):
    """Install the agent as a hardened systemd unit."""

    name = "agent install"
    takes = ("plan",)
    writes = True
    title = "install"
    delegate = "edgewright.agent.cli"


class AgentUninstall(_Process):
    """Remove the agent's units and program; --purge also its identity, credential and data."""

    name = "agent uninstall"
    takes = ("plan",)
    writes = True
    title = "uninstall"
    delegate = "edgewright.agent.cli"


class AgentRetry(_Process):
    """Continue a step of this host that waits for an operator."""

    name = "agent retry"
    writes = True
    title = "retry"
    delegate = "edgewright.agent.cli"


class AgentAccept(_Process):
    """Accept a document of a restored plane on this host: UID."""

    name = "agent accept"
    writes = True
    title = "accept"
    delegate = "edgewright.agent.cli"


class AgentTrial(_Process):
    """Run steps on this host that only wait, to show that long work runs there: SECONDS..."""

    name = "agent trial"
    writes = True
    title = "trial"
    delegate = "edgewright.agent.cli"


class AgentStatus(_Process):
    """Show what the agent on this machine does, and what it waits for."""

    name = "agent status"
    title = "status"
    delegate = "edgewright.agent.cli"


class AgentSimulate(_Process):
    """Run simulated hosts over the real protocol; they are marked as simulated."""

    name = "agent simulate"
    title = "simulate"
    delegate = "edgewright.agent.simulate.cli"


class LabUp(_Process):
    """Start a small real fleet on this machine: --hosts N."""

    name = "lab up"
    writes = True
    title = "up"
    delegate = "edgewright.lab.cli"


class LabDown(_Process):
    """Stop the lab and remove what it made."""

    name = "lab down"
    writes = True
    title = "down"
    delegate = "edgewright.lab.cli"


class LabClean(_Process):
    """Remove the cached disk that the hosts of labs start from."""

    name = "lab clean"
    writes = True
    title = "clean"
    delegate = "edgewright.lab.cli"


class LabStatus(_Process):
    """Show what runs in the lab, or what is missing for one."""

    name = "lab status"
    title = "status"
    delegate = "edgewright.lab.cli"


class LabFault(_Process):
    """Cut, slow or make lossy a link of the lab, or cut a host's power."""

    name = "lab fault"
    writes = True
    title = "fault"
    delegate = "edgewright.lab.cli"


class LabRehearse(_Process):
    """Do the steps of the guide on a lab, from nothing to an application that answers, each with its proof."""

    name = "lab rehearse"
    writes = True
    title = "rehearse"
    delegate = "edgewright.lab.cli"


class LabKubernetes(_Process):
    """Build, list or remove Kubernetes for the hosts of the lab (build --version V), or print its settings."""

    name = "lab kubernetes"
    writes = True
    title = "kubernetes"
    delegate = "edgewright.lab.cli"


COMMANDS: tuple[type[Command], ...] = (
    HubServe,
    HubConfigure,
    HubStatus,
    HubBackup,
    HubRestore,
    AgentRun,
    AgentInstall,
    AgentUninstall,
    AgentRetry,
    AgentAccept,
    AgentTrial,
    AgentStatus,
    AgentSimulate,
    LabUp,
    LabDown,
    LabClean,
    LabStatus,
    LabFault,
    LabRehearse,
    LabKubernetes,
)
