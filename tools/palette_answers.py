"""Write what Palette's operations answer, for the hub's API description: `python tools/palette_answers.py`.

For each of Palette's operations that the hub offers it takes success code, headers and shape from the contract tables
(tests/spec) into `edgewright/hub/http/palette_answers.json`, in OpenAPI 3.1's dialect. Run it after a route of `/v1`
was added; a test compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgewright.hub.http import openapi  # noqa: E402
from edgewright.hub.process import compose  # noqa: E402
from edgewright.hub.process.options import ServeOptions  # noqa: E402
from tools.contract_tables import TABLES, references, render  # noqa: E402

OUT = Path(openapi.__file__).with_name("palette_answers.json")
Json = dict[str, Any]


def converted(value: Any) -> Any:
    """Return a schema of Swagger 2 in OpenAPI 3.1's dialect."""
    if isinstance(value, list):
        return [converted(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: converted(inner) for key, inner in value.items() if key not in ("x-nullable", "uniqueItems")}
    if isinstance(result.get("$ref"), str):
        result["$ref"] = "#/components/schemas/" + result["$ref"].rsplit("/", 1)[1]
    if value.get("x-nullable") is True and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    if result.get("exclusiveMinimum") is True:
        result["exclusiveMinimum"] = result.pop("minimum")
    return result


def answers() -> str:
    """Return the text of the file."""
    operations, shapes = (
        json.loads((TABLES / f"palette-{name}.json").read_text(encoding="utf-8")) for name in ("operations", "shapes")
    )
    found: Json = {}
    for route in compose.table(ServeOptions(data=Path())):
        facts = operations.get(route.path, {}).get(route.method.lower())
        if facts is None:
            continue
        status, response = next((code, body) for code, body in facts["responses"].items() if code.startswith("2"))
        found[f"{route.method} {route.path}"] = {"status": status, **response}
    used: Json = {}
    waiting = set(references(found))
    while waiting:
        name = waiting.pop()
        used[name] = shapes[name]
        waiting |= set(references(used[name])) - used.keys()
    return render({"operations": converted(found), "schemas": converted(used)}) + "\n"


if __name__ == "__main__":
    OUT.write_text(answers(), encoding="utf-8")
