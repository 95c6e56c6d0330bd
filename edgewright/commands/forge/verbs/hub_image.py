"""The verb that builds and pushes the container image of the hub."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class ForgeHubImage(Command):
    """Build the container image of the hub on a base with Python, push it, and attach its SBOM.

    Needs no Docker. The base has the Python version that runs here; the libraries are those installed here, so the
    image has this machine's architecture. The same inputs give the same bytes.
    """

    name = "forge hub-image"
    implementation = "forge.hub_image"
    title = "hub-image"
    danger = "write"
    params = (
        Param("base", "image (better by digest), oci-archive:FILE, oci:DIR, docker-archive:FILE or root:DIR", "--base",
              required=True, metavar="REF"),
        Param("push", "where it goes", "--push", required=True, metavar="REGISTRY/REPO:TAG"),
        Param("compression", "of the new layers", "--compression", choices=("gzip", "zstd", "none"), default="gzip"),
        Param("sign_key", "private key to sign with (cosign's, or PEM)", "--sign-key", kind="file"),
        Param("sign_password_file", "its password, if COSIGN_PASSWORD is not set", "--sign-password-file", kind="file"),
        Param("sbom", "write the SBOM (SPDX) here too", "--sbom", kind="file"),
        Param("ca", "further CA certificates to trust, PEM", "--ca", kind="file"),
        Param("temp", "folder for temporary files", "--temp", kind="file"),
        Param("replace", "let a tag that exists mean the new image", "--replace", kind="flag"),
    )  # fmt: skip
    online = False
    console = False
    shows_progress = True


COMMANDS: tuple[type[Command], ...] = (ForgeHubImage,)
