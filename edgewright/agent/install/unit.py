"""The systemd units of the agent: the link, which may touch what is written down here, and the reconciler.

The reconciler is root without a sandbox, since it mounts, installs and reboots. A path unit starts it for each request,
a timer while a step waits, and the boot, so that what was interrupted is judged.
"""

from __future__ import annotations

import os
from typing import Dict, Sequence

from edgewright.agent.clusters.machine.units import ACTIVATE_SERVICE
from edgewright.agent.reconcile.exchange import OWN, REQUESTS
from edgewright.agent.relay.notice import SOCKET

NAME = "edgewright-agent.service"
RECONCILER = "edgewright-reconciler"
SERVICE, PATH, TIMER = RECONCILER + ".service", RECONCILER + ".path", RECONCILER + ".timer"
RUN = "/run/" + RECONCILER
"""Folder of the reconciler's reports, in memory."""
RELAY_SERVICE, RELAY_SOCKET = "edgewright-relay.service", "edgewright-relay.socket"
STEPS = "edgewright-step-*.service"
ACTIVATE = "edgewright-activate.service"
"""Brings the units and links of a cluster back at each boot; without a cluster it does nothing."""

_TEMPLATE = """\
# Made by `edgewright-agent install`; a change here is lost with the next install. Put yours into a drop-in:
#   systemctl edit edgewright-agent
[Unit]
Description=Edgewright agent: reports this edge host to its plane
After=network.target systemd-tmpfiles-setup.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=5
RestartPreventExitStatus=2
WatchdogSec=300
TimeoutStopSec=15
UMask=0077
{user}# what it needs: its own folder to write, the network, and to read what root may read
{writable}{readonly}CapabilityBoundingSet={capabilities}
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
DevicePolicy=closed
DeviceAllow=/dev/console w
# what it may take
MemoryHigh=40M
MemoryMax=64M
TasksMax=32
CPUWeight=50
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""

_SERVICE = """\
# Made by `edgewright-agent install`; a change here is lost with the next install.
[Unit]
Description=Edgewright reconciler: does the work that waits on this edge host
After=local-fs.target network.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=5
TimeoutStopSec=30
UMask=0077
RuntimeDirectory=edgewright-reconciler
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes

[Install]
WantedBy=multi-user.target
"""

_PATH = """\
# Made by `edgewright-agent install`; a change here is lost with the next install.
[Unit]
Description=Edgewright reconciler: starts it when a request waits

[Path]
DirectoryNotEmpty={requests}
MakeDirectory=yes
DirectoryMode=0700

[Install]
WantedBy=multi-user.target
"""

_TIMER = """\
# Made by `edgewright-agent install`; a change here is lost with the next install.
# The reconciler starts it when it ends while a step waits.
[Unit]
Description=Edgewright reconciler: starts it again while a step waits

[Timer]
OnActiveSec=60
AccuracySec=5
RemainAfterElapse=no
"""


_RELAY_SOCKET = """\
# Made by `edgewright-agent install`; a change here is lost with the next install.
[Unit]
Description=Edgewright relay: starts it when the plane asks for a stream

[Socket]
ListenDatagram={socket}
SocketMode=0600
RemoveOnStop=yes

[Install]
WantedBy=multi-user.target
"""

_RELAY_SERVICE = """\
# Made by `edgewright-agent install`; a change here is lost with the next install.
# A process of its own, so that no stream takes memory or time of the agent. It ends when it has been idle.
[Unit]
Description=Edgewright relay: streams between the plane and ports 6443, 22 and 5080 of this edge host
Requires=edgewright-relay.socket
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=2
TimeoutStopSec=10
UMask=0077
# what it needs: the network, to read the agent's own folder, and to leave for the agent how many bytes streams cost
ReadOnlyPaths=-{data}
RuntimeDirectory=edgewright-relay
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# what it may take
MemoryHigh=96M
MemoryMax=128M
TasksMax=48
LimitNOFILE=2048
CPUWeight=50
"""


def quote(word: str) -> str:
    """Return a word of ExecStart so that systemd takes it as one, without expanding anything in it."""
    text = word.replace("%", "%%").replace("$", "$$")
    if text and not any(character.isspace() or character in "\"'\\;" for character in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unit_text(command: Sequence[str], data: str, observe: bool = False, secrets: Sequence[str] = ()) -> str:
    """Return the unit file that runs `command` with `data` as its only writable folder.

    An observing agent runs as a user of its own without any capability; systemd hands it the files `secrets`, which
    only root may read, so their paths in `command` become those of its credentials (systemd 250 or later).
    """
    arguments = {path: path for path in command}
    credentials = ""
    if observe:
        for path in secrets:
            name = path.rpartition("/")[2]
            arguments[path] = f"%d/{name}"
            credentials += f"LoadCredential={name}:{path}\n"
    below = data.rstrip("/")
    if below.startswith("/var/lib/") and below.count("/") == 3 and not any(c.isspace() for c in below):
        writable = f"StateDirectory={below[len('/var/lib/') :]}\nStateDirectoryMode=0700\n"
    else:
        writable = f"ReadWritePaths={quote(data)}\n"
    readonly = "" if observe else f"ReadOnlyPaths=-{quote(os.path.join(data, OWN))}\n"
    user = "DynamicUser=yes\n" + credentials if observe else ""
    return _TEMPLATE.format(
        command=" ".join(quote(word) if arguments[word] == word else arguments[word] for word in command),
        writable=writable,
        readonly=readonly,
        user=user,
        capabilities="" if observe else "CAP_DAC_READ_SEARCH",
    )


def reconciler_units(program: Sequence[str], data: str) -> Dict[str, str]:
    """Return the reconciler's unit files by name; `program` are the words that start the agent."""
    command = [*program, "reconcile", "--data", data, "--run", RUN]
    return {
        SERVICE: _SERVICE.format(command=" ".join(quote(word) for word in command)),
        PATH: _PATH.format(requests=os.path.join(data, REQUESTS).replace("%", "%%")),
        TIMER: _TIMER,
        ACTIVATE: ACTIVATE_SERVICE,
    }


def relay_units(command: Sequence[str], data: str) -> Dict[str, str]:
    """Return the relay's unit files by name; `command` are the words that start it."""
    line = " ".join(quote(word) for word in command)
    return {
        RELAY_SERVICE: _RELAY_SERVICE.format(command=line, data=quote(data)),
        RELAY_SOCKET: _RELAY_SOCKET.format(socket=SOCKET),
    }
