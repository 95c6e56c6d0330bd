"""Write the hub's body shapes of a noun from the contract tables: `python tools/palette_bodies.py`.

For each noun in `NOUNS` that has a file (`WRITTEN`) it writes `edgewright/hub/http/palette_bodies/NOUN.py`, one
constant for each request body of the noun's operations: `v1UserEntity` becomes `USER_ENTITY`. `--print NOUN` shows the
module of any noun without writing it: the first step towards a new resource.

The tables have no limits of length: these come from `SECRETS`, `LONG` and `EXACT`. What a table calls required is
required of the body. A property whose name is not an identifier is not in the shape: it passes as an unknown one.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from keyword import iskeyword
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "edgewright" / "hub" / "http" / "palette_bodies"
NOUNS = {
    "users": ("/v1/users", "!/v1/users/assets"),
    "roles": ("/v1/roles",),
    "teams": ("/v1/teams",),
    "sshkeys": ("/v1/users/assets/sshkeys",),
    "filters": ("/v1/filters",),
    "apikeys": ("/v1/apiKeys",),
    "profiles": ("/v1/clusterprofiles", "/v1/dashboard/clusterprofiles", "/v1/spectroclusters/spc"),
    "macros": ("/v1/projects/{uid}/macros", "/v1/tenants/{tenantUid}/macros"),
    "packs": ("/v1/packs",),
    "registries": ("/v1/registries",),
    "clusters": (
        "/v1/spectroclusters",
        *(
            "!/v1/spectroclusters/" + rest
            for rest in (
                "edge-native/import",
                "edge-native/rate",
                "features",
                "generic",
                "spc",
                "upgrade",
                "validate",
                "{uid}/assets",
                "{uid}/clusterConfig/c",
                "{uid}/clusterConfig/l",
                "{uid}/edge/",
                "{uid}/features",
                "{uid}/heartbeat",
                "{uid}/k8certificates",
                "{uid}/packs",
                "{uid}/profiles/",
                "{uid}/status",
                "{uid}/upgrade",
                "{uid}/validate",
            )
        ),
    ),
    "cloudconfigs": ("/v1/cloudconfigs", "!/v1/cloudconfigs/{configUid}"),
    "clustersearch": ("/v1/dashboard/spectroclusters", "!/v1/dashboard/spectroclusters/{uid}"),
    "notifications": ("/v1/notifications",),
}
"""Beginnings of a noun's paths; one with `!` in front is left out."""
WRITTEN = (
    *("users", "sshkeys", "filters", "packs", "registries", "profiles", "macros"),
    *("clusters", "cloudconfigs", "clustersearch"),
)
KNOWN = {"v1ObjectMeta": "META", "v1ObjectMetaInputEntity": "META", "v1Time": "WHEN"}
"""Definitions that the hub has shapes of its own for."""
SECRETS = re.compile(r"password|secret|token|privateKey|encodedPassword|accessKey", re.IGNORECASE)
EXACT = re.compile(
    r"^(name|uid|kind|key|tag|version|emailId|.*Uid|.*Id|.*Name|(.*Uids|.*Refs|roles|teams|permissions)\[\])$"
)
"""Names and references: control characters are refused in them instead of replaced."""
LONG = {"values": 262_144, "content": 262_144, "manifest": 262_144, "publicKey": 16_384, "readme": 262_144}
"""Characters of texts that are files."""
_DEEP = 30
Json = dict[str, Any]


def constant(name: str) -> str:
    """Return the name of a definition's constant: `v1UserEntity` is `USER_ENTITY`."""
    bare = re.sub(r"^[vV]1", "", name).replace("UIDs", "Uids")
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|\W+", "_", bare)
    return re.sub("_+", "_", parted).strip("_").upper()


def bodies(operations: Json, noun: str) -> Iterator[tuple[str, Json]]:
    """Yield the name of a constant and the schema for each request body of a noun."""
    wanted = tuple(path for path in NOUNS[noun] if not path.startswith("!"))
    unwanted = tuple(path[1:] for path in NOUNS[noun] if path.startswith("!"))
    for path, methods in sorted(operations.items()):
        if not path.startswith(wanted) or (unwanted and path.startswith(unwanted)):
            continue
        for method, facts in sorted(methods.items()):
            for parameter in facts.get("parameters", ()):
                if parameter["in"] != "body":
                    continue
                schema = parameter["schema"]
                target = schema.get("$ref", "").rsplit("/", 1)[-1]
                yield constant(target or f"{path.removeprefix('/v1/').replace('/', '_')}_{method}"), schema


class Writer:
    """Collects the constants of one module in the order in which Python needs them."""

    def __init__(self, definitions: Json) -> None:
        self.definitions = definitions
        self.lines: dict[str, str] = {}
        self.open: list[str] = []
        self.used: set[str] = set()

    def name(self, helper: str) -> str:
        """Return the name of something that is imported, and remember that it is."""
        self.used.add(helper)
        return helper

    def expression(self, schema: Json, key: str = "") -> str:
        """Return the expression for the value of a property called `key`."""
        if "$ref" in schema:
            return self.reference(schema["$ref"].rsplit("/", 1)[1], key)
        kind = schema.get("type") or ("object" if "properties" in schema else "")
        if kind == "array":
            inner = self.expression(schema["items"], f"{key}[]")
            return f"{self.name('many')}({inner}{self._limit(schema)})"
        if kind == "object":
            return self.object(schema, key)
        if kind in ("integer", "number", "boolean"):
            return self.name({"integer": "INTEGER", "number": "NUMBER", "boolean": "FLAG"}[kind])
        return self.text(schema, key) if kind == "string" else self.name("ANY")

    def _limit(self, schema: Json) -> str:
        return f", {schema['maxItems']}" if "maxItems" in schema else ""

    def text(self, schema: Json, key: str) -> str:
        """Return the expression for a text: a moment, one of several, a secret, a name, a file or a message."""
        if schema.get("format") == "date-time":
            return self.name("WHEN")
        if schema.get("enum"):
            return f"{self.name('text')}(64, {', '.join(map(repr, schema['enum']))})"
        if key in LONG:
            return f"{self.name('text')}({LONG[key]})"
        if SECRETS.search(key):
            return f"{self.name('name')}(512)"
        limit = str(schema.get("maxLength", ""))
        return f"{self.name('name' if EXACT.match(key) else 'text')}({limit})"

    def object(self, schema: Json, key: str) -> str:
        """Return the expression for an object: known keys, a map, or anything where the table has neither."""
        properties = schema.get("properties")
        if properties:
            fields = ", ".join(
                f"{name + '_' if iskeyword(name) or name == 'type' else name}={self.expression(inner, name)}"
                for name, inner in properties.items()
                if name.isidentifier()
            )
            required = [repr(name) for name in schema.get("required", ()) if name in properties]
            built = f"{self.name('obj')}({fields})"
            return f"{self.name('requiring')}({built}, {', '.join(required)})" if required else built
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict) and extra:
            if extra.get("type") == "string":
                return self.name("LABELS" if key == "labels" else "ANNOTATIONS")
            return f'{self.name("Shape")}("map", item={self.expression(extra, key)}, limit=256)'
        return self.name("ANY")

    def reference(self, target: str, key: str) -> str:
        """Return the name of a definition's constant; one inside itself may be anything."""
        if target in KNOWN:
            return self.name(KNOWN[target])
        schema = self.definitions[target]
        if schema.get("type") == "string" or not (schema.get("properties") or schema.get("type") == "array"):
            return self.expression(schema, key)
        if target in self.open or len(self.open) > _DEEP:
            return self.name("ANY")
        if target not in self.lines:
            self.open.append(target)
            built = self.expression(schema, key)
            self.open.pop()
            self.lines[target] = built
        return "_" + constant(target)


def module(noun: str, operations: Json, definitions: Json) -> str:
    """Return the text of the module of a noun, before it is formatted."""
    writer = Writer(definitions)
    tops: dict[str, str] = {}
    for name, schema in bodies(operations, noun):
        if name not in tops:
            tops[name] = writer.expression(schema)
    private = {"_" + constant(target): built for target, built in writer.lines.items()}
    public = {built: name for name, built in tops.items() if built in private}
    rest = {name: built for name, built in tops.items() if built not in private}
    text = "\n".join(f"{name} = {built}" for name, built in {**private, **rest}.items())
    for name, shown in public.items():
        text = re.sub(rf"(?<![A-Za-z0-9_]){name}\b", shown, text)
    shapes = sorted(writer.used - {"META"})
    head = [f'"""Request bodies of {noun} in Palette\'s API. Written by tools/palette_bodies.py, never edited."""', ""]
    head += ["from __future__ import annotations", ""]
    head += ["from edgewright.hub.http.bodies import META"] if "META" in writer.used else []
    head += [f"from edgewright.hub.http.shapes import {', '.join(shapes)}"] if shapes else []
    return "\n".join(head) + "\n\n" + text + "\n"


def formatted(text: str) -> str:
    """Return a module as ruff writes it."""
    ruff = [sys.executable, "-m", "ruff"]
    stdin = ["--stdin-filename", str(OUT / "noun.py"), "-"]
    for step in (("check", "--select", "I", "--fix"), ("format",)):
        text = subprocess.run(
            [*ruff, *step, "--quiet", *stdin], input=text, capture_output=True, text=True, check=True
        ).stdout
    return text


def tables() -> tuple[Json, Json]:
    """Return operations and shapes of Palette's API from tests/spec."""
    folder = ROOT / "tests" / "spec"
    operations, shapes = (
        json.loads((folder / f"palette-{name}.json").read_text(encoding="utf-8")) for name in ("operations", "shapes")
    )
    return operations, shapes


def main() -> int:
    """Write the modules, or print one; return the exit code."""
    parser = argparse.ArgumentParser(description="Write body shapes from the contract tables.")
    parser.add_argument("--print", dest="noun", choices=sorted(NOUNS), help="print the module of a noun")
    noun = parser.parse_args().noun
    if noun:
        print(formatted(module(noun, *tables())), end="")
        return 0
    for written in WRITTEN:
        (OUT / f"{written}.py").write_text(formatted(module(written, *tables())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
