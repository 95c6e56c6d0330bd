"""Verbs that make installer ISOs and look at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.commands.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgewright.commands.context import CommandContext
    from edgewright.forge.iso.facts import Base
    from edgewright.forge.manifest import Manifest


class ForgeIso(Command):
    """Make an installer ISO from a base and user-data; the base is never changed, and what was written is verified.

    A base is an ISO of Kairos's layout: Palette's, Kairos's own, or one of `edgewright forge base`. The user-data
    takes the place of the config that the base has. `-o OUT.iso` names the new file; with it comes a manifest.
    """

    name = "forge iso"
    title = "iso"
    console = False
    online = False
    tells = True
    params = (
        Param("base", "ISO to make it from", "--base", required=True, kind="file", metavar="ISO"),
        Param("user_data", "cloud-config for the box", "--user-data", required=True, kind="file", metavar="FILE"),
        Param("out", "the new ISO (-o OUT.iso does the same)", "--out", required=True, kind="file", metavar="ISO"),
        Param("offline", "check the user-data without asking the plane", "--offline", kind="flag"),
        Param("content", "folder with content bundles (*.zst)", "--content", many=True, kind="file", metavar="DIR"),
        Param("cluster_definition", "exported cluster definition (.tgz)", "--cluster-definition", kind="file",
              metavar="FILE"),
        Param("edge_custom_config", "file with the key that signs content", "--edge-custom-config", kind="file",
              metavar="FILE"),
        Param("profile", "whose rules the user-data keeps to", "--profile", choices=("palette", "kairos"),
              default="palette"),
        Param("force", "replace OUT.iso when it is there", "--force", kind="flag"),
    )  # fmt: skip

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Check the user-data, write, verify. Raises `InvalidInput` with what the check found."""
        from edgewright.commands.background import terminated_is_cancelled
        from edgewright.commands.forge_checked import as_check, ask_online, read_user_data, refuse_errors
        from edgewright.commands.forging import work
        from edgewright.commands.results import Text
        from edgewright.forge.iso.write import check_out, make_iso

        base, out = Path(args["base"]), Path(args["out"])
        check_out(base, out, force=args["force"])
        user_data = read_user_data(Path(args["user_data"]), args["profile"])
        refuse_errors([f for f in user_data.findings if f.severity == "error"], args["user_data"], report)
        asked = await ask_online(ctx, user_data, offline=args["offline"])
        findings = [*user_data.findings, *asked.findings]
        refuse_errors(findings, args["user_data"], report)
        custom, cluster = args["edge_custom_config"], args["cluster_definition"]
        with terminated_is_cancelled():
            manifest = await work(
                lambda job: make_iso(
                    base,
                    user_data.data,
                    out,
                    job,
                    content=[Path(folder) for folder in args["content"]],
                    cluster_definition=Path(cluster) if cluster else None,
                    edge_custom_config=Path(custom) if custom else None,
                    force=args["force"],
                    token_uid=asked.token_uid,
                    checks=[as_check(findings)],
                ),
                report,
            )
        return Outcome((str(out),), result=Text(told(out, manifest), manifest, str(out)))


def told(out: Path, manifest: Manifest) -> str:
    """Return what a person reads when an ISO is made: what it is, how sure one may be, what to do next."""
    from edgewright.forge.progress import size

    iso, label = manifest["iso"], manifest["label"]
    site = manifest["userData"]
    said = next((check["detail"] for check in manifest["checks"] if check["name"] == "user-data"), "not checked")
    lines = [
        f"{out}  {size(iso['size'])}",
        f"  sha256      {iso['sha256']}",
        f"  label       {label}: {sum(check['ok'] for check in manifest['checks'])} checks passed, not yet booted",
        f"  user-data   {said}",
        f"  config      {site['path']}"
        + (f", registers with {site['endpoint']}" if site.get("endpoint") else ", registers with no plane"),
    ]
    lines += [f"  removed     {path}: it would have been merged into the user-data" for path in manifest["removed"]]
    lines += [
        f"  base        {manifest['base']['file']} ({manifest['base']['os'] or 'unknown system'})",
        f"Next: edgewright forge verify {out}   boots it and waits until it registers",
        f"      edgewright forge flash {out}    writes it to a removable disk",
    ]
    return "\n".join(lines)


class ForgeIdentify(Command):
    """Say what an ISO is: boot modes, what is inside, its configs, and whether an installer can be made of it."""

    name = "forge identify"
    title = "identify"
    console = False
    online = False
    params = (Param("iso", "the ISO to look at", required=True, kind="file", metavar="ISO"),)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Read it, without mounting. Raises `NotFound`, `Failed`."""
        from edgewright.commands.results import Detail, Section
        from edgewright.forge.iso.identify import identify
        from edgewright.forge.manifest import label_of, read_manifest

        path = Path(args["iso"])
        base: Base = identify(path)
        manifest = read_manifest(path)
        facts = base.facts() if manifest is None else (*base.facts(), ("label", label_of(manifest)))
        document = {**base.as_dict(), "label": None if manifest is None else label_of(manifest)}
        return Outcome((str(path),), result=Detail(str(path), document, path.name, (Section("ISO", facts),)))


COMMANDS: tuple[type[Command], ...] = (ForgeIso, ForgeIdentify)
