"""What is wrong with a profile, its variables and its packs; each in one sentence."""

from __future__ import annotations

import dataclasses

import pytest

from edgewright.core.errors import InvalidInput
from edgewright.core.packs.pack import Dependency
from edgewright.core.profiles import lifecycle, semver, usage
from edgewright.core.profiles.checks import check_form
from edgewright.core.profiles.imports import PackSource, report, with_registries
from edgewright.core.profiles.model import ADDON, INFRA, PUBLISHED, Layer, Option, Profile, Registry, Variable
from edgewright.core.profiles.problems import errors, raise_errors
from edgewright.core.profiles.secrets import covered_text, suspicious
from edgewright.core.profiles.variables import COVER, check_definitions, check_values, problem_with
from edgewright.profiles.prepare import check, prepare, with_preset
from edgewright.yamltext.values import read_values
from tests.core.profiles.stacks import REGISTRY_PACK, REGISTRY_VALUES, addon, full, layer, pack


def _sentences(profile: Profile, publish: bool = False) -> list[str]:
    return [problem.sentence() for problem in check_form(profile, publish)]


def test_a_complete_profile_has_no_problem() -> None:
    assert _sentences(full(), publish=True) == []
    assert lifecycle.published(full()).state == PUBLISHED


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (full(layers=(*full().layers, layer("ubuntu", "os", ""))), "has 2 OS layers: edge-native-byoi and ubuntu"),
        (full(version="1.0"), "'1.0' is not a semantic version. Write it as 1.0.0."),
        (full(version="v1.0.0"), "is not a semantic version"),
        (full(type="infr"), "'infr' is not a type of profile. Did you mean infra?"),
        (full(name="../x"), "name: The name has 1 to 128 letters"),
        (full(type=ADDON), "An add-on profile has add-on layers only; this one has: OS, Kubernetes, network (CNI)."),
        (full(type=INFRA), "An infrastructure profile has no add-on layers."),
        (addon(layers=(layer("a", "addon", ""), layer("a", "addon", ""))), "layer a: Two layers have the same name."),
        (addon(layers=(layer("a", "addn", ""),)), "'addn' is not a layer. Did you mean addon?"),
        (addon(layers=(layer("a", "addon", "x" * (5 * 1024 * 1024 + 1)),)), "a, values: The text is larger than 5 MB."),
        (addon(layers=tuple(layer(f"a{n}", "addon", "") for n in range(101))), "at most 100 layers"),
    ],
)  # fmt: skip
def test_the_form_of_a_profile(profile: Profile, words: str) -> None:
    assert any(words in sentence for sentence in _sentences(profile)), _sentences(profile)


def test_a_draft_may_miss_layers_and_a_published_profile_may_not() -> None:
    draft = dataclasses.replace(full(), layers=full().layers[:1])
    assert [problem.severity for problem in check_form(draft)] == ["warning"]
    with pytest.raises(InvalidInput, match=r"no layer for: Kubernetes, network \(CNI\)") as wrong:
        lifecycle.published(draft)
    assert wrong.value.exit_code == 7


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        (Variable("1a"), "begins with a letter"),
        (Variable("a", format="ipv5"), "ipv5 is not a format. Did you mean ipv"),
        (Variable("a", input="drop"), "drop is not an input type. Did you mean dropdown?"),
        (Variable("a", input="dropdown"), "A dropdown needs at least one option."),
        (Variable("a", input="dropdown", options=(Option("x"),), default="y"), "is not one of the options: x"),
        (Variable("a", format="number", input="dropdown", options=(Option("x"),)), "The option 'x' is not a number"),
        (Variable("a", hidden=True, required=True), "hidden variable that is required needs a default"),
        (Variable("a", read_only=True), "A read-only variable needs a default value."),
        (Variable("a", format="boolean", default="1"), "is not true or false"),
        (Variable("a", regex="(?=x)"), "RE2"),
        (Variable("a", regex="^[a-z]+$", default="A"), "does not match ^[a-z]+$"),
        (Variable("a", format="number", default="s3cret", masked=True), "The default value is not a number"),
    ],
)
def test_definitions_of_variables(variable: Variable, words: str) -> None:
    sentences = _sentences(addon(variables=(variable,)))
    assert any(words in sentence for sentence in sentences), sentences
    assert not any("s3cret" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("format_name", "good", "bad"),
    [
        ("number", ["3", "-0.5", "1e3", "007"], ["", "three", "0x1f", "١", "nan"]),
        ("boolean", ["true", "false"], ["True", "yes", "1"]),
        ("version", ["1.31.2", "v1.0.0-rc.1"], ["1.31", "1.0.x"]),
        ("ipv4", ["10.0.0.5"], ["10.0.0.256", "10.0.0.0/8", "010.0.0.1"]),
        ("ipv4cidr", ["100.64.0.0/18", "10.1.2.3/8"], ["10.0.0.5", "10.0.0.0/33", "10.0.0.0/255.0.0.0"]),
        ("ipv6", ["fd00::5", "::1"], ["10.0.0.5", "fe80::1%eth0", "::/64"]),
        ("string", ["x", "é"], []),
    ],
)
def test_formats_take_their_values_only(format_name: str, good: list[str], bad: list[str]) -> None:
    variable = Variable("a", format=format_name, required=True)
    assert [value for value in good if problem_with(variable, value)] == []
    assert [value for value in bad if not problem_with(variable, value)] == []


def test_hidden_and_read_only_variables_cannot_be_set_and_masked_ones_not_be_covered() -> None:
    assert "hidden" in problem_with(Variable("a", hidden=True, default="1"), "2")
    assert "read-only" in problem_with(Variable("a", read_only=True, default="1"), "2")
    assert "given again" in problem_with(Variable("a", masked=True), COVER)
    assert problem_with(Variable("a", read_only=True, default="1"), "1") == ""


def test_an_expression_that_backtracks_is_matched_in_time() -> None:
    assert "does not match" in problem_with(Variable("a", regex="^(a+)+$"), "a" * 1_000 + "b")


def test_patterns_of_many_long_values_are_bounded() -> None:
    variables = tuple(Variable(f"v{number}", regex="^c", default="a" * 1_900) for number in range(60))
    with_values = dict.fromkeys((variable.name for variable in variables), "b" * 1_900)
    for problems in (check_definitions(variables), check_values(variables, with_values)):
        assert problems[-1].code == "TooBig" and len(problems) == 27
        assert (
            problems[-1].sentence().startswith("variables.v26: The values to match with patterns have more than 50,000")
        )
    options = tuple(Option(str(number)) for number in range(501))
    assert "at most 500 options" in _sentences(addon(variables=(Variable("a", input="dropdown", options=options),)))[0]


def test_presets_are_one_of_a_group_and_known_by_the_pack() -> None:
    profile = addon(layers=(layer("registry", "addon", "", presets=("private", "public", "privat")),))
    sentences = [problem.sentence() for problem in errors(check(prepare(profile, {"registry": REGISTRY_PACK})))]
    assert sentences == [
        "layer registry, presets: The presets private and public are of one group (registry); choose one of them.",
        "layer registry, presets: The pack registry has no preset 'privat'. Did you mean private?",
    ]


def test_the_schema_of_the_pack_is_checked_with_the_line() -> None:
    values = "registry:\n  kind: x\n  port: 6000\n"
    original = dataclasses.replace(REGISTRY_PACK, values=REGISTRY_VALUES + "  kind: pack\n")
    profile = addon(layers=(layer("registry", "addon", values),))
    sentences = [problem.sentence() for problem in errors(check(prepare(profile, {"registry": original})))]
    assert sentences == [
        "layer registry, line 3, registry.port: registry.port must be a number from 5000 to 5005.",
        "layer registry, line 2, registry.kind: The pack marks this value as read-only. Restore the value of the pack.",
    ]


def test_a_misspelt_key_is_a_warning_with_the_nearest_one_and_other_keys_are_fine() -> None:
    values = REGISTRY_VALUES.replace("  private:", "  privat:").replace("  port: 5000", "  port: 5000\n  mirror: x")
    profile = addon(layers=(layer("registry", "addon", values),))
    sentences = [problem.sentence() for problem in check(prepare(profile, {"registry": REGISTRY_PACK}))]
    assert sentences == [
        "layer registry, line 5, registry.privat: The values of the pack have no such key. Did you mean private?"
    ]


def test_dependencies_between_packs_are_checked() -> None:
    needs = pack("web", dependencies=(Dependency("edge-k3s", "k8s", "required", "1.32.0"),))
    packs = {"web": needs, "edge-k3s": pack("edge-k3s", "k8s", "1.31.2")}
    sentences = [problem.sentence() for problem in errors(check(prepare(full(), packs)))]
    assert sentences == ["layer web: web 1.0.0 needs edge-k3s 1.32.0 or later, and 1.31.2 is there."]


def test_a_pack_that_is_not_known_is_a_warning_that_names_it() -> None:
    assert [problem.code for problem in check(prepare(addon()))] == ["UnknownPack"]
    assert [problem.severity for problem in check(prepare(addon()))] == ["warning"]


def test_values_that_cannot_be_read_name_the_layer_and_the_line() -> None:
    for values, words in [
        ("- a\n", "layer web: This is a list, not a map of keys."),
        ("a: [\n", "layer web, line 2: "),
        ("a: 1\n---\nb: 2\n", "layer web, line 2: A second document begins."),
        ("a: 1\na: 2\n", "layer web, line 2, a: The key is there twice"),
    ]:
        problems = check(prepare(addon(layers=(layer("web", "addon", values),))))
        assert any(words in problem.sentence() for problem in problems), (values, problems)
    with pytest.raises(InvalidInput) as wrong:
        raise_errors("The profile", check(prepare(addon(layers=(layer("web", "addon", "- a\n"),)))))
    assert wrong.value.exit_code == 7


def test_a_display_name_tells_two_layers_of_one_pack_apart() -> None:
    values = "pack:\n  spectrocloud.com/display-name: {}\n".format
    profile = addon(layers=(layer("dns", "addon", values("dns-1")), layer("dns", "addon", values("dns-2"))))
    prepared = prepare(profile)
    assert [layer.key for layer in prepared.layers] == ["dns-1", "dns-2"]
    assert errors(check(prepared)) == []


def test_a_preset_changes_values_and_leaves_comments() -> None:
    text = with_preset(REGISTRY_VALUES, REGISTRY_PACK, "private")
    assert text.startswith("# where images come from\n")
    assert read_values(text).document["registry"] == {
        "ingress": {}, "private": True, "password": "hunter2", "port": 5000, "host": {"ip": "127.0.0.1"},
    }  # fmt: skip


def test_versions_are_semantic_ordered_and_new() -> None:
    assert lifecycle.ordered_versions(["1.10.0", "1.2.0", "1.2.0-rc.10", "1.2.0-rc.2"]) == [
        "1.2.0-rc.2", "1.2.0-rc.10", "1.2.0", "1.10.0",
    ]  # fmt: skip
    assert lifecycle.suggested_version(["1.10.0", "1.2.0"]) == "1.11.0"
    with pytest.raises(InvalidInput, match=r"has a version 1\.0\.0 already") as wrong:
        lifecycle.new_version(full(), "1.0.0", ["1.0.0"])
    assert (wrong.value.code, wrong.value.exit_code) == ("VersionExists", 7)
    assert lifecycle.clone(full(uid="u"), "copy", "1.0.0", []).uid == ""
    assert [semver.parse(text) for text in ("1.0", "01.0.0", "1.0.0-01", "1.0.0 ", "")] == [None] * 5


def test_what_uses_what() -> None:
    assert usage.layers_by_variable(full()) == {
        "tag": ("edge-native-byoi",), "podCidr": ("cni-flannel",), "replicas": ("web",),
    }  # fmt: skip
    assert usage.macros_used(full()) == ("site",)
    uses = [usage.Use(str(number), f"c{number}") for number in range(7)]
    assert usage.in_use(full(), uses) == (
        "The profile edge-site 1.0.0 is used by 7 clusters: c0, c1, c2, c3, c4 and 2 more."
    )
    assert usage.in_use(full(), []) == ""


def test_an_import_lists_what_is_missing_and_asks_for_registries() -> None:
    public, other = Registry("Public Repo", kind="oci"), Registry("Mine", kind="helm")
    layers = tuple(
        dataclasses.replace(item, registry=other if item.name == "web" else public) for item in full().layers
    )
    profile = full(layers=layers, variables=(*full().variables, Variable("key", masked=True, default=COVER)))

    def sources(item: Layer) -> list[PackSource]:
        return (
            []
            if item.name == "web"
            else [PackSource("u1", "Mirror"), *([PackSource("u2", "X")] if item.kind == "os" else [])]
        )

    result = report(profile, prepare(profile).layers, sources, [], ["1.0.0"])
    assert result.missing_packs == ("web 1.0.0",)
    assert result.missing_macros == ("site",)
    assert [(row.name, len(row.packs), row.matches) for row in result.registries] == [
        ("Public Repo", 3, (PackSource("u1", "Mirror"),)), ("Mine", 1, ()),
    ]  # fmt: skip
    assert [problem.path for problem in result.masked] == ["variables.key"]
    assert [problem.code for problem in result.as_problems()] == ["VersionExists", "MissingPack", "UnknownMacro"]
    assert not result.ready
    chosen = with_registries(profile, {"Public Repo": PackSource("u1", "Mirror")})
    assert [item.registry.uid for item in chosen.layers] == ["u1", "u1", "u1", ""]


def test_passwords_are_covered_by_the_schema_and_others_are_reported() -> None:
    prepared = prepare(addon(layers=(layer("registry", "addon", REGISTRY_VALUES),)), {"registry": REGISTRY_PACK})
    text = covered_text(prepared.layers[0].values, prepared.layers[0].secrets)
    assert text == REGISTRY_VALUES.replace("hunter2", f'"{COVER}"')
    assert suspicious(prepared.layers) == []
    plain = prepare(addon(layers=(layer("registry", "addon", REGISTRY_VALUES),)))
    assert [problem.path for problem in suspicious(plain.layers)] == ["registry.password"]
    block = "password: |\n  one\n  two\nb: 1\n"
    again = covered_text(read_values(block), frozenset(["password"]))
    assert again == f'password: "{COVER}"\nb: 1\n'
