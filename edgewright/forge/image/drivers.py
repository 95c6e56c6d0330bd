"""CanvOS and AuroraBoot, for those who have them: their inputs are written, they are run, what they made is collected.

Neither is part of this: CanvOS is a checkout with `earthly.sh` (it needs Docker), AuroraBoot a program.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from edgewright.core.cloudconfig.args.args import read_args
from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.forge import programs
from edgewright.forge.image.checks import sha256
from edgewright.forge.progress import Job
from edgewright.forge.registry.reference import Name


class Artefact(NamedTuple):
    """A file that a driver made."""

    path: Path
    size: int
    sha256: str

    def document(self) -> dict[str, object]:
        """Return it for the result."""
        return {"file": str(self.path), "size": self.size, "sha256": self.sha256}


def args_of(name: Name, arch: str, os_: tuple[str, str] | None, base: str) -> dict[str, str]:
    """Return CanvOS's build arguments for a provider image; its version is always given (without one it builds all)."""
    matches = {
        "IMAGE_REGISTRY": name.registry,
        "IMAGE_REPO": name.repo,
        "CUSTOM_TAG": name.custom_tag,
        "PE_VERSION": name.pe_version,
        "K8S_DISTRIBUTION": name.kubernetes.distribution,
        "K8S_VERSION": name.kubernetes.version,
        "ARCH": arch,
        "BASE_IMAGE": base,
    }
    if os_ is not None:
        matches |= {"OS_DISTRIBUTION": os_[0], "OS_VERSION": os_[1]}
    return matches


def with_args(text: str, wanted: Mapping[str, str]) -> str:
    """Return an `.arg` file with these values; comments, order and all other keys stay."""
    file = read_args(text)
    for key, value in wanted.items():
        file.set(key, value)
    return file.text()


def check_canvos(folder: Path | None) -> Path:
    """Return the checkout of CanvOS. Raises `NotFound` with what to install."""
    if folder is None or not (folder / "earthly.sh").is_file():
        raise NotFound(
            f"There is no CanvOS in {folder or 'any folder that was named'} (no earthly.sh).",
            "Clone CanvOS, check out the tag of your Palette version, and give its folder with --driver-path.",
            "NoProgram",
        )
    if shutil.which("docker") is None:
        raise NotFound("CanvOS needs Docker, and there is no program docker.", "Install Docker.", "NoProgram")
    return folder.absolute()


def canvos(
    folder: Path, name: Name, args: Mapping[str, str], user_data: Path | None, job: Job, on_line: Callable[[str], None]
) -> list[Artefact]:
    """Write `.arg` (and `user-data`), build the provider image, push it with Docker; return what is in `build/`.

    Raises `Failed` with the last words of the program that failed.
    """
    own = folder / ".arg"
    template = own if own.is_file() else folder / ".arg.template"
    write_file(own, with_args(template.read_text("utf-8") if template.is_file() else "", args).encode())
    if user_data is not None:
        write_file(folder / "user-data", user_data.read_text("utf-8").encode(), mode=0o600)
    before = _stamps(folder / "build")
    job.step("CanvOS builds the provider image", "steps")
    _run([str(folder / "earthly.sh"), "+build-provider-images"], folder, job, on_line, "CanvOS")
    job.step(f"pushing {name.reference}", "steps")
    _run(["docker", "push", str(name.reference)], folder, job, on_line, "docker push")
    return _collect(folder / "build", before, job)


def check_auroraboot(path: Path | None) -> str:
    """Return AuroraBoot's program. Raises `NotFound` with what to install."""
    result = str(path) if path is not None and os.access(path, os.X_OK) and path.is_file() else None
    result = result or (shutil.which("auroraboot") if path is None else None)
    if result is None:
        raise NotFound(
            f"There is no program AuroraBoot{f' at {path}' if path else ''}.",
            "Install its binary (and xorriso), or give it with --driver-path; or leave the driver out: "
            "edgewright forge iso needs none.",
            "NoProgram",
        )
    return str(Path(result).absolute())


def auroraboot(
    program: str, name: Name, arch: str, user_data: Path, out: Path, job: Job, on_line: Callable[[str], None]
) -> list[Artefact]:
    """Have AuroraBoot make an installer ISO of the pushed image in `out`; return what it made. Raises `Failed`."""
    if not user_data.is_file():
        raise InvalidInput(f"There is no user-data {user_data}.", "Make one: edgewright forge user-data new.")
    out.mkdir(parents=True, exist_ok=True)
    before = _stamps(out)
    job.step("AuroraBoot builds an ISO of the image", "steps")
    arguments = [program, "build-iso", "--cloud-config", str(user_data.absolute()), "--output", str(out.absolute())]
    # its source is last: what follows it is dropped silently
    _run([*arguments, "--arch", arch, f"oci:{name.reference}"], out, job, on_line, "AuroraBoot")
    made = _collect(out, before, job)
    if not made:
        raise Failed(f"AuroraBoot ended well and left nothing in {out}.", "See its output above.")
    return made


def _run(text: list[str], folder: Path, job: Job, on_line: Callable[[str], None], who: str) -> None:
    done = programs.run(text, job, on_line=on_line, cwd=folder)
    if done.code:
        last = done.lines[-1] if done.lines else "no output"
        raise Failed(f"{who} ended with {done.code}: {last.rstrip('.')}.", "See its output above.", "BuildFailed")


def write_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file completely or not at all. Raises `Failed`."""
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.rename(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Failed(f"{path} cannot be written: {error.strerror}.", "Check space and rights.") from None


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def _collect(folder: Path, before: Mapping[Path, tuple[int, int]], job: Job) -> list[Artefact]:
    matches = []
    for path, stamp in sorted(_stamps(folder).items()):
        if before.get(path) != stamp:
            job.step(f"hashing {path.name}")
            matches.append(Artefact(path, stamp[1], sha256(path, job)))
    return matches
