"""Pages: the disk, the stages, the base, and what is made."""

from __future__ import annotations

import re
from typing import Any

from edgewright.core.cloudconfig.labels import label_problem
from edgewright.core.errors import EdgewrightError
from edgewright.core.installer import checks
from edgewright.core.installer.questions import Answers, Choice, Page, Question
from edgewright.core.installer.stages import problem_in, read_stages
from edgewright.core.installer.when import on

FILE_SYSTEMS = (Choice("ext4", "ext4"), Choice("ext3", "ext3"), Choice("ext2", "ext2"), Choice("vfat", "vfat"))
MAX_SIZE = 64 * 1024 * 1024
"""MiB of the largest partition that is taken: 64 TiB."""
RESERVED_LABELS = frozenset(["COS_GRUB", "COS_OEM", "COS_RECOVERY", "COS_STATE", "COS_PERSISTENT", "COS_LIVE"])


def _device(value: Any, answers: Answers) -> str:
    return (
        ""
        if re.fullmatch(r"/dev/[A-Za-z0-9._:/+-]+", value) and "//" not in value and "/../" not in value
        else ("A disk is named by its path, like /dev/nvme0n1 or /dev/disk/by-id/...")
    )


def _cmdline(value: Any, answers: Answers) -> str:
    if any(not " " <= character <= "~" for character in value) or len(value) > 1024:
        return "Kernel arguments are plain characters on one line, 1024 at most."
    parts = [word for word in value.split() if word.split("=")[0] in ("root", "edgewright.install", "edgewright.slot")]
    return f"{parts[0]} is set by the installer itself." if parts else ""


def _size(value: Any, answers: Answers) -> str:
    return checks.between(value, 64, MAX_SIZE, "A partition's size in MiB")


def _partitions(value: Any, answers: Answers) -> str:
    for field in ("name", "label"):
        texts = [row[field] for row in value if row[field]]
        doubled = next((text for text in texts if texts.count(text) > 1), "")
        if doubled:
            return f"Two partitions have the {field} {doubled}."
    rest = [row["name"] for row in value if row["size"] is None]
    if len(rest) > 1:
        return f"Only one partition can take what is left; {' and '.join(rest[:2])} both would."
    if rest and value[-1]["size"] is not None:
        return f"{rest[0]} takes what is left, so it must be the last one."
    if rest and answers.get("disk.persistent") is None:
        return f"Give the data partition a size on the page before, or nothing is left for {rest[0]}."
    return ""


def _label(value: Any, answers: Answers) -> str:
    if value in RESERVED_LABELS:
        return f"{value} is a partition of the system."
    if value and not checks.LABEL.fullmatch(value):
        return "A label is 1 to 16 of A-Z, a-z, 0-9, '_', '.', '-'."
    problem = label_problem(value, str(answers.get("fs") or "")) if value else ""
    return f"The label {problem}." if problem else ""


def _partition_name(value: Any, answers: Answers) -> str:
    return "" if checks.LABEL.fullmatch(value) else "A name is 1 to 16 of A-Z, a-z, 0-9, '_', '.', '-'."


DISK = Page(
    "disk",
    "Disk",
    "disk",
    "Which disk is installed on?",
    (
        Question("disk.rule", "disk", "choice", "Everything on that disk is lost. The largest one is right when boxes "
                 "differ; name one when it must not touch another.", "auto",
                 (Choice("auto", "the largest one that is not removable"), Choice("path", "a named one"))),
        Question("disk.path", "path", "text", "Names by-id stay the same when disks are added; sda and sdb may swap.",
                 required=True, example="/dev/disk/by-id/...", shown=on("disk.rule", "path"),
                 check=lambda value, a: _device(value, a) if value else ""),
        Question("disk.persistent", "data MiB", "int", "The partition for images, logs and the cluster's data. Empty: "
                 "all that is left on the disk.", placeholder="all that is left", check=_size),
        Question("disk.end", "at the end", "choice", "A box that restarts with the medium still in it would install "
                 "again; the reference appliance notices that, others do not. Switching off is safe with a stick.",
                 "reboot", (Choice("reboot", "restart"), Choice("poweroff", "switch off"),
                            Choice("stay", "stay on the last screen"))),
        Question("disk.cmdline", "kernel", "text", "Further arguments for the kernel of the installed system, for "
                 "hardware that needs them.", placeholder="none", check=_cmdline),
    ),
)  # fmt: skip

PARTITIONS = Page(
    "partitions",
    "Partitions",
    "disk",
    "Are there partitions of your own?",
    (
        Question(
            "disk.extra",
            "partitions",
            "rows",
            "Beside those of the system, for data that must outlive an upgrade and a reset. Leave it empty if none.",
            check=_partitions,
            fields=(
                Question("name", "name", "text", "How it is called in the partition table.", required=True,
                         example="data", check=lambda value, a: _partition_name(value, a) if value else ""),
                Question("size", "MiB", "int", "Empty for the last one: what is left.", placeholder="what is left",
                         check=_size),
                Question("fs", "file system", "choice", "How it is made.", "ext4", FILE_SYSTEMS),
                Question("label", "label", "text", "By which it can be mounted.", placeholder="none", check=_label),
            ),
        ),
    ),
)  # fmt: skip


def _stages(value: Any, answers: Answers) -> str:
    try:
        stages = read_stages(value)
    except EdgewrightError as error:
        return error.message
    return problem_in(stages)


STAGES = Page(
    "stages",
    "Stages",
    "stages",
    "What else happens when the box starts?",
    (
        Question("stages.steps", "YAML", "lines", "Commands and files of your own at fixed points: each stage has a "
                 "list of steps. They run as root at every start. Leave it empty if you do not need it.",
                 example="boot:", check=_stages),
    ),
)  # fmt: skip


def _path(what: str) -> Any:
    return lambda value, answers: "" if not value or value.isprintable() else f"That is not a path of {what}."


BASE = Page(
    "base",
    "Base",
    "base",
    "What does the installer begin from?",
    (
        Question("base.kind", "base", "choice", "A base is an installer without answers: Palette's or Kairos's own, "
                 "or the reference appliance, which is made here from Debian packages (some minutes the first time).",
                 "file", (Choice("file", "an ISO that I have"), Choice("appliance", "the reference appliance"))),
        Question("base.path", "ISO", "file", "It is read and never changed. It must be on this machine.",
                 required=True, example="/path/of/base.iso", shown=on("base.kind", "file", default="file"),
                 check=_path("an ISO")),
    ),
)  # fmt: skip

SITES = ("sites-cidata", "sites-iso")
_sites = on("output.what", *SITES)


def _name(value: Any, answers: Answers) -> str:
    if not checks.FILE_NAME.fullmatch(value):
        return "A name is 1 to 80 of A-Z, a-z, 0-9, '.', '_' and '-'; it becomes the name of the files."
    return "" if not value.lower().endswith(".iso") else "Leave .iso out; it is added."


OUTPUT = Page(
    "output",
    "Output",
    "output",
    "What is made, and where?",
    (
        Question("output.name", "name", "text", "The files are called by it, and hosts carry it as the tag installer.",
                 "installer", required=True, example="shop-2026",
                 check=lambda value, a: _name(value, a) if value else ""),
        Question("output.folder", "folder", "file", "The ISO, its user-data and its manifest are put there. They "
                                                    "contain "
                 "the token: the user-data is readable by you alone, and the ISO is yours to guard.",
                 required=True, example="/path/of/a/folder", check=_path("a folder")),
        Question("output.what", "make", "choice", "For many sites, one ISO with a small seed medium for each site is "
                 "quick to make and to copy; complete ISOs are simpler for the technician at the site.", "one",
                 (Choice("one", "one ISO"), Choice("sites-cidata", "one ISO, and a small seed for each site"),
                  Choice("sites-iso", "a complete ISO for each site"))),
        Question("output.plan", "plan", "file", "The sites with their addresses and tags, as CSV or YAML.",
                 required=True, example="/path/of/plan.csv", shown=_sites, check=_path("a plan")),
    ),
)  # fmt: skip

CONTENT = Page(
    "content",
    "Content",
    "output",
    "What does the box bring along?",
    (
        Question("content.folder", "content", "file", "Image bundles (*.zst) for a site without an uplink; big ones "
                 "are split by themselves.", placeholder="none", check=_path("a folder")),
        Question("content.cluster", "cluster", "file", "An exported cluster definition, with which the box can make "
                 "its cluster without a plane.", placeholder="none", check=_path("a file")),
    ),
)  # fmt: skip


def _until(value: Any, answers: Answers) -> str:
    if value == "registered" and answers.get("plane.mode") == "local":
        return "A box that is managed at its site registers nowhere: prove that it is installed."
    return ""


PROOF = Page(
    "proof",
    "Proof",
    "proof",
    "Is it booted here before you ship it?",
    (
        Question("proof.until", "until", "choice", "A machine in this machine boots the ISO with a one-use token and a "
                 "throw-away identity. What is seen to register is called proven; else it is checked.", "none",
                 (Choice("none", "not now"), Choice("registered", "it is installed and registers with the plane"),
                  Choice("installed", "it is installed and starts from its disk"),
                  Choice("login", "the medium starts and asks for a login")), check=_until),
        Question("proof.firmware", "firmware", "choice", "Take what your boxes have; most have UEFI.", "uefi",
                 (Choice("uefi", "UEFI"), Choice("bios", "BIOS")),
                 shown=lambda a: a.get("proof.until", "none") != "none"),
        Question("proof.secure_boot", "Secure Boot", "flag", "Only what is signed starts then. Boxes that insist on it "
                 "refuse an ISO that is not.", False,
                 shown=lambda a: a.get("proof.until", "none") != "none" and a.get("proof.firmware", "uefi") == "uefi"),
        Question("proof.medium", "medium", "choice", "An ISO can start as a CD and fail as a stick: prove what you "
                 "will use.", "usb", (Choice("usb", "USB stick"), Choice("cd", "CD")),
                 shown=lambda a: a.get("proof.until", "none") != "none"),
    ),
)  # fmt: skip
