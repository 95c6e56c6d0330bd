"""Properties: resolving is deterministic, its text means its document, exports are a fixed point, nothing crashes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles import exchange
from edgewright.core.profiles.diff import compare, flatten
from edgewright.core.profiles.language import templates
from edgewright.core.profiles.model import ADDON, FULL, INFRA, Layer, Manifest, Option, Profile, Registry, Variable
from edgewright.core.profiles.scope import Context, macros
from edgewright.profiles.prepare import check, prepare, resolved
from edgewright.yamltext.values import read_values
from edgewright.yamltext.writer import write
from tests.core.profiles.stacks import REGISTRY_PACK, addon, layer

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\ue000\ue001"), max_size=12)
WORD = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
NAMES = ("one", "two", "three")
REFERENCE = st.sampled_from([
    *(f"{{{{.spectro.macro.{name}}}}}" for name in NAMES),
    "{{ .spectro.var.v | upper }}", '{{ .spectro.system.cluster.name | default "x y" }}',
    "{{ .spectro.pack.app.plain }}", "{{ .Values.other }}",
])  # fmt: skip
PIECES = st.lists(
    st.one_of(st.sampled_from(["a", " ", "b:", "#", "'", '"', "\\", "é", "{"]), REFERENCE), max_size=5
).map("".join)
STYLES = st.sampled_from(["'", '"', "|", "", ">", "|-", "|+", "lines"])


def _written(value: str, style: str) -> str:
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    if style == '"':
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if style == "lines":
        return '"a ' + value.replace("\\", "\\\\").replace('"', '\\"').replace(" ", "\n  ") + '"'
    return f"{style}\n    {value}\n    end\n" if style else value


NESTED = """\
again:
  <<: *x
list: [{{.spectro.var.v}}, '{{.spectro.macro.one}}', {a: {{.spectro.macro.two}}}]
'{{.spectro.macro.three}}k': 1
"""


@given(st.lists(st.tuples(PIECES, STYLES), max_size=5), st.tuples(TEXT, TEXT, TEXT), TEXT, st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None)
@example([], ("", "", ""), "", True, False)
@example([], ("", "0", ""), ":0", True, False)
@example([("{{.spectro.macro.one}} a", "|")], ("\r", "", ""), "", False, False)
@example([("{{.spectro.macro.one}}#{{ .Values.other }}", "")], ("", "", ""), "", False, True)
def test_the_resolved_text_means_the_resolved_document(
    rows: list[tuple[str, str]], given_macros: tuple[str, ...], variable: str, nested: bool, windows: bool
) -> None:
    """The text that is written is read to the same values that references were evaluated to; twice the same."""
    lines = [f"k{number}: {_written(value, style)}" for number, (value, style) in enumerate(rows)]
    text = "\n".join(["plain: word", *lines]) + "\n"
    if nested:
        text = "top:\n- &x\n  " + "\n  ".join(text.rstrip("\n").split("\n")) + "\n" + NESTED
    if windows:
        text = text.replace("\n", "\r\n")
    profile = addon(layers=(layer("app", "addon", text),), variables=(Variable("v"),))
    context = Context({"v": variable}, macros(dict(zip(NAMES, given_macros, strict=True)), {}))
    prepared = prepare(profile)
    result = resolved(prepared, context)
    if result.problems or prepared.problems:
        return
    assert resolved(prepare(profile), context).layers[0].values == result.layers[0].values
    turned = Context({"v": variable}, dict(reversed(list(context.macros.items()))), {})
    assert resolved(prepare(profile), turned) == result, "the order in which macros are known does not count"
    again = read_values(result.layers[0].values.text)
    assert again.document == result.layers[0].values.document
    assert {path for path, _origins in result.layers[0].origins()} == set(prepared.layers[0].values.scalars)


YAML = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(TEXT.filter(lambda key: key != "<<"), YAML, max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_document_is_read_as_it_was_written(document: dict[str, Any]) -> None:
    values = read_values(write(document))
    assert values.document == document
    assert {path for path, value in flatten(document).items() if value not in ({}, [])} <= set(values.scalars) | {""}


@given(st.text(st.sampled_from(list("ab:-[]{}&*!|>'\"%@`#,?<~ \n\t.\\{}spectro")), max_size=60) | st.text(max_size=40))
@settings(max_examples=400, deadline=None)
@example("a: &a [*a]\n")
@example("? {{.spectro.var.x}}\n: 1\n")
@example("- <<: [a]\n")
@example("a: {<<: &b {c: 1}}\nd: *b\n")
@example("'{{.spectro.var.x}}': &k {{.spectro.var.y}}\n*k : 2\n")
def test_any_text_in_values_is_read_or_refused(text: str) -> None:
    profile = addon(layers=(layer("registry", "addon", text, manifests=(Manifest("m", text),)),))
    prepared = prepare(profile, {"registry": REGISTRY_PACK})
    result = resolved(prepared, Context(partial=True))
    compare(result, result)
    for problem in [*check(prepared), *result.problems]:
        assert problem.message.endswith(".") and "\n" not in problem.message


@given(st.text(st.sampled_from(list('{}`"\\ .|()spectro0a-')), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_expression_is_parsed_or_refused(text: str) -> None:
    for start, end in templates.scan("{{.spectro.var.a}}" + text + "}}"):
        assert 0 <= start < end
    try:
        templates.parse(text)
    except InvalidInput as wrong:
        assert wrong.code in ("InvalidReference", "UnknownFunction")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
EXTRA = st.dictionaries(WORD.map(lambda word: f"x-{word}"), JSON, max_size=2)
REGISTRIES = st.builds(Registry, WORD, st.just(""), TEXT, TEXT, st.booleans())
LAYER_STRATEGY = st.builds(
    Layer,
    name=WORD,
    kind=st.sampled_from(["os", "k8s", "cni", "csi", "addon"]),
    version=WORD,
    tag=WORD,
    type=st.sampled_from(["spectro", "helm", "manifest", "oci"]),
    values=TEXT,
    presets=st.lists(WORD, max_size=2).map(tuple),
    manifests=st.lists(st.builds(Manifest, TEXT, TEXT, extra=EXTRA), max_size=2).map(tuple),
    registry=REGISTRIES,
    extra=EXTRA,
)
VARIABLES = st.builds(
    Variable,
    name=WORD, display=TEXT, description=TEXT, input=st.sampled_from(["text", "dropdown"]),
    format=st.sampled_from(["string", "number"]), regex=TEXT, default=WORD, extra=EXTRA,
    options=st.lists(st.builds(Option, WORD, TEXT, TEXT), max_size=2).map(tuple),
    required=st.booleans(), masked=st.booleans(), hidden=st.booleans(), read_only=st.booleans(),
)  # fmt: skip
PROFILES = st.builds(
    Profile,
    name=WORD,
    type=st.sampled_from([FULL, INFRA, ADDON]),
    version=st.just("1.0.0"),
    description=TEXT,
    labels=st.dictionaries(WORD, TEXT, max_size=2),
    layers=st.lists(LAYER_STRATEGY, max_size=3).map(tuple),
    variables=st.lists(VARIABLES, max_size=2).map(tuple),
    extra=EXTRA.map(lambda extra: {"spec": extra} if extra else {}),
)


@given(PROFILES)
@settings(max_examples=30, deadline=None)
def test_export_and_import_are_a_fixed_point_and_unknown_keys_survive(profile: Profile) -> None:
    document = exchange.to_document(profile)
    text = json.dumps(document)
    again = exchange.from_document(json.loads(text))
    assert json.dumps(exchange.to_document(again)) == text
    assert exchange.from_document(exchange.to_document(profile, secrets=True)) == profile


GRAPHS = st.dictionaries(st.sampled_from("abcde"), st.lists(st.sampled_from("abcde"), max_size=2), min_size=1)


@given(GRAPHS)
@settings(max_examples=150, deadline=None)
def test_a_cycle_of_macros_is_reported_exactly_when_there_is_one(graph: dict[str, list[str]]) -> None:
    given_macros = {
        name: "x" + "".join(f"{{{{.spectro.macro.{to}}}}}" for to in graph.get(name, [])) for name in "abcde"
    }
    values = "".join(f"{name}: '{{{{.spectro.macro.{name}}}}}'\n" for name in "abcde")
    result = resolved(prepare(addon(layers=(layer("app", "addon", values),))), Context({}, macros(given_macros, {})))

    def reaches_a_cycle(name: str, path: tuple[str, ...] = ()) -> bool:
        return name in path or any(reaches_a_cycle(to, (*path, name)) for to in graph.get(name, []))

    assert {problem.code for problem in result.problems} <= {"ReferenceCycle"}
    assert {problem.path for problem in result.problems} == {name for name in "abcde" if reaches_a_cycle(name)}
