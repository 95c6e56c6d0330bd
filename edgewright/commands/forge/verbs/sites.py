"""The verb that makes the installers of many sites."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class ForgeSites(Command):
    """Make the installers of many sites from one plan: a small seed ISO for each, or complete ISOs.

    The plan is CSV or YAML, one row for each box: name, hostname, nic, address (with prefix), gateway, dns, vlan, mtu,
    project, ntp, tags (key=value;key=value) and tag.KEY. A seed (label cidata) is plugged in beside the common
    installer and lays the site's own keys over its user-data; it contains no token. `--whole` writes everything into an
    ISO of its own for each site, from `--base`.
    """

    name = "forge sites"
    implementation = "forge.sites"
    title = "sites"
    console = False
    online = False
    shows_progress = True
    params = (
        Param("plan", "the plan, .csv or .yaml", required=True, kind="file", metavar="PLAN"),
        Param("base_user_data", "user-data that all sites share", "--base-user-data", required=True, kind="file",
              metavar="FILE"),
        Param("out", "folder for the installers (-o DIR does the same)", "--out", required=True, kind="file",
              metavar="DIR"),
        Param("base", "with --whole: the ISO to make them from", "--base", kind="file", metavar="ISO"),
        Param("whole", "a complete ISO for each site", "--whole", kind="flag"),
        Param("offline", "do not ask the plane for the projects of the plan", "--offline", kind="flag"),
        Param("profile", "whose rules the user-data follows", "--profile", choices=("palette", "kairos"),
              default="palette"),
    )  # fmt: skip


COMMANDS: tuple[type[Command], ...] = (ForgeSites,)
