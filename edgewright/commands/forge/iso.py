"""Verbs that make installer ISOs and look at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.forge.iso.facts import Base
    from edgewright.forge.manifest import Manifest


class ForgeIso(Command):
    """Make an installer ISO from a base and user-data; the base is never changed, and what was written is verified.

    A base is an ISO of Kairos's layout: Palette's, Kairos's own, or one of `edgewright forge base`; any other is
    refused, since its installer would not read the user-data. The user-data takes the place of the config that the
    base has. `-o OUT.iso` names the new file; with it comes a manifest.
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
        Param("profile", "whose rules the user-data follows", "--profile", choices=("palette", "kairos"),
              default="palette"),
        Param("any_base", "take a base whose installer is not known to read user-data; the result is unproven",
              "--any-base", kind="flag"),
        Param("force", "replace OUT.iso when it is there", "--force", kind="flag"),
    )  # fmt: skip

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Refuse what could not be made: a base that does not suit, a place that is taken. Raises as `apply`."""
        from edgewright.forge.iso.identify import identify
        from edgewright.forge.iso.write import check_base, check_out

        base = Path(args["base"])
        check_out(base, Path(args["out"]), force=args["force"])
        check_base(identify(base), any_base=args["any_base"])
        return await super().plan(ctx, targets, args)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Check the user-data, write, verify. Raises `InvalidInput` with what the check found."""
        from edgewright.commands.forge.background import terminated_is_cancelled
        from edgewright.commands.forge.checked import as_check, ask_online, read_user_data, refuse_errors
        from edgewright.commands.forge.jobs import work
        from edgewright.commands.kernel.results import Text
        from edgewright.forge.iso import modes, suits
        from edgewright.forge.iso.identify import identify
        from edgewright.forge.iso.write import check_base, check_out, make_iso
        from edgewright.forge.reservation import reserved

        base, out = Path(args["base"]), Path(args["out"])
        check_out(base, out, force=args["force"])
        known = identify(base)
        check_base(known, any_base=args["any_base"])
        for sentence in (known.foreign, *known.notes):
            if sentence and not (known.partition_broken and known.partition_broken in sentence):  # rewriting repairs it
                report(f"warning: {sentence}")
        user_data = read_user_data(Path(args["user_data"]), args["profile"])
        refuse_errors([f for f in user_data.findings if f.severity == "error"], args["user_data"], report)
        asked = await ask_online(ctx, user_data, offline=args["offline"])
        findings = suits.for_base([*user_data.findings, *asked.findings], known)
        refuse_errors(findings, args["user_data"], report)
        custom, cluster = args["edge_custom_config"], args["cluster_definition"]
        with terminated_is_cancelled(), reserved(out):
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
                    any_base=args["any_base"],
                ),
                report,
            )
        for sentence in modes.warnings(out.name, modes.modes_of(manifest)):
            report(f"warning: {sentence}")
        return Outcome((str(out),), result=Text(told(out, manifest), manifest, str(out)))


def told(out: Path, manifest: Manifest) -> str:
    """Return the text when an ISO is made: what it is, how sure one may be, what to do next."""
    from edgewright.forge.iso.modes import modes_of, next_lines, summary
    from edgewright.forge.progress import size

    iso, label, boots = manifest["iso"], manifest["label"], modes_of(manifest)
    site = manifest["userData"]
    said = next((check["detail"] for check in manifest["checks"] if check["name"] == "user-data"), "not checked")
    failed = [check for check in manifest["checks"] if not check["ok"]]
    lines = [
        f"{out}  {size(iso['size'])}",
        f"  sha256      {iso['sha256']}",
        f"  label       {label}: {sum(check['ok'] for check in manifest['checks'])} checks passed"
        + (f", {len(failed)} failed" if failed else "")
        + ", not yet booted",
        *(f"  failed      {check['name']}: {check['detail']}" for check in failed),
        f"  user-data   {said}",
        f"  config      {site['path']}"
        + (f", registers with {site['endpoint']}" if site.get("endpoint") else ", names no plane"),
    ]
    if not site.get("disk", "auto"):
        lines.append("  disk        is chosen at the console: neither install.auto nor install.device is set")
    lines += [f"  removed     {path}: it would have been merged into the user-data" for path in manifest["removed"]]
    lines += [
        f"  boots       {summary(boots)}",
        f"  base        {manifest['base']['file']} ({manifest['base']['os'] or 'unknown system'})",
        *next_lines(out, boots),
    ]
    return "\n".join(lines)


class ForgeIdentify(Command):
    """Show what an ISO is: boot modes, what is inside, its configs, and whether an installer can be made of it."""

    name = "forge identify"
    title = "identify"
    console = False
    online = False
    params = (Param("iso", "the ISO to look at", required=True, kind="file", metavar="ISO"),)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Read it, without mounting; one that is not usable fails with 7. Raises `NotFound`, `Failed`."""
        from edgewright.commands.kernel.results import Detail, Section
        from edgewright.core.errors import InvalidInput
        from edgewright.forge.iso.formats import hint_for
        from edgewright.forge.iso.identify import identify
        from edgewright.forge.manifest import label_of, read_manifest

        path = Path(args["iso"])
        base: Base = identify(path)
        manifest = read_manifest(path)
        facts = base.facts() if manifest is None else (*base.facts(), ("label", label_of(manifest)))
        document = {**base.as_dict(), "label": None if manifest is None else label_of(manifest)}
        result = Detail(str(path), document, path.name, (Section("ISO", facts),))
        if base.refusal:
            code = "BaseForeign" if base.foreign else "BaseRefused"
            return Outcome((), ((str(path), InvalidInput(base.refusal, hint_for(path), code)),), result=result)
        return Outcome((str(path),), result=result)


COMMANDS: tuple[type[Command], ...] = (ForgeIso, ForgeIdentify)
