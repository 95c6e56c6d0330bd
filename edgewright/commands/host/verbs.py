"""Verbs that show edge hosts, and the one that announces a new one."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target

HOST_SORTS = ("name", "state", "health", "since", "seen", "created")


class HostList(Command):
    """List edge hosts, with a filter: health:unhealthy tag.site:berlin age<2h cpu>=4 text."""

    name = "host list"
    implementation = "host.actions"
    needs = ("CanListHosts",)
    uses = ("CanListFilters",)
    title = "hosts"
    keys = ("2",)
    aliases = ("hosts", "host", "edgehosts", "eh")
    params = (
        Param("filter", "show only what matches", many=True, metavar="FILTER"),
        Param("selector", "label selector: site=berlin,env!=test", flag="--selector", metavar="SELECTOR"),
        Param("saved", "tag filter that the plane stores, by name", flag="--filter", metavar="NAME"),
        Param("sort", "order of the rows", flag="--sort", choices=HOST_SORTS, default="name"),
        Param("limit", "at most this many", flag="--limit", kind="int", metavar="N"),
    )
    opens = "hosts"


class HostShow(Command):
    """Show one edge host: health with its reason and clock, hardware, network, disks, tags."""

    name = "host show"
    implementation = "host.actions"
    needs = ("CanListHosts",)
    uses = ("CanDescribe", "CanListProjects")
    title = "open"
    keys = ("d",)
    aliases = ("describe",)
    scope = "hosts"
    also = ("pulse",)
    target = Target("host", 1, 1)
    over_ssh = True
    opens = "host"


class HostRegister(Command):
    """Pre-register a host: it may then register with its pairing key, or with a token and no key."""

    name = "host register"
    role = "admin"
    implementation = "host.actions"
    needs = ("CanListHosts", "CanRegisterHosts")
    title = "register"
    keys = ("plus",)
    scope = "hosts"
    danger = "write"
    asks = "Pre-register a host"
    params = (
        Param("uid", "the UID that the host will report", required=True, metavar="UID"),
        Param("host_name", "name to show for it", flag="--name", metavar="NAME"),
        Param(
            "tags",
            "tag it, e.g. site:berlin (repeat)",
            flag="--tag",
            many=True,
            metavar="TAG",
            form="e.g. site:berlin; several with spaces between",
        ),
        Param("arch", "its architecture", flag="--arch", choices=("amd64", "arm64"), default="amd64"),
        Param("pairing_key_file", "file with the pairing key it will present", flag="--pairing-key-file", kind="file"),
        Param("make_pairing_key", "make a pairing key and print it", flag="--make-pairing-key", kind="flag"),
    )


COMMANDS: tuple[type[Command], ...] = (HostList, HostShow, HostRegister)
