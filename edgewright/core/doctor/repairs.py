"""The fixes that may be applied: a closed catalogue of commands, each with at most one value that is checked.

A finding names an entry and its value (`unit-start:containerd`), and that name is all that a screen or the
command line gives back: the command is always made here. Nothing in it removes data.
"""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Pattern

from edgewright.core.doctor.findings import CONFIRM, NO_UNDO, SAFE, Fix, word
from edgewright.core.doctor.unit_names import NEEDED, TIMES
from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

UNIT = re.compile("|".join(map(re.escape, sorted(NEEDED | TIMES))))
"""Units that hosts need, and no others: an undo stops one."""
JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9@:_.\\-]{0,127}")
LATER = ("{runtime}", "{kubelet}")
CARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
NOTHING = re.compile("")
MOUNTS = re.compile(
    r"/|/(?:var|oem|opt|etc|tmp|usr/local|var/(?:log|tmp|lib)|etc/kubernetes)"
    r"|/var/lib/(?:edgewright|containerd|kubelet|etcd|rancher)"
)
"""Folders that a host writes to, which may be mounts: `rules.host.WRITABLE`."""
LABELLED = re.compile(r"/var/lib/kubelet/(?:kubeadm-flags\.env|config\.yaml)|/etc/kubernetes/[a-z-]{1,40}\.conf")
PHASES: Dict[str, str] = {
    "apiserver-kubelet-client": "apiserver-kubelet-client",
    "front-proxy-client": "front-proxy-client",
    "etcd-server": "etcd/server",
    "etcd-peer": "etcd/peer",
    "etcd-healthcheck-client": "etcd/healthcheck-client",
    "apiserver-etcd-client": "apiserver-etcd-client",
}
"""Phases of `kubeadm init phase certs` and the certificate of each below `/etc/kubernetes/pki`, without its ending."""
PHASE = re.compile("|".join(PHASES))


class Entry(NamedTuple):
    """One fix. `{0}` is its value, `{base}` the certificate of a phase; `changes` is what is different after it."""

    title: str
    command: str
    changes: str
    value: Pattern[str] = NOTHING
    danger: str = CONFIRM
    undo: str = NO_UNDO
    may_cut: bool = False
    """Whether it may end the connection over which it runs."""


_EXTENSIONS = "for e in crt key; do "
ENTRIES: Dict[str, Entry] = {
    "unit-start": Entry("start {0}", "systemctl start {0}", "{0} runs.", UNIT, SAFE, "systemctl stop {0}"),
    "unit-restart": Entry(
        "restart {0}",
        "systemctl reset-failed {0}; systemctl restart {0}",
        "{0} is ended, if it runs, and started again.",
        UNIT,
    ),
    "unit-unmask": Entry(
        "unmask and start {0}",
        "systemctl unmask {0} && systemctl start {0}",
        "The mask of {0} is removed, and it runs.",
        UNIT,
        CONFIRM,
        "systemctl mask --now {0}",
    ),
    "job-end": Entry(
        "end the job that hangs, {0}", "systemctl kill {0}", "What {0} started is ended; what waits for it runs.", JOB
    ),
    "time-restart": Entry(
        "restart the time service",
        "systemctl restart {0}",
        "{0} is started again and asks its servers; the clock may be set.",
        UNIT,
        SAFE,
    ),
    "swap-off": Entry(
        "switch swap off",
        "swapoff -a",
        "No swap is used until the next boot (or longer, if /etc/fstab has none).",
        NOTHING,
        SAFE,
        "swapon -a",
    ),
    "card-on": Entry(
        "switch {0} on", "ip link set {0} up", "{0} is on.", CARD, SAFE, "ip link set {0} down", may_cut=True
    ),
    "network-again": Entry(
        "apply the network's settings again",
        "networkctl reload || systemctl restart NetworkManager",
        "Addresses and routes are set again as the network's settings have them; this connection may break.",
        may_cut=True,
    ),
    "mount-writable": Entry(
        "mount it writable again",
        "mount -o remount,rw {0}",
        "{0} takes writes until the next boot.",
        MOUNTS,
        CONFIRM,
        "mount -o remount,ro {0}",
    ),
    "var-tmp-rights": Entry(
        "set them",
        "chmod a+rwxt /var/tmp && systemctl enable --now systemd-resolved",
        "/var/tmp is writable for all, and systemd-resolved runs, also after each boot.",
        NOTHING,
        SAFE,
    ),
    "forwarding-on": Entry(
        "switch forwarding on",
        "sysctl -w net.ipv4.ip_forward=1",
        "The kernel forwards packets until the next boot.",
        NOTHING,
        SAFE,
        "sysctl -w net.ipv4.ip_forward=0",
    ),
    "cni-owner": Entry(
        "give it to root",
        "chown -R root:root /opt/cni/bin",
        "/opt/cni/bin and all in it belong to root.",
        USER,
        SAFE,
        "chown -R {0} /opt/cni/bin",
    ),
    "label-restore": Entry(
        "restore the label", "restorecon -v {0}", "{0} has the label of SELinux's policy.", LABELLED, SAFE
    ),
    "flags-label-restore": Entry(
        "restore the label",
        "restorecon -v /var/lib/kubelet/kubeadm-flags.env && systemctl restart kubelet",
        "The file has the label of SELinux's policy, and the kubelet is started again.",
    ),
    "kubelet-settings": Entry(
        "write them again",
        "kubeadm upgrade node phase kubelet-config",
        "/var/lib/kubelet/config.yaml is written as the cluster has it.",
    ),
    "certificates-renew": Entry(
        "renew the certificates and restart the control plane's pods",
        "kubeadm certs renew all && crictl stopp $(crictl pods -q --namespace kube-system --label tier=control-plane)",
        "All certificates below /etc/kubernetes are new (the CA stays); API server and etcd of this host stop briefly.",
    ),
    "certificate-again": Entry(
        "make it again",
        _EXTENSIONS + "[ ! -e {base}.$e.old ] || mv {base}.$e.old {base}.$e.old.$(date +%s%N); "
        "[ ! -e {base}.$e ] || mv {base}.$e {base}.$e.old; done; kubeadm init phase certs {0}",
        "Certificate and key are made again by the CA that is there; the old files stay as .old beside them, those of "
        "an earlier time as .old with a number.",
        PHASE,
        CONFIRM,
        _EXTENSIONS + "[ ! -e {base}.$e.old ] || mv {base}.$e.old {base}.$e; done",
    ),
    "kube-vip-restart": Entry(
        "restart kube-vip", "crictl stop $(crictl ps -q --name kube-vip)", "The VIP is away for some seconds."
    ),
    "port-9345-firewalld": Entry(
        "open it",
        "firewall-cmd --add-port=9345/tcp --permanent && firewall-cmd --reload",
        "Every machine may connect to port 9345.",
        NOTHING,
        CONFIRM,
        "firewall-cmd --remove-port=9345/tcp --permanent && firewall-cmd --reload",
    ),
    "port-9345-ufw": Entry(
        "open it",
        "ufw allow 9345/tcp",
        "Every machine may connect to port 9345.",
        NOTHING,
        CONFIRM,
        "ufw delete allow 9345/tcp",
    ),
}
"""Names to fixes. None removes data, resets the host, or changes the members of etcd."""


class Repair(NamedTuple):
    """An entry with its value, checked: `command` and `undo` ("" for none) are complete lines for a shell of root."""

    name: str
    value: str
    title: str
    command: str
    undo: str
    changes: str
    danger: str
    may_cut: bool

    @property
    def id(self) -> str:
        """Return the name that a finding and the command line have for it."""
        return f"{self.name}:{self.value}" if self.value else self.name


def repair(text: str) -> Repair:
    """Return the fix that `NAME` or `NAME:VALUE` names. Raises `InvalidInput` for what is not in the catalogue."""
    name, _, value = text.partition(":")
    entry = ENTRIES.get(name)
    if entry is None or entry.value.fullmatch(value) is None:
        raise InvalidInput(f"There is no fix {clean(text, 80)}.", f"Fixes: {', '.join(ENTRIES)}.")
    return _filled(name, entry, value, word(value))


def fix_of(name: str, value: str = "", title: str = "") -> Fix:
    """Return a fix of the catalogue as a finding shows it; `title` is another one.

    With a value that the catalogue does not take it is shown all the same, as one word, and cannot be applied. `value`
    may be `{runtime}` or `{kubelet}`, which `rules.units.fitted` replaces.
    """
    entry, later = ENTRIES[name], value in LATER
    filled = _filled(name, entry, value, value if later else word(value))
    known = later or entry.value.fullmatch(value) is not None
    return Fix(title or filled.title, filled.command, entry.danger, filled.undo or NO_UNDO, filled.id if known else "")


def _filled(name: str, entry: Entry, value: str, quoted: str) -> Repair:
    def fill(template: str) -> str:
        base = f"/etc/kubernetes/pki/{PHASES.get(value, '')}"
        return template.replace("{base}", base).replace("{0}", quoted)

    undo = "" if entry.undo == NO_UNDO else fill(entry.undo)
    title, changes = (text.replace("{0}", value) for text in (entry.title, entry.changes))
    return Repair(name, value, title, fill(entry.command), undo, changes, entry.danger, entry.may_cut)
