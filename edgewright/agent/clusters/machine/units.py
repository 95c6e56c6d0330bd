"""The files of /run that make a host a node: units, links, configuration of the container runtime. Pure text.

They are stored below `paths.BOOT` and copied to /run at each boot, so /etc has no unit of a cluster.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping, Sequence

from edgewright.agent.clusters import paths
from edgewright.core.errors import Failed

BOOT_UNITS = (paths.CONTAINERD_UNIT, paths.IMAGES_UNIT, paths.KEEPALIVED_UNIT)
"""Started at each boot where they are; the kubelet too, once it has a configuration."""
_PLACE = re.compile(r"@([A-Z]+)@")

IMAGES_UNIT = """\
# Made by Edgewright for a cluster; written again at each boot.
[Unit]
Description=Read-only registry of this host's images (127.0.0.1:{port})
After=network.target
StartLimitIntervalSec=0

[Service]
ExecStart={command}
Restart=always
RestartSec=2
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
MemoryMax=64M
"""

ACTIVATE_SERVICE = f"""\
# Made by Edgewright; it needs neither the network nor the agent, and does nothing on a host without a cluster.
[Unit]
Description=Edgewright: units and links of this host's cluster
ConditionPathExists={paths.ACTIVATE}
After=local-fs.target systemd-tmpfiles-setup.service systemd-sysctl.service
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {paths.ACTIVATE}

[Install]
WantedBy=multi-user.target
"""

SCRIPT = """\
#!/bin/sh
# Made by Edgewright from applied.json: brings this host's cluster back after a start of the host. No network is needed.
set -u
# Without -p: /run and the folders in it belong to all of the system and stay as they are.
umask 022
cp -R -P {boot}/. /run/
{lines}
systemctl daemon-reload
for unit in {units}; do
  [ ! -e {folder}/$unit ] || systemctl --no-block start $unit
done
[ ! -e {config} ] || systemctl --no-block start {node}
"""


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return a template of the tree with its `@NAME@` replaced. Raises `Failed` for a name that is not known."""

    def value(match: "re.Match[str]") -> str:
        if match.group(1) not in values:
            raise Failed(f"A template of the tree names @{match.group(1)}@, which is not known.", "Update this host.")
        return values[match.group(1)]

    return _PLACE.sub(value, template)


def hosts_toml() -> str:
    """Return which registry containerd asks first: the one of this host, then the image's own."""
    return f'[host."http://127.0.0.1:{paths.IMAGES_PORT}"]\ncapabilities = ["pull", "resolve"]\n'


def run_files(applied: Mapping[str, Any], templates: Mapping[str, str], program: Sequence[str]) -> Dict[str, str]:
    """Return the files below /run (without that prefix) by name.

    `templates` are those of the tree by name, `program` are the arguments that start the agent.
    """
    config = f"{paths.CONTAINERD}/config.toml"
    values = {
        "STATE": paths.CONTAINERD_ROOT,
        "RUN": paths.CONTAINERD + "/state",
        "BIN": paths.LINKS,
        "SOCKET": paths.SOCKET,
        "CERTS": paths.CERTS_D,
        "PAUSE": str(applied.get("sandbox") or ""),
        "CONFIG": config,
        "RUNTIME": paths.CONTAINERD_UNIT,
    }
    files = {
        f"{paths.UNITS}/{paths.CONTAINERD_UNIT}": fill(templates["containerd.service"], values),
        f"{paths.UNITS}/{paths.KUBELET_UNIT}": fill(templates["kubelet.service"], values),
        config: fill(templates["containerd.toml"], values),
        f"{paths.UNITS}/{paths.IMAGES_UNIT}": images_unit(program),
        f"{paths.CERTS_D}/_default/hosts.toml": hosts_toml(),
    }
    return {name[len("/run/") :]: text for name, text in files.items()}


def images_unit(program: Sequence[str]) -> str:
    """Return the unit of the local registry."""
    command = [*program, "images-server", "--port", str(paths.IMAGES_PORT)]
    return IMAGES_UNIT.format(port=paths.IMAGES_PORT, command=" ".join(quote(word) for word in command))


def script(applied: Mapping[str, Any], config: str, node: str) -> str:
    """Return the program of `edgewright-activate.service`; the unit `node` starts once its file `config` is there."""
    sysctls = applied.get("sysctl") or {}
    modules = applied.get("modules") or []
    lines = [f"modprobe -q {name} || true" for name in modules]
    lines += [f"sysctl -q -w {name}={value} || true" for name, value in sorted(sysctls.items())]
    return SCRIPT.format(
        boot=paths.BOOT,
        lines="\n".join(lines),
        units=" ".join(BOOT_UNITS),
        folder=paths.UNITS,
        config=config,
        node=node,
    )


def quote(word: str) -> str:
    """Return a word of ExecStart."""
    return word.replace("%", "%%").replace("$", "$$") if not any(c.isspace() for c in word) else json.dumps(word)
