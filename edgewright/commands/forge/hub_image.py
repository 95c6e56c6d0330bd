"""The action that builds and pushes the container image of the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.commands.forge.image_build import signing_key
from edgewright.commands.forge.jobs import work
from edgewright.commands.forge.verbs import hub_image as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.core.errors import NotFound
from edgewright.forge.hubimage.build import Request, build
from edgewright.forge.image.bases import origin
from edgewright.forge.image.drivers import write_file
from edgewright.forge.progress import Job, size
from edgewright.oci.reference import parse


class ForgeHubImage(declared.ForgeHubImage):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check names and return what is pushed where. Raises `InvalidInput`, `NotFound`."""
        origin(args["base"])
        key = args.get("sign_key")
        if key and not Path(key).is_file():
            raise NotFound(f"There is no key {key}.", "Make one with: cosign generate-key-pair")
        request = Request(
            base=args["base"],
            reference=parse(args["push"]),
            compression=args["compression"],
            ca=_path(args.get("ca")),
            temp=_path(args.get("temp")),
            replace=bool(args.get("replace")),
        )
        lines = [f"Base: {request.base}.", f"Signs with {key}." if key else "Does not sign it (no --sign-key)."]
        if request.replace:
            lines.append("If the tag exists, it will mean the new image.")
        reference = str(request.reference)
        return Plan(
            f"Build and push the image of the hub {reference}",
            tuple(lines),
            (reference,),
            (),
            self.cli_line((), args),
            payload=request,
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Build, push, sign; print what was made."""
        request: Request = plan.payload

        def do(job: Job) -> Outcome:
            result = build(request, job, key=signing_key(args))
            document, reference = result.document, str(request.reference)
            if args.get("sbom"):
                write_file(Path(args["sbom"]), result.sbom)
                document["sbom"]["file"] = str(args["sbom"])
            message = f"{reference} is {document['digest']}"
            return Outcome((reference,), result=Text(_text(document), document, reference), message=message)

        return await work(do, report)


def _path(text: Any) -> Path | None:
    return Path(text) if text else None


def _text(document: Mapping[str, Any]) -> str:
    pushed, bill, signature = document["pushed"], document["sbom"], document["signature"]
    sent = f"{pushed['sent']} blobs sent ({size(pushed['sentBytes'])})"
    lines = [
        f"Image       {document['reference']}",
        f"Digest      {document['digest']}",
        f"Base        {document['base']['name']} {document['base']['digest']}",
        f"Size        {size(document['size'])}, linux/{document['architecture']}: {sent}",
        f"SBOM        {bill['digest']} ({bill['packages']} packages"
        + (f", also in {bill['file']})" if bill.get("file") else ")"),
        f"Signature   {'tag ' + signature['tag'] if signature else 'none'}",
        *(f"Note        {warning}" for warning in document["warnings"]),
    ]
    return "\n".join(lines)
