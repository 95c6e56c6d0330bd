"""What a fault of a host is: how it is made, how it is taken back, and which first cause is right."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["real", "replayed"]
"""`replayed`: a stand-in prints the message of the program that is not there."""
Prop = Literal["", "kubernetes"]
"""What the host needs before: real etcd (three members), containerd, and certificates of kubeadm."""


class Fault(NamedTuple):
    """One fault. `first` are symptoms that are right as the first cause.

    `inject` and `undo` are scripts for the host; `$NET` is the network's first three numbers, `$DISK` an ext4 of 48 MB.
    `other` and `other_undo` run on its neighbour. `clock` shifts the clock of the host's `date`. `settle` is seconds.
    """

    name: str
    first: tuple[str, ...]
    inject: str
    undo: str = ""
    other: str = ""
    other_undo: str = ""
    clock: str = ""
    settle: float = 2.0
    kind: Kind = "real"
    prop: Prop = ""


AGENT = "systemctl restart edgewright-agent --no-block"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
LAST_YEAR = f"LD_PRELOAD={FAKETIME} FAKETIME=-400d "
"""Before a program that is to make a certificate of last year."""
AUTHENTICATION = (
    "authentication: {webhook: {enabled: false}, anonymous: {enabled: true}}\\nauthorization: {mode: AlwaysAllow}\\n"
)
"""What a kubelet without an API server needs in its settings."""
UNIT = "/etc/systemd/system/edgewright-agent.service"
PKI = "/etc/kubernetes/pki"
SAVE_PKI, RESTORE_PKI = f"cp -a {PKI} /run/pki; ", f"rm -rf {PKI}; mv /run/pki {PKI}"
API_REQUEST = f"openssl req -new -key {PKI}/apiserver.key -subj /CN=kube-apiserver -out /run/a.csr 2>/dev/null; "
SIGNED_LAST_YEAR = (
    f"{LAST_YEAR}openssl x509 -req -in /run/a.csr -CA {PKI}/ca.crt -CAkey {PKI}/ca.key -CAcreateserial -days 30 -out "
)
"""Before the file of a certificate that has expired, of the request in `/run/a.csr`."""
SAVE_NAMES, RESTORE_NAMES = "cp -L /etc/resolv.conf /run/resolv; ", "cp /run/resolv /etc/resolv.conf; "
PALETTE = (
    "systemctl disable -q --now edgewright-agent; mv /etc/systemd/system/edgewright-agent.service /run/unit; "
    "systemctl daemon-reload"
)
"""Takes our agent away, for one of Palette's."""
NO_PALETTE = f"mv /run/unit {UNIT}; systemctl daemon-reload; systemctl enable -q edgewright-agent; {AGENT}"
KUBELET = (
    "printf '[Service]\\nExecStart=/opt/case/bin/kubelet --config /var/lib/kubelet/config.yaml\\nRestart=always\\n"
    "RestartSec=2\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/kubelet.service; "
    "systemctl daemon-reload; systemctl enable -q kubelet; systemctl start --no-block kubelet"
)
"""Starts a genuine kubelet with the settings that the host has."""


def on_disk(folder: str, options: str = "", make: str = "") -> str:
    """Return what puts a folder with its content on a small disk of its own."""
    return (
        f"mkdir -p {folder} /mnt/case; mkfs.ext4 -q -F {make} $DISK; mount $DISK /mnt/case; "
        f"cp -a {folder}/. /mnt/case/; umount /mnt/case; mount {options} $DISK {folder}; "
    )


def fill(folder: str) -> str:
    """Return what fills the file system of a folder."""
    return f"dd if=/dev/zero of={folder}/filler bs=64k 2>/dev/null; dd if=/dev/zero of={folder}/filler2 bs=512 2>/dev/null; "


def unmount(folder: str) -> str:
    """Return what takes `on_disk` back."""
    return f"umount -l {folder}; sleep 0.2; "


def drop_in(text: str) -> str:
    """Return what changes the agent's unit by a drop-in and restarts it."""
    return (
        "mkdir -p /run/systemd/system/edgewright-agent.service.d; "
        f"printf '{text}' >/run/systemd/system/edgewright-agent.service.d/case.conf; systemctl daemon-reload; {AGENT}; "
    )


NO_DROP_IN = f"rm -rf /run/systemd/system/edgewright-agent.service.d; systemctl daemon-reload; systemctl reset-failed edgewright-agent 2>/dev/null; {AGENT}; "


def saying(unit: str, message: str, *, ends: bool = False) -> str:
    """Return what runs a stand-in for a unit that prints a message, and then runs on or ends with 1."""
    last = "exit 1" if ends else "exec sleep 100000"
    restart = "Restart=always\\nRestartSec=2\\n" if ends else ""
    return (
        f"mkdir -p /opt/case; cat >/opt/case/{unit} <<'END'\n#!/bin/sh\ncat <<'TEXT'\n{message}\nTEXT\n{last}\nEND\n"
        f"chmod +x /opt/case/{unit}; "
        f"printf '[Service]\\nExecStart=/opt/case/{unit}\\n{restart}[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/{unit}.service; "
        f"systemctl daemon-reload; systemctl enable -q {unit}; systemctl restart --no-block {unit}; "
    )


def silent(unit: str) -> str:
    """Return what takes `saying` back."""
    return (
        f"systemctl disable -q --now {unit}; rm -f /etc/systemd/system/{unit}.service /opt/case/{unit}; "
        "systemctl daemon-reload; systemctl reset-failed; "
    )


def cmdline(words: str) -> str:
    """Return what shows another kernel command line."""
    return f"echo '{words}' >/run/case-cmdline; mount --bind /run/case-cmdline /proc/cmdline; "


NO_CMDLINE = "umount /proc/cmdline; "


def endpoint(host: str) -> str:
    """Return what gives the agent another endpoint."""
    return (
        f"cp -p {UNIT} /run/case-unit; cp -p /etc/edgewright/user-data /run/case-data; "
        f'sed -i "s,https://[^ ]*:8443,https://{host}," {UNIT} /etc/edgewright/user-data; systemctl daemon-reload; {AGENT}; '
    )


NO_ENDPOINT = (
    f"cp -p /run/case-unit {UNIT}; cp -p /run/case-data /etc/edgewright/user-data; systemctl daemon-reload; {AGENT}; "
)
