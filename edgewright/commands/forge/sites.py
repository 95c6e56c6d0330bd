"""Actions: the verb that makes the installers of many sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgewright.commands.forge.background import terminated_is_cancelled
from edgewright.commands.forge.checked import as_check, read_user_data, refuse_errors
from edgewright.commands.forge.jobs import work
from edgewright.commands.forge.userdata_plane import ask
from edgewright.commands.forge.verbs import sites as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.core.errors import Failed, UsageError
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.modes import warnings
from edgewright.forge.iso.suits import for_base
from edgewright.forge.iso.write import check_base
from edgewright.forge.progress import Job, size
from edgewright.forge.sites.make import Made, check_sites, make_isos, make_seeds, write_index
from edgewright.forge.sites.projects import check_projects
from edgewright.forge.sites.rows import Plan as SitePlan
from edgewright.forge.sites.rows import read_plan


class ForgeSites(declared.ForgeSites):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Check every site, then write. Raises `InvalidInput` when rows are wrong (each is reported), `Conflict`."""
        if args["whole"] != bool(args["base"]):
            raise UsageError(
                "--whole and --base belong together.", "Give both for complete ISOs, neither for seeds.", "Usage"
            )
        file, out = Path(args["plan"]), Path(args["out"])
        base = Path(args["base"]) if args["base"] else None
        known = identify(base) if base is not None else None
        if known is not None:
            check_base(known)  # before anything is made
        sites: SitePlan = read_plan(file)
        common = read_user_data(Path(args["base_user_data"]), args["profile"])
        findings = check_sites(common.document, sites, profile=args["profile"])
        if known is not None:
            findings = for_base(findings, known)
        if not args["offline"] and any(site.project for site in sites.sites):
            plane = await ask(ctx, common.document)
            findings = [*findings, *check_projects(sites, plane.projects, plane.why or "the plane could not be asked")]
        refuse_errors(findings, str(file), report, "Correct the rows, then run it again.")
        try:
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Failed(f"{out} cannot be made: {error.strerror}.", "Give another folder.") from None

        def make(job: Job) -> list[Made]:
            if base is None:
                return make_seeds(sites, out, job)
            return make_isos(sites, base, common.document, out, job, checks=[as_check(findings)])

        with terminated_is_cancelled():
            made = await work(make, report)
        if known is not None:
            for sentence in warnings("Each of them", known.boot_modes):
                report(f"warning: {sentence}")
        index = write_index(out, file, made, complete=bool(args["whole"]), base=base)
        return Outcome(tuple(str(item.file) for item in made), result=_listing(made, index))


def _listing(made: list[Made], index: Path) -> Any:
    columns = (Column("SITE"), Column("ADDRESS"), Column("FILE"), Column("SIZE", right=True), Column("STATE"),
               Column("SHA256", wide=True))  # fmt: skip
    items = []
    for item in made:
        state = "unchanged" if item.unchanged else "made"
        address = item.site.address or "dhcp"
        cells = (item.site.name, address, item.file.name, size(item.size), state, item.sha256)
        document = {
            "name": item.site.name,
            "file": str(item.file),
            "size": item.size,
            "sha256": item.sha256,
            "state": state,
        }
        items.append(Item(str(item.file), cells, document))
    stored = sum(item.unchanged for item in made)
    note = f"{len(made) - stored} made, {stored} unchanged; index: {index}"
    return Listing(columns, tuple(items), note=note)
