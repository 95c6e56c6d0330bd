"""The systemd unit of the agent: what it may touch is written down, and nothing else."""

from __future__ import annotations

from typing import Sequence

NAME = "edgewright-agent.service"

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
{writable}CapabilityBoundingSet={capabilities}
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
MemoryHigh=96M
MemoryMax=128M
TasksMax=32
CPUWeight=50
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
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
    user = "DynamicUser=yes\n" + credentials if observe else ""
    return _TEMPLATE.format(
        command=" ".join(quote(word) if arguments[word] == word else arguments[word] for word in command),
        writable=writable,
        user=user,
        capabilities="" if observe else "CAP_DAC_READ_SEARCH",
    )
