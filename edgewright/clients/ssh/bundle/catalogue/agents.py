"""The agents: ours and Palette's, their logs, settings and content; journals of all units."""

from __future__ import annotations

from edgewright.clients.ssh.bundle.entries import KB, MB, Entry, command, file, glob, journal

UNITS: tuple[str, ...] = (
    "edgewright-agent", "edgewright-reconciler", "edgewright-containerd", "edgewright-keepalived", "edgewright-images",
    "edgewright-activate", "edgewright-relay", "stylus-agent", "stylus-operator", "spectro-stylus-agent",
    "spectro-stylus-operator", "palette-agent", "palette-tui", "spectro-init", "spectro-palette-agent-start",
    "spectro-palette-agent-initramfs", "spectro-palette-agent-boot", "spectro-palette-agent-network",
    "spectro-palette-agent-bootstrap", "local-ui", "remote-shell", "kairos-agent", "cos-setup-boot",
    "cos-setup-network", "cloud-init", "systemd-timesyncd", "chrony", "chronyd", "systemd-resolved",
    "systemd-networkd", "NetworkManager", "containerd", "crio", "docker", "kubelet", "k3s", "k3s-agent", "rke2",
    "rke2-server", "rke2-agent", "keepalived", "ssh", "sshd", "dropbear",
)  # fmt: skip
"""Units of every mode and version; one that is not there has no entries."""

_STATUS = " ".join(UNITS)
ENTRIES: tuple[Entry, ...] = (
    command("units/status.txt", "status of the units of both agents and of Kubernetes", f"""
for u in {_STATUS}; do systemctl status --no-pager --full -n 5 $u.service 2>/dev/null; done""", 30, MB),
    command("units/files.txt", "unit files of both agents and of Kubernetes", f"""
for u in {_STATUS}; do systemctl cat --no-pager $u.service 2>/dev/null; done""", 20, MB),
    command("agent/state.txt", "state of our agent: files, version, what it reports", r"""
d=/var/lib/edgewright
ls -laR $d 2>/dev/null | head -n 400
[ -r $d/status.json ] && { echo "== status.json"; head -c 65536 $d/status.json; echo; }
[ -r $d/identity.json ] && { echo "== identity.json"; head -c 8192 $d/identity.json; echo; }
edgewright-agent version 2>/dev/null""", size=512 * KB, root="needed"),
    file("agent/journal.jsonl", "/var/lib/edgewright/reconciler/journal.jsonl", "what our agent did", 4 * MB),
    command("palette/state.txt", "files of Palette's agent: version, content, blobs of no size", r"""
ls -la /opt/spectrocloud /opt/spectrocloud/bin /opt/spectrocloud/state /usr/local/spectrocloud /run/stylus /oem \
  2>/dev/null
find /usr/local/spectrocloud/peerbundle/sha256 -type f 2>/dev/null | wc -l
find /usr/local/spectrocloud/peerbundle/sha256 -type f -size 0 2>/dev/null | head -n 50
stylus-agent --version 2>/dev/null || /opt/spectrocloud/bin/palette-agent version 2>/dev/null""", 20, root="needed"),
    file("user-data/oem-userdata.yaml", "/oem/userdata", "user-data of the installer", 256 * KB, document=True),
    file("user-data/oem-90_custom.yaml", "/oem/90_custom.yaml", "user-data of the installer", 256 * KB, document=True),
    file("user-data/stylus_config.yaml", "/oem/stylus_config.yaml", "settings of stylus", 256 * KB, document=True),
    file("user-data/run-stylus.yaml", "/run/stylus/userdata", "user-data as copied", 256 * KB, document=True),
    file("user-data/agent-mode.yaml", "/var/lib/spectro/userdata", "user-data, agent mode", 256 * KB, document=True),
    file("user-data/edgewright.yaml", "/etc/edgewright/user-data", "user-data of our agent", 256 * KB, document=True),
    glob("user-data/oem", "/oem/*.yaml", "other settings of Kairos", 20, 128 * KB)._replace(document=True),
    file("logs/stylus-upgrade.log", "/var/log/stylus-upgrade.log", "upgrades of stylus"),
    file("logs/stylus-upgrade-script.log", "/var/log/stylus-upgrade-script.log", "upgrades of stylus"),
    file("logs/stylus-init-upgrade.log", "/var/log/stylus-init-upgrade.log", "upgrades of stylus"),
    file("logs/stylus-audit.log", "/var/log/stylus-audit.log", "who did what through the Local UI"),
    file("logs/kube-init.log", "/var/log/kube-init.log", "kubeadm init"),
    file("logs/kube-join.log", "/var/log/kube-join.log", "kubeadm join"),
    file("logs/kube-upgrade.log", "/var/log/kube-upgrade.log", "kubeadm upgrade"),
    file("logs/kube-post-init.log", "/var/log/kube-post-init.log", "after kubeadm init"),
    glob("logs/files", "/var/log/files/*", "logs of what Palette ran", 20),
    Entry("journal/kernel.log", "journal of the kernel", "journal", "-k", 4 * MB),
    *(journal(unit) for unit in UNITS),
)  # fmt: skip
