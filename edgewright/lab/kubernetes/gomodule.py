"""Programs from the Go module proxy, built by small modules of our own.

Kubernetes, etcd and flannel cannot be installed by `go install`: their go.mod files replace modules by folders of the
source tree. A module that takes over the requirements of Kubernetes, and names the published version of each of
those folders, can build everything from the proxy alone, checked against the checksum database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.lab.kubernetes import programs
from edgewright.lab.kubernetes.meter import Meter, Report

KUBERNETES = "k8s.io/kubernetes"
_REPLACED = re.compile(r"=> \./staging/src/(k8s\.io/[a-z0-9-]+)\s*$", re.MULTILINE)


class Go:
    """The Go command with the settings of a build; `arch` is amd64 or arm64."""

    def __init__(self, folder: Path, arch: str, report: Report) -> None:
        self.folder, self.arch, self._report = folder, arch, report
        self.env = {"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": arch, "GOFLAGS": "-mod=mod -buildvcs=false"}

    def run(self, what: str, *arguments: str, cwd: Path | None = None) -> list[str]:
        """Run `go`. Raises what `failures.explain` makes of its output."""
        return programs.run(["go", *arguments], what, self.folder, cwd=cwd, env=self.env)

    def fetch(self, module: str, version: str) -> Path:
        """Fetch a module and return its folder (read-only, in Go's own cache)."""
        what = f"{module} {version}"
        lines = self.run(what, "mod", "download", "-json", f"{module}@{version}", cwd=self.folder)
        text = "\n".join(lines)
        try:
            start = text.index("{")
            return Path(json.JSONDecoder().raw_decode(text[start:])[0]["Dir"])
        except (ValueError, KeyError):
            raise Failed(f"{what} could not be fetched: {text.strip()[-300:] or 'no output'}") from None

    def build(self, what: str, module: Path, packages: Mapping[str, str], out: Path, flags: str = "") -> None:
        """Build packages of a module; `packages` maps the name of the program to the package.

        One command builds all of them, so that one is linked while the next one compiles.
        """
        wanted = list(packages.values())
        listed: set[str] = set()
        listing = ["go", "list", "-deps", "-f", "package {{.ImportPath}}", *wanted]
        programs.run(listing, what, self.folder, cwd=module, env=self.env, each=listed.add)
        meter = Meter(what, "packages", self._report, at_most=True)
        meter.total = sum(line.startswith("package ") for line in listed)
        self._report(f"{what}: {meter.total:,} packages; those that Go has in its cache are not compiled again")
        out.mkdir(parents=True, exist_ok=True)
        command = ["go", "build", "-v", "-trimpath", "-ldflags", f"-s -w {flags}".strip(), "-o", f"{out}/", *wanted]
        programs.run(
            command,
            what,
            self.folder,
            cwd=module,
            env=self.env,
            each=lambda line: meter.step() if line and " " not in line else None,
        )
        for name, package in packages.items():
            built = out / _program_of(package)
            if built.name != name:
                built.rename(out / name)


def _program_of(package: str) -> str:
    """Return the name that `go build` gives the program of a package: its last part that is not a version."""
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v[2-9]\d*", parts[-1]) else parts[-1]


def source(name: str) -> str:
    """Return one of our own Go programs."""
    return resources.files("edgewright.lab.kubernetes").joinpath("files", name).read_text("utf-8")


def requirements(go_mod: str, version: str, module: str) -> str:
    """Return the go.mod of a module of our own from that of Kubernetes: its staging folders by their versions.

    `version` is that of Kubernetes (v1.36.3; its published folders have v0.36.3).
    """
    staged = "v0." + version.removeprefix("v1.")
    text = re.sub(r"^module .*$", f"module {module}", go_mod, count=1, flags=re.MULTILINE)
    return _REPLACED.sub(lambda match: f"=> {match[1]} {staged}", text)


def write_module(
    folder: Path, kubernetes: Path, version: str, mains: Mapping[str, str], requires: Sequence[str], name: str
) -> None:
    """Write a module: the requirements of Kubernetes and further ones (`module@version`), a folder for each main."""
    folder.mkdir(parents=True, exist_ok=True)
    text = requirements((kubernetes / "go.mod").read_text("utf-8"), version, name)
    text += "\nrequire (\n" + "".join(f"\t{item.replace('@', ' ')}\n" for item in requires) + ")\n"
    (folder / "go.mod").write_text(text)
    (folder / "go.sum").write_text((kubernetes / "go.sum").read_text("utf-8"))
    for main, code in mains.items():
        (folder / main).mkdir(exist_ok=True)
        (folder / main / "main.go").write_text(code)


def stamps(version: str) -> str:
    """Return the linker's flags that write the version into the programs; kubeadm refuses to run without them."""
    minor = version.split(".")[1]
    facts = {
        "gitVersion": version,
        "gitMajor": "1",
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "0" * 40,
        "buildDate": "1970-01-01T00:00:00Z",
    }
    return " ".join(
        f"-X {package}.{key}={value}"
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for key, value in facts.items()
    )
