"""`install` of the user-data, typed; what is unknown or not supported here is reported, never dropped."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

PARTS = ("oem", "recovery", "state", "persistent")
FILE_SYSTEMS = ("ext4", "ext3", "ext2", "xfs", "vfat")
_KNOWN = frozenset(
    [
        *("auto", "device", "reboot", "poweroff", "nousers", "no-format", "force"),
        *(
            "grub_options",
            "bind_mounts",
            "partitions",
            "extra-partitions",
            "extra-dirs-rootfs",
            "system",
            "grub-entry-name",
        ),
    ]
)
_UNSUPPORTED = frozenset(
    [
        *("source", "bundles", "env", "ephemeral_mounts", "encrypted_partitions", "skip_copy_kcrypt_plugin", "passive"),
        *("recovery-system", "ssh_hardening", "allow-insecure-registries", "image"),
    ]
)
_YES = frozenset(["true", "yes", "on"])


class Part(NamedTuple):
    """A partition as asked for: its size in MiB (0: by rule), its file system, its label and name."""

    size: int = 0
    fs: str = "ext4"
    label: str = ""
    name: str = ""


class InstallSpec(NamedTuple):
    """The `install` block of the user-data; sizes in MiB."""

    auto: bool = False
    device: str = ""
    reboot: bool = False
    poweroff: bool = False
    no_format: bool = False
    force: bool = False
    parts: Mapping[str, Part] = {}
    extra: Tuple[Part, ...] = ()
    extra_dirs: Tuple[str, ...] = ()
    bind_mounts: Tuple[str, ...] = ()
    extra_cmdline: str = ""
    grub_options: Mapping[str, str] = {}
    entry_name: str = ""
    system_size: int = 0
    notices: Tuple[str, ...] = ()

    @property
    def by_itself(self) -> bool:
        """Whether the installation begins without an operator."""
        return self.auto or bool(self.device)


def read_install_spec(document: Mapping[str, Any]) -> InstallSpec:
    """Return the spec of a user-data document. Raises `InvalidInput` for a value that no installation can follow."""
    block = document.get("install")
    if block is None:
        return InstallSpec()
    if not isinstance(block, Mapping):
        raise InvalidInput("install of the user-data is not a map of keys.", "Correct the user-data.")
    messages = [_foreign(str(key)) for key in block if key not in _KNOWN]
    device = _text(block.get("device"))
    auto = flag(block.get("auto"))
    if device == "auto":
        auto, device = True, ""
    if device.startswith("script://"):
        raise InvalidInput("install.device is a script, which is not run here.", "Give auto or a /dev/... path.")
    if device and not device.startswith("/dev/"):
        raise InvalidInput(f"install.device is not a device: {clean(device, 80)}.", "Give auto or a /dev/... path.")
    if flag(block.get("reboot")) and flag(block.get("poweroff")):
        raise InvalidInput("install.reboot and install.poweroff are both set.", "Remove all but one of them.")
    options = {key: _text(value) for key, value in _map(block, "grub_options").items()}
    messages += [
        f"install.grub_options.{key} is not used by this appliance."
        for key in options
        if key not in ("extra_cmdline", "extra_active_cmdline", "extra_passive_cmdline", "extra_recovery_cmdline")
    ]
    system = _map(block, "system")
    messages += [f"install.system.{key} is not used by this appliance." for key in system if key != "size"]
    return InstallSpec(
        auto=auto,
        device=device,
        reboot=flag(block.get("reboot")),
        poweroff=flag(block.get("poweroff")),
        no_format=flag(block.get("no-format")),
        force=flag(block.get("force")),
        parts=_parts(_map(block, "partitions"), messages),
        extra=_extra(block.get("extra-partitions")),
        extra_dirs=_paths(block, "extra-dirs-rootfs"),
        bind_mounts=_paths(block, "bind_mounts"),
        extra_cmdline=options.get("extra_cmdline", ""),
        grub_options=options,
        entry_name=_text(block.get("grub-entry-name")),
        system_size=_size(system.get("size"), "install.system.size"),
        notices=tuple(messages),
    )


def _foreign(key: str) -> str:
    if key in _UNSUPPORTED:
        return f"install.{key} is not supported by this appliance and is left out."
    return f"install.{clean(key, 60)} is not known and is left out."


def _parts(block: Mapping[str, Any], messages: List[str]) -> Dict[str, Part]:
    matches = {}
    for key, value in block.items():
        if key not in PARTS:
            messages.append(f"install.partitions.{clean(key, 60)} is not known and is left out.")
        elif isinstance(value, Mapping):
            where = f"install.partitions.{key}"
            matches[key] = Part(_size(value.get("size"), where + ".size"), _fs(value.get("fs"), where + ".fs"))
        elif value is not None:
            raise InvalidInput(f"install.partitions.{key} is not a map of size and fs.", "Correct the user-data.")
    return matches


def _extra(value: Any) -> Tuple[Part, ...]:
    matches: List[Part] = []
    for at, item in enumerate(value if isinstance(value, list) else []):
        where = f"install.extra-partitions[{at}]"
        name = _text(item.get("name")) if isinstance(item, Mapping) else ""
        if not name:
            raise InvalidInput(f"{where} has no name.", "Give each extra partition a name.")
        fs = _fs(item.get("fs"), where + ".fs")
        label = _text(item.get("label")) or name
        if len(label.encode()) > (11 if fs == "vfat" else 12 if fs == "xfs" else 16):
            raise InvalidInput(f"{where}.label is too long for {fs}: {clean(label, 40)}.", "Shorten the label.")
        if label.startswith("COS_") or any(label == other.label for other in matches):
            raise InvalidInput(f"{where}.label {clean(label, 40)} is taken.", "Give it a label of its own.")
        matches.append(Part(_size(item.get("size"), where + ".size"), fs, label, name))
    return tuple(matches)


def _size(value: Any, where: str) -> int:
    if value is None or value == "":
        return 0
    number: Optional[int] = value if isinstance(value, int) and not isinstance(value, bool) else None
    if number is None and isinstance(value, str) and value.isdigit():
        number = int(value)
    if number is None or not 0 <= number <= 1 << 30:
        raise InvalidInput(f"{where} is not an integer (MiB): {clean(value, 40)}.", "Write it like 8192.")
    return number


def _fs(value: Any, where: str) -> str:
    fs = _text(value) or "ext4"
    if fs not in FILE_SYSTEMS:
        raise InvalidInput(f"{where} names the file system {clean(fs, 40)}.", f"Use one of {', '.join(FILE_SYSTEMS)}.")
    return fs


def _paths(block: Mapping[str, Any], key: str) -> Tuple[str, ...]:
    value = block.get(key)
    paths = []
    for item in value if isinstance(value, list) else [value] if value else []:
        path = "/" + _text(item).strip("/")
        if path == "/" or any(part in ("..", ".") for part in path.split("/")):
            raise InvalidInput(
                f"install.{key} contains no directory: {clean(item, 80)}.", "Write paths like /var/lib/mine."
            )
        paths.append(path)
    return tuple(paths)


def _map(block: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = block.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"install.{key} is not a map of keys.", "Correct the user-data.")
    return value


def flag(value: Any) -> bool:
    """Return whether a value of user-data means yes."""
    return value is True or _text(value).lower() in _YES


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list, bool)) else str(value).strip()
