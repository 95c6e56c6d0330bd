"""The two stages of a start. Early: mounts, names, accounts, network. Late: the judgement, `boot` and `network`."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict, List, Mapping, Tuple

from edgewright.agent.appliance import accounts, bootloader, documents, mounts, network, stages
from edgewright.agent.appliance import paths as places
from edgewright.agent.appliance.install_spec import read_install_spec
from edgewright.agent.appliance.paths import below
from edgewright.agent.appliance.runner import Runner, read_text, write_file
from edgewright.agent.kernel.console import milestone
from edgewright.core.cloudconfig.userdata import Site, site_of
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean

Announce = Callable[[str], None]
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
HOST_KEYS = ("ed25519", "ecdsa")


def early(runner: Runner, report: Announce = milestone, root: str = "/") -> int:
    """Do what must be there before services start. Returns 0 even when parts failed: each is reported."""
    slot = bootloader.slot_of(read_text(below(root, "/proc/cmdline")))
    missing: List[str] = []
    document: Dict[str, Any] = {}
    if slot in places.SLOTS:
        missing = mounts.mount_all(mounts.base_mounts(), runner, report, mounts.wait_for)
        document = read_configuration(report, root)
        folders = [*mounts.PERSISTENT, *_bind_specs(document, report)]
        if places.L_PERSISTENT not in missing:
            mounts.bind_all(folders, runner, report, root)
        extra = mounts.extra_mounts(read_text(below(root, places.OEM + "/edgewright-extra-partitions")))
        mounts.mount_all(extra, runner, report, mounts.wait_for)
        os.makedirs(below(root, places.DATA), mode=0o700, exist_ok=True)
    elif slot == "live":
        report("live system up")
        document = _live_configuration(report, root)
    else:
        report("the kernel line names no slot that is known here; nothing is mounted")
    for stage in ("rootfs", "fs", "initramfs") if slot in places.SLOTS else ():
        stages.run_stage(document, stage, runner, report, root=root)
    people(document, runner, report, root)
    write_network(document, report, root)
    _host_name(document, runner, report, root)
    _certificates(document, report, root)
    _host_keys(runner, report, root)
    _save({"slot": slot, "missing": missing, "judged": False}, root)
    return 0


def late(runner: Runner, report: Announce = milestone, root: str = "/") -> int:
    """Print which slot runs, mark the boot as good, then run what `boot` and `network` of the user-data ask for."""
    slot = bootloader.slot_of(read_text(below(root, "/proc/cmdline")))
    state = _load(root)
    if slot not in places.SLOTS:
        return 0
    report(f"booted slot {slot}")
    good = not state.get("missing") and state.get("slot") == slot
    sentence = mark(slot, good, report, root)
    _save({**state, "judged": True, "sentence": sentence}, root)
    document = read_configuration(report, root)
    for stage in ("boot", "network"):
        stages.run_stage(document, stage, runner, report, root=root)
    block = document.get("stages")
    if isinstance(block, Mapping) and any(str(name).split(".")[0] == "reconcile" for name in block):
        report("the stage reconcile is not run by this appliance")
    return 0


def mark(slot: str, good: bool, report: Announce, root: str = "/") -> str:
    """Write the judgement of this boot where GRUB reads it; return the sentence for the operator."""
    path = below(root, places.GRUBENV)
    try:
        with open(path, "r+b") as file:
            judged = bootloader.judge(bootloader.read_env(file.read(bootloader.ENV_SIZE)), slot, good)
            file.seek(0)
            file.write(bootloader.env_text(judged.values))  # in place: GRUB reads no journal
            file.flush()
            os.fsync(file.fileno())
    except (OSError, EdgewrightError) as error:
        sentence = f"The boot cannot be marked as good: {clean(error, 200)}."
        report(sentence)
        return sentence
    if judged.sentence:
        report(judged.sentence)
    return judged.sentence


def read_configuration(report: Announce, root: str = "/") -> Dict[str, Any]:
    """Return the box's configuration: files of /usr/local/cloud-config, then of /oem, later ones over earlier."""
    layers: List[documents.Layer] = []
    for folder in (places.PERSISTENT + "/cloud-config", places.OEM):
        where = below(root, folder)
        try:
            names = sorted(name for name in os.listdir(where) if name.endswith((".yaml", ".yml")))
        except OSError:
            continue
        for name in names:
            try:
                result = documents.scan(where, [name])
            except EdgewrightError as error:
                report(error.message)
                continue
            layers += result.layers
    try:
        return documents.merge(layers)
    except EdgewrightError as error:
        report(error.message)
        return {}


def _live_configuration(report: Announce, root: str) -> Dict[str, Any]:
    try:
        return documents.merge(documents.scan(below(root, places.LIVE)).layers)
    except EdgewrightError as error:
        report(error.message)  # the installer reports it again and stops; the console must start in any case
        return {}


def _bind_specs(document: Mapping[str, Any], report: Announce) -> Tuple[str, ...]:
    try:
        spec = read_install_spec(document)
    except EdgewrightError as error:
        report(error.message)
        return ()
    return (*spec.bind_mounts, *spec.extra_dirs)


def site(document: Mapping[str, Any]) -> Site:
    """Return the site of a document; an empty one when it has none that can be read."""
    try:
        return site_of(document)
    except EdgewrightError:
        return Site({})


def people(document: Mapping[str, Any], runner: Runner, report: Announce, root: str = "/") -> None:
    """Make the accounts of the document; what fails is reported."""
    try:
        users = accounts.users_of(document)
    except EdgewrightError as error:
        report(error.message)
        return
    for user in users:
        try:
            accounts.ensure(user, runner, report, root)
        except (EdgewrightError, OSError) as error:
            report(f"the account {user.name} is not as asked for: {clean(getattr(error, 'message', error), 200)}")


def write_network(document: Mapping[str, Any], report: Announce, root: str = "/") -> None:
    """Write the network files of the document; a card with mistakes is reported and takes DHCP."""
    good = []
    for card in network.read_cards(document):
        wrong = network.check_card(card)
        if wrong:
            report(f"the network card {clean(card.name, 20)} takes DHCP: {wrong[0]}")
        else:
            good.append(card)
    names = network.read_names(document)
    if network.check_names(names):
        report(network.check_names(names)[0])
        names = network.Names()
    folder = below(root, network.FOLDER)
    texts = network.files(good, names, site(document).ntp_servers)
    try:
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if "-edgewright-" in name and f"{network.FOLDER}/{name}" not in texts:
                os.unlink(os.path.join(folder, name))
        for path, text in texts.items():
            write_file(below(root, path), text.encode())
    except OSError as error:
        report(f"the network settings cannot be written: {error.strerror}")


def _host_name(document: Mapping[str, Any], runner: Runner, report: Announce, root: str) -> None:
    name = site(document).host_name or str(document.get("hostname") or "")
    if name and "{{" not in name:
        try:
            accounts.set_host_name(name, runner, root)
        except (EdgewrightError, OSError) as error:
            report(clean(getattr(error, "message", error), 200))


def _certificates(document: Mapping[str, Any], report: Announce, root: str) -> None:
    pems = [text for text in site(document).ca_certs if "-----BEGIN CERTIFICATE-----" in text]
    path = below(root, CA_BUNDLE)
    if not pems:
        return
    try:
        before = read_text(path, 16 << 20)
        fresh = [pem.strip() for pem in pems if pem.strip() not in before]
        if fresh:
            write_file(path, (before.rstrip() + "\n" + "\n".join(fresh) + "\n").lstrip().encode())
    except OSError as error:
        report(f"the CA certificates cannot be added to the system's: {error.strerror}")


def _host_keys(runner: Runner, report: Announce, root: str) -> None:
    for kind in HOST_KEYS:
        path = below(root, f"/etc/ssh/ssh_host_{kind}_key")
        parts = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path]
        wanted = os.path.isdir(os.path.dirname(path)) and not os.path.exists(path)
        if wanted and not runner.succeeds(parts):
            report(f"no SSH host key of the kind {kind} could be made")


def _save(state: Mapping[str, Any], root: str) -> None:
    try:
        write_file(below(root, places.BOOT_STATE), json.dumps(state).encode())
    except OSError:
        pass  # only the console screen reads it


def _load(root: str) -> Dict[str, Any]:
    try:
        body = json.loads(read_text(below(root, places.BOOT_STATE)))
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
