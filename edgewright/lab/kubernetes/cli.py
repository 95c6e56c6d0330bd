"""`edgewright lab kubernetes`: build, list, settings, clean."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewright.lab.kubernetes import build, cache, registry, settings, versions
from edgewright.lab.state import Folder, default_folder

Report = Callable[[str], None]


def add_parser(verbs: Any, kind: type[argparse.ArgumentParser]) -> None:
    """Add the grammar of `lab kubernetes` to that of `lab`."""
    parser = verbs.add_parser("kubernetes", help="build Kubernetes for the lab's hosts")
    actions = parser.add_subparsers(dest="action", required=True, parser_class=kind)
    made = actions.add_parser("build", help="make the parts and the tree of a version, from package registries")
    made.add_argument("--version", default=versions.DEFAULT, metavar="V", help=f"default {versions.DEFAULT}")
    made.add_argument("--verify", action="store_true", help="check every file of the cache first")
    made.add_argument("-o", dest="output", choices=("table", "json"), default="table")
    listed = actions.add_parser("list", help="show the trees that were built")
    listed.add_argument("-o", dest="output", choices=("table", "json"), default="table")
    values = actions.add_parser("settings", help="print the values of the Kubernetes layer for the lab's hosts")
    values.add_argument("--dir", type=Path, help="the lab's folder (EDGEWRIGHT_LAB_DIR, else below your state folder)")
    actions.add_parser("clean", help="remove the cache of parts and trees")


def run(args: argparse.Namespace, report: Report) -> int:
    """Carry out a verb and return its exit code. Raises `EdgewrightError`."""
    if args.action == "build":
        made = build.build(args.version, report, args.verify)
        _print([made], args.output)
    elif args.action == "list":
        _print(build.trees(), args.output)
    elif args.action == "settings":
        print(json.dumps(layer_values(Folder((args.dir or default_folder()).absolute())), indent=2))
    else:
        store = cache.Cache(cache.cache_folder(), report)
        with store.locked():
            freed = sum(path.lstat().st_size for path in store.folder.rglob("*") if path.is_file())
            for part in ("parts", "work"):
                shutil.rmtree(store.folder / part, ignore_errors=True)
        print(f"Removed {freed / 1e6:.0f} MB from {store.folder}.")
    return 0


def layer_values(folder: Folder) -> dict[str, Any]:
    """Return values of the Kubernetes layer: `cluster.config`, and `tree` while a lab with Kubernetes is up."""
    values: dict[str, Any] = {"cluster": {"config": settings.cluster_config()}}
    state = folder.load()
    if state is not None and state.registry is not None:
        known = registry.contents(folder, state.registry)
        values["tree"] = {"ref": known["tree"], "digest": known["digest"]}
    return values


def _print(trees: list[build.Built], output: str) -> None:
    documents = [tree.document() for tree in trees]
    if output == "json":
        print(json.dumps(documents, indent=2))
        return
    for document in documents:
        kubernetes = document["kubernetes"]
        size = f"{document['size'] / 1e6:.0f} MB"
        print(f"{kubernetes['version']}  {document['architecture']}  {size}  {document['folder']}")
        for name, digest in sorted(document["images"].items()):
            print(f"  {name}  {digest[:19]}")
    if not documents:
        print(f"There is no tree in {cache.cache_folder()}: edgewright lab kubernetes build")
