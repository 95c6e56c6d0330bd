"""docs/profiles.md lists what the code has: functions with results, system values, formats, rules, origins, bounds."""

from __future__ import annotations

import re

from edgewright.core.clusters.predict import RULES, SAME_VALUES
from edgewright.core.profiles import model, scope
from edgewright.core.profiles.formats import FORMATS
from edgewright.core.profiles.language.evaluate import MAX_CHAIN, MAX_REFERENCES
from edgewright.core.profiles.language.functions import FUNCTIONS
from edgewright.core.profiles.scope import Context, macros
from edgewright.profiles import catalogue
from edgewright.profiles.directory import profile_of
from edgewright.profiles.prepare import prepare, resolved
from edgewright.yamltext.values import MAX_DEPTH, MAX_NODES
from tests.core.profiles.stacks import addon, layer
from tests.support import ROOT

PAGE = (ROOT / "docs" / "profiles.md").read_text("utf-8")


def _rows(header: str) -> list[list[str]]:
    """Return the cells of the table with a header."""
    table = PAGE.split(f"\n| {header} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def test_each_function_is_listed_with_its_result() -> None:
    rows = _rows("Function")
    assert [row[0].strip("`") for row in rows] == list(FUNCTIONS)
    given = macros({"m": "v1.31.2-rev2"}, {})
    for _name, example, result in rows:
        if not result.startswith("`"):
            continue
        values = f"x: '{{{{ .spectro.macro.m | {example.strip('`')} }}}}'\n"
        resolution = resolved(prepare(addon(layers=(layer("a", "addon", values),))), Context({}, given))
        assert resolution.layers[0].values.document == {"x": result[1:-1]}, example


def test_rules_formats_origins_and_system_values_are_all_there() -> None:
    rules = [(row[0].strip("`"), row[1]) for row in _rows("Rule")]
    assert rules == [*((rule.name, rule.behaviour) for rule in RULES), (SAME_VALUES, "no-op")]
    formats = next(row[1] for row in _rows("Field") if row[0] == "format")
    assert set(re.findall("`([a-z0-9]+)`", formats)) - {"true", "false"} == set(FORMATS)
    origins = " ".join(row[0] for row in _rows("Origin"))
    assert set(re.findall("`([a-z ]+)`", origins)) == set(scope.ORIGINS)
    listed = PAGE.split("System values:", 1)[1].split("\n\n", 1)[0]
    assert sorted(re.findall(r"`([a-z.]+)`", listed)) == sorted(scope.SYSTEM_NAMES)


def test_bounds_are_those_of_the_code() -> None:
    bounds = dict(_rows("Bound"))
    megabytes = 1024 * 1024
    assert bounds == {
        "values of a layer, a manifest": f"{model.MAX_VALUES // megabytes} MB",
        "all values and manifests of a profile": f"{model.MAX_TOTAL // megabytes} MB",
        "levels of a YAML text": str(MAX_DEPTH),
        "characters that aliases of a text copy, keys included": f"{model.MAX_VALUES // megabytes} MB",
        "keys and values of a text, copies of aliases counted": f"{MAX_NODES:,}",
        "layers, variables": f"{model.MAX_LAYERS}, {model.MAX_VARIABLES}",
        "references of a profile": f"{MAX_REFERENCES:,}",
        "references that lead from one to the next": str(MAX_CHAIN),
        "a text that a preset changes": "1 MB",
    }


def test_shipped_profiles_are_listed_with_what_they_ask_for() -> None:
    rows = {row[0].strip("`"): re.findall("`([A-Za-z]+)`", row[2]) for row in _rows("Profile")}
    assert rows == {
        profile.name: [variable.name for variable in profile.variables if not variable.default]
        for profile in catalogue.profiles()
    }


def test_the_directory_of_the_page_is_a_profile() -> None:
    text = re.search(r"^```yaml\n(apiVersion: .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert text is not None
    files = {"profile.yaml": text.group(1).encode()}
    for name in ("edge-native-byoi", "web"):
        files[f"layers/{name}/layer.yaml"] = f"name: {name}\nlayer: addon\n".encode()
    assert [item.name for item in profile_of(files).layers] == ["edge-native-byoi", "web"]
