"""Show that a test protects a line: `python tools/mutate.py [WORD ...]`.

`tests/mutations.toml` has the mutations: lines of the sources, what each is changed to, the test that must fail then.
In a copy of the tree each test passes first; then one mutation after the other is applied and its test run again.
A table is printed; the exit code is 1 when a test passes although its line is gone (`SURVIVED`), cannot run (`BROKEN`),
or fails without a mutation. WORD selects by rule or by a part of the file's or the test's name.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "mutations.toml"
LONGEST = 240.0
"""Seconds for one test; pytest's own limit is half of it."""


class Mutation(NamedTuple):
    """One line that a test protects: `text` occurs once in `file` and is replaced by `by`."""

    rule: str
    """A rule of docs/protocol.md (`P17`), or a word for what is no rule of it."""
    claim: str
    file: str
    text: str
    by: str
    test: str


def read_table(path: Path = TABLE) -> tuple[list[Mutation], dict[str, str]]:
    """Return the mutations, and the rules that no mutation shows with their reasons."""
    table = tomllib.loads(path.read_text("utf-8"))
    mutations = [
        Mutation(each["rule"], each["claim"], each["file"], each["before"], each["after"], each["test"])
        for each in table["mutation"]
    ]
    return mutations, dict(table.get("open", {}))


def copy_tree(target: Path) -> None:
    """Copy what git knows, and what is new and not ignored."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def run_tests(tree: Path, *tests: str) -> tuple[int, str]:
    """Run tests in a tree; returns pytest's exit code and its output."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST * len(tests),
        )
    except subprocess.TimeoutExpired:
        return 124, f"it did not end within {LONGEST * len(tests):.0f} s"
    return done.returncode, done.stdout + done.stderr


def verdict_of(code: int, output: str) -> str:
    """Return what became of a mutation: `killed` only when an assertion of the test itself failed."""
    if code == 0:
        return "BROKEN" if re.search(r"\d+ skipped", output) and " passed" not in output else "SURVIVED"
    return "killed" if code == 1 and re.search(r"\b\d+ failed\b", output) else "BROKEN"


def try_mutation(tree: Path, mutation: Mutation) -> tuple[str, float, str]:
    """Apply one mutation in a tree, run its test, take the mutation back; returns verdict, seconds and output."""
    path = tree / mutation.file
    whole = path.read_text("utf-8")
    if whole.count(mutation.text) != 1:
        return "BROKEN", 0.0, f"the text occurs {whole.count(mutation.text)} times in {mutation.file}"
    began = time.monotonic()
    path.write_text(whole.replace(mutation.text, mutation.by), "utf-8")
    try:
        code, output = run_tests(tree, mutation.test)
    finally:
        path.write_text(whole, "utf-8")
    return verdict_of(code, output), time.monotonic() - began, output


def try_all(mutations: list[Mutation], processes: int) -> int:
    """Try mutations in as many trees as there are processes; prints a row for each and returns the exit code."""
    trees: SimpleQueue[Path] = SimpleQueue()
    failed = 0

    def work(mutation: Mutation) -> tuple[str, float, str]:
        tree = trees.get()
        try:
            return try_mutation(tree, mutation)
        finally:
            trees.put(tree)

    with tempfile.TemporaryDirectory(prefix="edgewright-mutate-") as folder:
        for number in range(processes):
            copy_tree(Path(folder, str(number)))
            trees.put(Path(folder, str(number)))
        code, output = run_tests(Path(folder, "0"), *dict.fromkeys(mutation.test for mutation in mutations))
        if code:
            print("The tests fail without a mutation:\n" + output[-2000:])
            return 1
        with ThreadPoolExecutor(processes) as pool:
            for mutation, (verdict, seconds, output) in zip(mutations, pool.map(work, mutations), strict=True):
                name = mutation.test.rpartition("::")[2]
                print(f"{verdict:9}{seconds:6.1f} s  {mutation.rule:18}{mutation.file}  {name}", flush=True)
                if verdict != "killed":
                    failed += 1
                    print("    " + "\n    ".join(output.splitlines()[-6:]))
    print(f"{len(mutations)} mutations, {len(mutations) - failed} killed, {failed} not")
    return 1 if failed else 0


def main() -> int:
    """Try the mutations that were selected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD", help="a rule (P17), or a part of a file or test")
    parser.add_argument("-j", "--processes", type=int, default=1, help="tests at the same time (default 1)")
    parser.add_argument("--table", type=Path, default=TABLE, help="another table")
    options = parser.parse_args()
    mutations, _ = read_table(options.table)
    if options.words:
        mutations = [
            each
            for each in mutations
            if any(word == each.rule or word in each.file or word in each.test for word in options.words)
        ]
    if not mutations:
        print("No mutation is selected.", file=sys.stderr)
        return 2
    return try_all(mutations, options.processes)


if __name__ == "__main__":
    sys.exit(main())
