"""Hostile values: refused with one sentence and exit code 7, in bounded time."""

from __future__ import annotations

import dataclasses
import time

import pytest

from edgewright.core.errors import InvalidDocument, InvalidInput
from edgewright.core.profiles import exchange
from edgewright.core.profiles.language.evaluate import Evaluator
from edgewright.core.profiles.model import Registry, Variable
from edgewright.core.profiles.problems import raise_errors
from edgewright.core.profiles.scope import Context, Scope, macros
from edgewright.profiles.prepare import check, prepare, resolved
from edgewright.yamltext.values import MAX_NODES, read_values
from tests.core.profiles.stacks import addon, layer

MEGABYTES = 1024 * 1024
LONG_KEY = "a: &a\n  ? " + "x" * 400_000 + "\n  : 1\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("- a\n", "this is a list, not a map of keys"),
        ("just text\n", "this is one value, not a map of keys"),
        (BOMB, f"it contains more than {MAX_NODES:,} keys and values"),
        ("x" * (5 * MEGABYTES + 1), "is larger than 5 MB"),
        ("é" * (3 * MEGABYTES), "is larger than 5 MB"),
        ("".join(" " * depth + "a:\n" for depth in range(80)), "is nested deeper than 60 levels"),
        ("a: " + "[" * 100_000, "line 1"),
        ("a: " + "{a: " * 2_000, "line 1"),
        ("a: \x00\n", "U+0000 is not allowed"),
        ("a: \ue000\n", "U+E000 is not allowed"),
        ("a: *gone\n", "the alias *gone names nothing"),
        ("a: &a [*a]\n", "names nothing that ended before it"),
        (LONG_KEY + "b: [" + ", ".join(["*a"] * 30_000) + "]\n", "its aliases make it larger than 5 MB"),
        (LONG_KEY + "b: [" + ", ".join(["{<<: *a}"] * 30_000) + "]\n", "its aliases make it larger than 5 MB"),
        ("? [a]\n: b\n", "a key must be a word"),
        ("a: b: c\n", "line 1, column 5"),
        ("a: 'x\n", "line 2"),
        ("a: 1\n" * 30, "more than 20 keys are there twice"),
        ("a: " + "9" * 5_000 + "\nb: [", "line 2"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_read_are_one_sentence_in_bounded_time(values: str, words: str) -> None:
    begin = time.process_time()
    with pytest.raises(InvalidInput) as wrong:
        read_values(values)
    assert words in wrong.value.message and "\n" not in wrong.value.message
    assert wrong.value.exit_code == 7
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "values",
    [
        "a: '" + '{{"' * 50_000 + ".spectro.'\n",
        "a: '" + "{{" * 100_000 + ".spectro.x}}'\n",
        "a: '" + "{{.spectro." * 20_000 + "'\n",
        "a: '" + '{{ .spectro.var.x | default "' * 10_000 + "'\n",
        "".join(f"k{n}: '{{{{.spectro.var.gone{n}}}}}'\n" for n in range(4_000)),
        "".join(f'k{n}: "{{{{ .spectro.pack.app.gone{n} | default 1 }}}}"\n' for n in range(3_000)),
        "".join(f"'{{{{.spectro.macro.m}}}}{n}': 1\n" for n in range(3_000)),
        "".join(f"k{n}: '{{{{.spectro.pack.app.k{n + 1}}}}}'\n" for n in range(3_000)),
        "a: '" + "{{.spectro.macro.m}}" * 21_000 + "'\n",
        "a: &a {" + ",".join(f"k{n}: 0" for n in range(15_000)) + "}\nb: {" + "<<: *a," * 40_000 + "}\n",
    ],
)
def test_references_in_any_number_take_bounded_time(values: str) -> None:
    begin = time.process_time()
    prepared = prepare(addon(layers=(layer("app", "addon", values),)))
    result = resolved(prepared, Context({}, macros({"m": "v"}, {})))
    assert time.process_time() - begin < 4
    for problem in [*prepared.problems, *result.problems]:
        assert "\n" not in problem.sentence() and len(problem.sentence()) < 1_000
    assert len(result.problems) <= 201


@pytest.mark.parametrize(
    "expression",
    [
        ".spectro.var.x" + " | b64enc" * 200,
        '.spectro.var.x | replace "x" .spectro.var.x',
        " | ".join([".spectro.var.lines", *["indent 80"] * 4]),
        ".spectro.var.x" + " | upper | lower" * 100,
    ],
)
def test_functions_cannot_make_a_value_without_end(expression: str) -> None:
    texts = {"x": "x" * 500_000, "lines": "\n" * 60_000}
    evaluator = Evaluator(Scope([Variable(name) for name in texts], [], Context(texts), {}))
    begin = time.process_time()
    with pytest.raises(InvalidInput, match="larger than 5 MB") as wrong:
        evaluator.expression(expression)
    assert wrong.value.code == "TooBig" and time.process_time() - begin < 4


def test_a_profile_of_too_many_values_is_read_in_part_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.profiles.prepare.MAX_SCALARS", 300)
    values = "a: [" + "1," * 100 + "]\n"
    problems = check(prepare(addon(layers=tuple(layer(f"l{n}", "addon", values + f"# {n}\n") for n in range(6)))))
    assert [problem.code for problem in problems if problem.severity == "error"] == ["TooBig", "TooBig"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "It is not a JSON object."),
        ({"metadata": [], "spec": {"template": {"packs": {}}}}, "metadata: This must be a map of keys"),
        ({"metadata": {"name": "x"}, "spec": {"template": {"packs": {}}}}, "spec.template.packs: This must be a list."),
        ({"metadata": {"name": "x"}, "spec": {"template": {"packs": [{"name": "a", "layer": "net"}]}}}, "not a layer"),
        ({"metadata": {"name": "x"}, "spec": {"template": {"packs": [{"layer": "os"}]}}}, "The pack has no name."),
        (
            {"metadata": {"name": "x"}, "spec": {"variables": [{"name": "a", "required": "yes"}]}},
            "must be true or false",
        ),
        ({"metadata": {"name": "\ud800"}}, "half of a character"),
        ({"metadata": {"name": {}}}, "metadata.name: This must be a text"),
    ],
)
def test_a_document_of_another_form_names_the_key(document: object, words: str) -> None:
    with pytest.raises(InvalidDocument) as wrong:
        exchange.from_document(document)
    assert words in wrong.value.message
    assert wrong.value.exit_code == 7


def test_errors_become_one_error_with_exit_code_7() -> None:
    problems = resolved(
        prepare(addon(layers=(layer("a", "addon", "x: '{{.spectro.macro.gone}}'\n"),))), Context()
    ).problems
    with pytest.raises(InvalidDocument) as wrong:
        raise_errors("The profile apps 1.0.0", problems)
    assert wrong.value.message == "The profile apps 1.0.0: layer a, line 1, x: There is no macro gone."
    assert wrong.value.hint == "Create it in the project or the tenant."
    assert wrong.value.exit_code == 7


def test_a_name_in_another_case_is_read_and_unknown_keys_survive() -> None:
    document = {
        "Metadata": {"Name": "x", "new": 1},
        "SPEC": {"Template": {"Packs": [{"NAME": "a", "Layer": "os", "z": 2}]}},
    }
    profile = exchange.from_document(document)
    assert (profile.name, profile.layers[0].name) == ("x", "a")
    again = exchange.to_document(profile)
    assert again["metadata"]["new"] == 1 and again["spec"]["template"]["packs"][0]["z"] == 2


def test_the_body_that_creates_a_profile_is_read_too() -> None:
    pack = {"name": "a", "tag": "1.0.x", "uid": "p1", "registryUid": "r1", "manifests": [{"name": "m", "uid": "m1"}]}
    made = exchange.from_document(
        {"metadata": {"name": "x"}, "spec": {"template": {"type": "infra", "packs": [pack]}}}
    ).layers[0]
    assert (made.pack_uid, made.registry.uid, made.kind, made.manifests[0].uid) == ("p1", "r1", "", "m1")
    profile = addon(layers=(dataclasses.replace(made, registry=Registry("Public", "r1")),))
    assert "m1" not in str(exchange.to_document(profile)) and "r1" not in str(exchange.to_document(profile))
    uids = exchange.from_document({"metadata": {"name": "x"}, "spec": exchange.to_document(profile, uids=True)["spec"]})
    assert uids.layers[0].registry.uid == "r1" and uids.layers[0].manifests[0].uid == "m1"
