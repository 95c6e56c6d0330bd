"""Values in the profile wizard: what is wrong is one sentence with its line; presets; what is too large."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgewright.commands.profile import wizard_api
from edgewright.core.profiles.model import Layer, Manifest, Profile, Variable
from edgewright.core.profiles.scope import Macro
from edgewright.core.profiles.variables import COVER
from edgewright.packs import catalogue
from tests.core.profiles.stacks import REGISTRY_PACK, REGISTRY_VALUES
from tests.tui.driving import console, newest_message, press, until, view
from tests.tui.wizards.profile_driving import PODINFO, at, calm, on, paste, shown, stack, state, wizard
from tests.tui.wizards.profiling import ProfilePlane, shipped
from tui.wizards.profile.wizard_state import ProfileState

WRONG = {
    "not a map": ("- a\n- b\n", "This is a list, not a map of keys."),
    "aliases": ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n" for before, name in zip("abcdef", "bcdefg", strict=True)
    ), "keys and values"),
    "cycle": (
        'a: "{{.spectro.pack.podinfo.b}}"\nb: "{{.spectro.pack.podinfo.a}}"\n', "References form a cycle",
    ),
    "macro": ('a: "{{.spectro.macro.sit}}"\n', "There is no macro sit. Did you mean site?"),
    "misspelt": ("charts:\n  podinfo:\n    replicaCuont: 3\n", "Did you mean replicaCount?"),
    "schema": ("charts:\n  podinfo:\n    replicaCount: 99\n", "must be a number from 1 to 50"),
    "yaml": ("a: [1\nb: 2\n", "line 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_one_sentence_with_their_line(case: str) -> None:
    text, sentence = WRONG[case]
    pack = next(pack for pack in catalogue.packs() if pack.name == "podinfo")
    profile = stack(replace(PODINFO, values=text))
    found = wizard_api.examine(profile, {"podinfo 6.9.2": pack}, {"site": Macro("berlin", "plane")})
    here = [row for row in found.problems if row.layer == "podinfo"]
    assert [row for row in here if sentence in row.sentence() and (row.line or case == "not a map")], here


async def test_a_wrong_value_is_marked_and_f7_goes_there() -> None:
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, _):
        await at(pilot, "values", stack(PODINFO), 3)
        editor = wizard(pilot).body.editor  # type: ignore[union-attr]
        editor.put("charts:\n  podinfo:\n    replicaCount: 99\n")
        await calm(pilot)
        assert "3▲" in shown(pilot) and "1 error" in shown(pilot)
        await press(pilot, "f7")
        assert editor.row == 2 and editor.path == "charts.podinfo.replicaCount"
        assert "must be a number from 1 to 50" in " ".join(shown(pilot).split())


async def test_five_megabytes_are_not_taken_by_the_editor() -> None:
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, made):
        await at(pilot, "values")
        before = wizard(pilot).body.editor.text  # type: ignore[union-attr]
        await paste(pilot, "a: 1\n" * 1_000_000)
        assert (
            newest_message(made)
            == "Not inserted: the values would be larger than 1 MB, which the editor does not take."
        )
        assert wizard(pilot).body.editor.text == before  # type: ignore[union-attr]


async def test_values_that_are_too_large_for_the_editor_are_left_as_they_are() -> None:
    large = "a: " + "x" * 1_100_000 + "\n"
    plane = ProfilePlane(shipped(layers=(Layer("podinfo", "addon", "6.9.2", "6.9.2", values=large),)))
    async with console("profile-new", "prof-1", plane=plane) as (pilot, _, made):
        await on(pilot, "about")
        await wizard(pilot).open_page("values")
        await on(pilot, "values")
        assert "too large for the editor (1.0 MB)" in newest_message(made)
        await press(pilot, "x", "escape")
        await on(pilot, "layers")
        assert state(pilot).layers[0].values == large


async def test_a_preset_is_applied_with_comments_kept_and_taken_back() -> None:
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, made):
        cilium = Layer("cni-cilium", "cni", "1.18.13", "1.18.13")
        await at(pilot, "values", Profile("shop", layers=(cilium,)))
        before = wizard(pilot).body.editor.text  # type: ignore[union-attr]
        pack = next(pack for pack in catalogue.packs() if pack.name == "cni-cilium")
        await press(pilot, "f8")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "enter")
        await until(pilot, lambda: "is applied" in newest_message(made))
        assert state(pilot).layers[0].presets == (pack.presets[0].name,)
        after = wizard(pilot).body.editor.text  # type: ignore[union-attr]
        assert after != before and after.count("#") == before.count("#")
        await press(pilot, "ctrl+z")
        assert wizard(pilot).body.editor.text == before  # type: ignore[union-attr]


def test_a_problem_of_a_manifest_is_not_marked_in_the_values() -> None:
    manifest = Manifest("namespace", 'kind: "{{.spectro.var.none}}"\n')
    layer = replace(PODINFO, values="a: 1\n", manifests=(manifest, Manifest("broken", "a: [1\n")))
    made = ProfileState(stack(layer))
    made.problems = wizard_api.examine(made.profile, {}, {}).problems
    wrong = [row for row in made.layer_problems(layer) if row.severity == "error"]
    assert len(wrong) == 2 and not [row for row in made.value_problems(layer) if row.severity == "error"]


async def test_values_that_are_emptied_are_those_of_the_pack() -> None:
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, made):
        await at(pilot, "values", stack(replace(PODINFO, values="a: 1\n")), 3)
        wizard(pilot).body.editor.put("")  # type: ignore[union-attr]
        await calm(pilot)
        assert newest_message(made) == "Values that are empty are those of the pack."


def test_a_written_directory_covers_passwords_and_names_what_cannot_be_read(tmp_path: Path) -> None:
    layer = Layer("registry", "addon", "1.0.0", values=REGISTRY_VALUES)
    broken = Layer("podinfo", "addon", "6.9.2", values="password: [hunter3\n")
    packs = {"registry 1.0.0": REGISTRY_PACK, "podinfo 6.9.2": None}
    written = wizard_api.save_directory(tmp_path / "shop", stack(layer, broken), packs)
    assert written.covered and written.open == ("podinfo",)
    every = {path: path.read_text() for path in (tmp_path / "shop").rglob("*") if path.is_file()}
    assert not any("hunter2" in text for text in every.values())
    (values,) = [text for path, text in every.items() if path.parts[-2:] == ("registry", "values.yaml")]
    assert f'password: "{COVER}"' in values and "# where images come from" in values
    assert wizard_api.shared_files(stack(layer), packs)["layers/registry/values.yaml"].decode() == values


async def test_a_missing_layer_stops_a_publish_before_it_is_sent() -> None:
    profile = stack()
    profile = replace(profile, layers=tuple(layer for layer in profile.layers if layer.kind != "cni"))
    plane = ProfilePlane()
    async with console("profile-new", plane=plane, size=(110, 40)) as (pilot, _, made):
        await at(pilot, "summary", profile)
        assert "1 error must be fixed before it is published" in shown(pilot) and "layers √" not in shown(pilot)
        await press(pilot, "p")
        await until(
            pilot, lambda: "Not published: layers: The profile has no layer for: network" in newest_message(made)
        )
    assert not plane.sent


async def test_the_preview_names_examples_only_where_no_value_was_given() -> None:
    profile = replace(stack(), variables=(Variable("city", required=True), Variable("zone", required=True)))
    async with console("profile-new", plane=ProfilePlane(), size=(110, 40)) as (pilot, _, _):
        await at(pilot, "preview", profile)
        assert "with example values; examples for city, zone" in shown(pilot)
        state(pilot).given["city"] = "berlin"
        wizard(pilot).body.show()  # type: ignore[union-attr]
        await until(pilot, lambda: "examples for zone" in shown(pilot))
        state(pilot).given["zone"] = "a"
        wizard(pilot).body.show()  # type: ignore[union-attr]
        await until(pilot, lambda: "with the values that you gave" in shown(pilot))
