"""The verb that builds and pushes images: a host's entire system, or one Kubernetes version for hosts of their own."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class ForgeImage(Command):
    """Build an image, push it, sign it and list what is in it: a host's system, or a Kubernetes tree.

    --for appliance: the root of a host (kernel, init, agent) with one Kubernetes version and the three files of an A/B
    slot. --for tree: one Kubernetes version for hosts with a system of their own.
    """

    name = "forge image"
    implementation = "forge.image"
    title = "image"
    danger = "write"
    params = (
        Param(
            "for",
            "what it is for: hosts that run it, or hosts with a system of their own (default appliance with --base)",
            flag="--for",
            choices=("appliance", "tree"),
        ),
        Param(
            "base",
            "appliance: image, oci-archive:FILE, oci:DIR, docker-archive:FILE, appliance:ISO or root:DIR to build on",
            flag="--base",
            metavar="REF",
        ),
        Param("tree", "tree: directory with bin/ cni/ images/ templates/", flag="--tree", kind="file", metavar="DIR"),
        Param(
            "kubernetes",
            "kubeadm:VERSION or k3s:VERSION",
            flag="--kubernetes",
            required=True,
            metavar="DISTRIBUTION:VERSION",
        ),
        Param(
            "push",
            "where it goes; the tag follows from the rest",
            flag="--push",
            required=True,
            metavar="REGISTRY/REPO",
        ),
        Param("pe_version", "appliance: agent version, part of the tag", flag="--pe-version", metavar="VERSION"),
        Param("custom_tag", "last part of the tag", flag="--custom-tag", metavar="TAG"),
        Param("arch", "architecture", flag="--arch", choices=("amd64", "arm64"), default="amd64"),
        Param(
            "binaries",
            "Kubernetes' programs: a directory, URL or image:REF (tree: a directory)",
            flag="--binaries",
            metavar="WHERE",
        ),
        Param("cni", "tree: directory with the CNI plug-ins", flag="--cni", kind="file", metavar="DIR"),
        Param("images", "archives of images to put in: files, directories, URLs", flag="--images", many=True),
        Param("templates", "tree: directory with your own templates", flag="--templates", kind="file", metavar="DIR"),
        Param("checksums", "sha256 lines; needed for what comes from URLs", flag="--checksums", kind="file"),
        Param("overlay", "appliance: directory whose content goes over the root", flag="--overlay", kind="file"),
        Param("containerfile", "appliance: run this on the base first (buildah)", flag="--containerfile", kind="file"),
        Param(
            "build_args",
            "appliance: argument of the Containerfile",
            flag="--build-arg",
            many=True,
            metavar="NAME=VALUE",
        ),
        Param(
            "compression", "of the new layers", flag="--compression", choices=("gzip", "zstd", "none"), default="gzip"
        ),
        Param("os", "appliance: system of the base, if it has no os-release", flag="--os", metavar="NAME:VERSION"),
        Param("carry_tree", "appliance: Kubernetes tree that it carries", flag="--carry-tree", metavar="REF"),
        Param("sign_key", "private key to sign with (cosign's, or PEM)", flag="--sign-key", kind="file"),
        Param(
            "sign_password_file",
            "its password, if COSIGN_PASSWORD is not set",
            flag="--sign-password-file",
            kind="file",
        ),
        Param("sbom", "write the SBOM (SPDX) here too", flag="--sbom", kind="file"),
        Param("ca", "further CA certificates to trust, PEM", flag="--ca", kind="file"),
        Param("temp", "folder for temporary files", flag="--temp", kind="file"),
        Param("replace", "let a tag that exists mean the new image", flag="--replace", kind="flag"),
        Param(
            "driver",
            "canvos builds the image, auroraboot makes an ISO of it",
            flag="--driver",
            choices=("canvos", "auroraboot"),
        ),
        Param("driver_path", "CanvOS's folder, or AuroraBoot's program", flag="--driver-path", kind="file"),
        Param("user_data", "for a driver: the user-data", flag="--user-data", kind="file"),
        Param("out", "for auroraboot: folder of the ISO", flag="--out", kind="file", default="build"),
    )
    online = False
    console = False
    shows_progress = True


COMMANDS: tuple[type[Command], ...] = (ForgeImage,)
