"""A Containerfile run on the base by buildah: no daemon, chroot isolation, its storage in the build's own folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from edgewright.core.errors import EdgewrightError, Failed, NotFound, UsageError
from edgewright.forge import programs
from edgewright.forge.image.bases import Base, Changed, Origin, open_layout
from edgewright.forge.progress import Job
from edgewright.forge.registry.spool import Spool, full
from edgewright.oci import access, credentials, media

NAME = "localhost/edgewright-base:built"


def check(containerfile: Path) -> None:
    """Raise `NotFound` unless file and program are there, `UsageError` for one that takes another base."""
    if not containerfile.is_file():
        raise NotFound(f"There is no Containerfile {containerfile}.", "Check --containerfile.")
    programs.find("buildah")
    lines = [line.split() for line in containerfile.read_text("utf-8", "replace").splitlines()]
    if not any(arguments and arguments[0].upper() == "FROM" for arguments in lines):
        raise UsageError(
            f"{containerfile} has no FROM.", "Begin with: ARG BASE_IMAGE, then FROM ${BASE_IMAGE}; it becomes --base."
        )


def build(
    base: Base,
    source: Origin,
    containerfile: Path,
    spool: Spool,
    job: Job,
    *,
    arch: str,
    epoch: int,
    args: Sequence[str] = (),
    ca: Path | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> Base:
    """Run the Containerfile on `base` and return what came out. Raises `Failed` with the program's last words.

    The first FROM (and the argument BASE_IMAGE) become the base. The folder of the file is the context.
    """
    storage, out = spool.folder / "storage", spool.folder / "built"
    job.step(f"running {containerfile.name} on the base", "steps")
    common = ["--root", str(storage / "root"), "--runroot", str(storage / "run"), "--storage-driver", "vfs"]
    env = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(spool.folder)}
    image = _reference(base, source, spool)
    arguments = ["buildah", *common, "bud", "--isolation", "chroot", "--layers=false", "--format", "oci"]
    arguments += ["--timestamp", str(epoch), "--arch", arch, "--from", image, "--build-arg", f"BASE_IMAGE={image}"]
    for arg in args:
        arguments += ["--build-arg", arg]
    arguments += [*_policy(spool), *_registry(base, spool, ca), "-t", NAME, "-f", str(containerfile.absolute())]
    arguments.append(str(containerfile.absolute().parent))
    done = programs.run(arguments, job, env=env, on_line=on_line)
    if done.code:
        raise _failure(done, containerfile, spool)
    job.step("taking the built image out of its storage", "steps")
    put = ["buildah", *common, "push", "-q", *_policy(spool), "--format", "oci", NAME, f"oci:{out}:built"]
    done = programs.run(put, job, env=env)
    if done.code:
        raise _failure(done, containerfile, spool)
    programs.run(["buildah", *common, "rmi", "-a", "-f"], job, env=env)
    shutil.rmtree(storage, ignore_errors=True)
    built = open_layout(str(out), "oci", arch, spool, job)
    built.config = _without_names(built.config)
    return Changed(base, built, f"{base.name} with {containerfile.name}")


def _without_names(config: dict[str, object]) -> dict[str, object]:
    """Drop what buildah writes of itself into the labels: its version is not a property of the image."""
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    if isinstance(inner, dict) and isinstance(labels, dict):
        stored = {key: value for key, value in labels.items() if key != "io.buildah.version"}
        inner = {key: value for key, value in inner.items() if key != "Labels"} | ({"Labels": stored} if stored else {})
        return {**config, "config": inner}
    return config


def _reference(base: Base, source: Origin, spool: Spool) -> str:
    """Return how buildah names the base; one from a registry by its digest, so that it cannot have moved."""
    if base.reference is not None:
        return f"docker://{base.reference._replace(tag='')}"
    if source.kind in ("oci", "oci-archive"):
        return f"{source.kind}:{Path(source.where).absolute() if ':' not in source.where else source.where}"
    return f"oci:{_as_layout(base, spool)}:base"


def _as_layout(base: Base, spool: Spool) -> Path:
    """Make the spool's own blobs a folder in the OCI layout (an appliance, a docker archive)."""
    path = spool.path(base.digest)
    entry = {"mediaType": media.OCI_MANIFEST, "digest": base.digest, "size": path.stat().st_size}
    entry["annotations"] = {"org.opencontainers.image.ref.name": "base"}
    (spool.folder / "index.json").write_bytes(media.canonical({"schemaVersion": 2, "manifests": [entry]}))
    (spool.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', "utf-8")
    return spool.folder


def _policy(spool: Spool) -> list[str]:
    """Return the words that let buildah take any image where the machine has no policy of its own."""
    home = Path(os.environ.get("HOME") or "/nonexistent")
    if Path("/etc/containers/policy.json").is_file() or (home / ".config/containers/policy.json").is_file():
        return []
    path = spool.folder / "policy.json"
    path.write_text('{"default":[{"type":"insecureAcceptAnything"}]}', "utf-8")
    return ["--signature-policy", str(path)]


def _registry(base: Base, spool: Spool, ca: Path | None) -> list[str]:
    if base.reference is None:
        return []
    host, repository = base.reference.registry, base.reference.repository
    parts = ["--tls-verify=false"] if access.plain_for(host, repository) else []
    for path in credentials.files():
        login = (
            credentials.find(host, repository, {**os.environ, "REGISTRY_AUTH_FILE": str(path)})
            if path.is_file()
            else None
        )
        if login is not None:
            parts += ["--authfile", str(path)]
            break
    if ca is not None:
        folder = spool.folder / "certs"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(ca, folder / "ca.crt")
        parts += ["--cert-dir", str(folder)]
    return parts


def _failure(done: programs.Done, containerfile: Path, spool: Spool) -> EdgewrightError:
    if "no space left on device" in done.text:
        return full(spool.folder.parent)
    arguments = [line for line in done.lines if line.strip()][-3:]
    last = " / ".join(arguments) or f"it ended with {done.code}"
    return Failed(
        f"buildah did not get through {containerfile.name}: {last[:600].rstrip('.')}.",
        "Fix the instruction that it names; nothing was pushed.",
        "BuildFailed",
    )
