"""Actions: verbs that make installer ISOs and look at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.commands.forge.background import terminated_is_cancelled
from edgewright.commands.forge.checked import as_check, ask_online, read_user_data, refuse_errors
from edgewright.commands.forge.jobs import work
from edgewright.commands.forge.verbs import iso as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Detail, Section, Text
from edgewright.core.errors import InvalidInput
from edgewright.forge.iso import modes, suits
from edgewright.forge.iso.facts import Base
from edgewright.forge.iso.formats import hint_for
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.modes import modes_of, next_lines, summary
from edgewright.forge.iso.write import check_base, check_out, make_iso
from edgewright.forge.manifest import Manifest, label_of, read_manifest
from edgewright.forge.progress import size
from edgewright.forge.reservation import reserved


class ForgeIso(declared.ForgeIso):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Refuse what could not be made: a base that does not suit, a place that is taken. Raises as `apply`."""
        base = Path(args["base"])
        check_out(base, Path(args["out"]), force=args["force"])
        check_base(identify(base), any_base=args["any_base"])
        return await super().plan(ctx, targets, args)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Check the user-data, write, verify. Raises `InvalidInput` with what the check found."""
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
        return Outcome((str(out),), result=Text(iso_text(out, manifest), manifest, str(out)))


def iso_text(out: Path, manifest: Manifest) -> str:
    """Return the text when an ISO is made: what it is, how sure one may be, what to do next."""
    iso, label, boots = manifest["iso"], manifest["label"], modes_of(manifest)
    site = manifest["userData"]
    message = next((check["detail"] for check in manifest["checks"] if check["name"] == "user-data"), "not checked")
    failed = [check for check in manifest["checks"] if not check["ok"]]
    lines = [
        f"{out}  {size(iso['size'])}",
        f"  sha256      {iso['sha256']}",
        f"  label       {label}: {sum(check['ok'] for check in manifest['checks'])} checks passed"
        + (f", {len(failed)} failed" if failed else "")
        + ", not yet booted",
        *(f"  failed      {check['name']}: {check['detail']}" for check in failed),
        f"  user-data   {message}",
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


class ForgeIdentify(declared.ForgeIdentify):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Read it, without mounting; one that is not usable fails with 7. Raises `NotFound`, `Failed`."""
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
