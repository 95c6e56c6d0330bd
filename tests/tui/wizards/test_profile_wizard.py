"""Driving the profile wizard by keys: layers, values, variables, a draft that is not lost, and what is stored."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from edgewright.core.errors import InvalidInput, Unreachable
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import Layer, Profile, Variable
from edgewright.core.profiles.variables import COVER
from edgewright.profiles.directory import files_of, read_directory
from edgewright.store.collections.hosts import HOSTS
from edgewright.wire import protocol
from tests.tui.driving import console, newest_message, press, until, view
from tests.tui.wizards.profile_driving import PODINFO, URI, at, calm, choose, on, paste, shown, stack, state, wizard
from tests.tui.wizards.profiling import ProfilePlane, shipped
from tui.wizards.parts.drafts import draft_file
from tui.wizards.profile.drafting import read_draft
from tui.wizards.profile.wizard import ProfileWizard


@pytest.mark.e2e
async def test_keys_make_a_profile_that_is_published_and_the_directory_is_the_same(tmp_path: Path) -> None:
    plane = ProfilePlane()
    folder = tmp_path / "shop"
    async with console("profile-new", plane=plane, size=(100, 40)) as (pilot, _, made):
        await on(pilot, "about")
        await press(pilot, *"shop", "pagedown")
        await on(pilot, "layers")
        for kind, words in (
            ("os", "byoi"),
            ("k8s", "k8s 1.36"),
            ("cni", "flannel"),
            ("csi", "local"),
            ("addon", "podinfo"),
        ):
            wizard(pilot).query_one("#stack").point_at(f"add/{kind}")  # type: ignore[attr-defined]
            await press(pilot, "enter")
            await choose(pilot, words)
        assert [layer.key for layer in state(pilot).layers] == [
            "edge-native-byoi", "edge-k8s", "cni-flannel", "csi-local-path", "podinfo",
        ]  # fmt: skip
        await press(pilot, "enter")
        await on(pilot, "values")
        editor = wizard(pilot).body.editor  # type: ignore[union-attr]
        row = next(at for at, line in enumerate(editor.text.split("\n")) if "replicaCount" in line)
        editor.go_to(row)
        await press(pilot, "end", "backspace")
        await paste(pilot, '"{{.spectro.var.copies}}"')
        await calm(pilot)
        assert "There is no variable copies" in shown(pilot)
        await press(pilot, "f6")
        await on(pilot, "variables")
        assert "copies" in shown(pilot) and "used in 1 layer" in shown(pilot)
        await press(pilot, "enter", "tab", "tab", "tab", "right", "tab", "tab", "tab", "2", "pagedown")
        await on(pilot, "variables")
        assert state(pilot).profile.variables == (Variable("copies", format="number", required=True, default="2"),)
        await press(pilot, "pagedown")
        await on(pilot, "preview")
        await until(pilot, lambda: "variable copies" in shown(pilot))
        await press(pilot, "enter")
        await on(pilot, "summary")
        await press(pilot, "p")
        await until(pilot, lambda: "Not published: " in newest_message(made))
        await press(pilot, "home", "enter")
        await on(pilot, "values")
        await press(pilot, "end", "backspace")
        await paste(pilot, f'{URI}"')
        await calm(pilot)
        assert not state(pilot).problems, state(pilot).problems
        await press(pilot, "escape")
        await on(pilot, "layers")
        await wizard(pilot).open_page("summary")
        await on(pilot, "summary")
        await press(pilot, "w")
        await until(pilot, lambda: view(pilot) == "FormModal")
        pilot.app.screen.query_one("#field-path", Input).value = str(folder)
        await press(pilot, "enter")
        await until(pilot, lambda: "written" in newest_message(made))
        profile = state(pilot).profile
        await press(pilot, "p")
        await until(pilot, lambda: view(pilot) == "profile")
        assert "Profile shop 1.0.0 is published." in [row.text for row in made.store.model.messages]
    ((path, body, params),) = plane.sent
    assert path == protocol.PROFILES_IMPORT and params == {"publish": "true"}
    assert exchange.to_document(read_directory(folder), secrets=True) == body
    assert files_of(read_directory(folder)) == files_of(profile)
    assert "# " in profile.layers[0].values, "comments of the pack are lost"
    assert not draft_file("profile-new.json").exists()


async def test_what_was_typed_is_there_again_after_leaving() -> None:
    path = draft_file("profile-new.json")
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, _):
        await at(pilot, "values")
        await paste(pilot, "x: [1\n")
        await press(pilot, "escape", "escape")
        await on(pilot, "about")
        await press(pilot, "escape", "enter")
        await until(pilot, lambda: path.is_file() and view(pilot) != "LeaveWizardModal")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, _):
        await on(pilot, "about")
        assert state(pilot).profile.name == "shop" and "x: [1\n" in state(pilot).layers[0].values
        await press(pilot, "escape", "down", "enter")
        await until(pilot, lambda: not path.exists())


async def test_what_was_typed_is_there_again_after_the_end_of_the_console() -> None:
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, _):
        await at(pilot, "values")
        await paste(pilot, "x: [1\n")
        await calm(pilot)
        await wizard(pilot)._drafts.settled()
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, _):
        await on(pilot, "values")
        assert "x: [1\n" in state(pilot).layers[0].values


async def test_nothing_typed_is_left_without_a_question() -> None:
    async with console("profiles", plane=ProfilePlane()) as (pilot, _, _):
        await press(pilot, "plus")
        await on(pilot, "about")
        await press(pilot, "escape")
        await until(pilot, lambda: view(pilot) == "profiles")
        assert not draft_file("profile-new.json").exists()


async def test_a_draft_that_cannot_be_read_is_named_and_does_not_stop_the_wizard() -> None:
    path = draft_file("profile-new.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{")
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, made):
        await on(pilot, "about")
        assert "The stored draft of the profile cannot be read" in " ".join(
            row.text for row in made.store.model.messages
        )


async def test_a_second_os_layer_is_refused_with_the_way_out() -> None:
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, made):
        await at(pilot, "layers")
        await press(pilot, "plus")
        await choose(pilot, "byoi")
        assert newest_message(made) == (
            "The profile has the layer edge-native-byoi already; x removes it, o chooses another version."
        )
        assert len(state(pilot).layers) == 3


async def test_the_same_add_on_twice_has_a_name_of_its_own() -> None:
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, _):
        await at(pilot, "layers", stack(PODINFO))
        await press(pilot, "plus")
        await choose(pilot, "podinfo")
        await until(pilot, lambda: not wizard(pilot)._checking)
        assert [layer.key for layer in state(pilot).layers][3:] == ["podinfo", "podinfo-2"]
        assert not [row for row in state(pilot).problems if row.code == "DuplicateLayer"]
        await press(pilot, "J")
        assert [layer.key for layer in state(pilot).layers][3:] == ["podinfo-2", "podinfo"]


async def test_a_version_that_exists_is_refused_on_the_first_page() -> None:
    plane = ProfilePlane(Profile("shop", version="1.0.0"))
    async with console("profile-new", plane=plane) as (pilot, _, _):
        await on(pilot, "about")
        await press(pilot, *"shop", "tab", "pagedown")
        assert "The profile shop has a version 1.0.0 already." in shown(pilot)
        assert state(pilot).key == "about"
        await press(pilot, "ctrl+u", *"1.1.0", "pagedown")
        await on(pilot, "layers")


async def test_a_version_that_another_user_made_meanwhile_is_refused_and_nothing_is_lost() -> None:
    plane = ProfilePlane()
    async with console("profile-new", plane=plane) as (pilot, _, made):
        await at(pilot, "summary")
        plane.known["prof-9"] = Profile("shop", version="1.0.0")
        await press(pilot, "s")
        await until(pilot, lambda: "exists already" in newest_message(made))
        assert isinstance(pilot.app.screen, ProfileWizard) and draft_file("profile-new.json").is_file()


async def test_versions_of_a_pack_are_fetched_and_values_that_were_changed_stay() -> None:
    async with console("profile-new", plane=ProfilePlane()) as (pilot, _, made):
        await at(pilot, "layers")
        await press(pilot, "plus")
        await choose(pilot, "echo")
        assert state(pilot).layers[3].pack_version == "2.1.0" and state(pilot).layers[3].registry.name == "charts"
        await press(pilot, "o")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "down", "enter")
        await until(pilot, lambda: state(pilot).layers[3].pack_version == "2.0.0")
        await on(pilot, "layers")
        state(pilot).replace_layer(3, Layer("echo", "addon", "2.0.0", "2.0.0", values="mine: 1\n"))
        await press(pilot, "o")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "up", "enter")
        await until(pilot, lambda: state(pilot).layers[3].pack_version == "2.1.0")
        assert state(pilot).layers[3].values == "mine: 1\n" and "the values stay" in newest_message(made)


async def test_fetching_a_pack_is_shown_and_stopped() -> None:
    plane = ProfilePlane()
    async with console("profile-new", plane=plane) as (pilot, _, made):
        await at(pilot, "layers", Profile("shop"))
        plane.pack_gate = asyncio.Event()
        await press(pilot, "plus")
        await until(pilot, lambda: view(pilot) == "PackSearch")
        await press(pilot, *"byoi", "enter")
        await until(pilot, lambda: "Fetching edge-native-byoi 1.0.0" in shown(pilot))
        assert "esc stops it" in shown(pilot)
        await press(pilot, "escape")
        await until(pilot, lambda: newest_message(made) == "Stopped.")
        assert not state(pilot).layers and state(pilot).key == "layers"


async def test_the_profile_is_shown_as_its_files() -> None:
    async with console("profile-new", plane=ProfilePlane(), size=(100, 30)) as (pilot, _, _):
        await at(pilot, "layers")
        await press(pilot, "v")
        await until(pilot, lambda: view(pilot) == "ReadModal")
        assert "profile.yaml" in shown(pilot) and "kind: ClusterProfile" in shown(pilot)


async def test_a_registry_that_is_down_adds_nothing_and_is_named() -> None:
    plane = ProfilePlane()
    async with console("profile-new", plane=plane) as (pilot, _, made):
        await at(pilot, "layers")
        plane.failure = Unreachable(
            "The registry charts does not answer.", "Check it: edgewright registry check charts"
        )
        await press(pilot, "plus")
        await choose(pilot, "echo")
        await until(pilot, lambda: "The registry charts does not answer." in newest_message(made))
        assert len(state(pilot).layers) == 3 and state(pilot).key == "layers"


async def test_a_new_version_begins_with_the_one_before_and_shows_what_differs() -> None:
    plane = ProfilePlane(shipped())
    async with console("profiles", plane=plane, size=(120, 50)) as (pilot, _, _):
        await until(pilot, lambda: "one-node" in shown(pilot))
        await press(pilot, "w")
        await on(pilot, "about")
        assert state(pilot).profile.version == "1.1.0" and "New version of one-node" in shown(pilot)
        await wizard(pilot).open_page("values")
        await on(pilot, "values")
        wizard(pilot).body.editor.put(shipped().layers[0].values.replace("force: false", "force: true"))  # type: ignore[union-attr]
        await calm(pilot)
        await wizard(pilot).open_page("summary")
        await until(pilot, lambda: "CHANGES from one-node 1.0.0" in shown(pilot))
        assert "force: false -> true" in shown(pilot)
        await press(pilot, "d")
        await until(pilot, lambda: view(pilot) == "ReadModal")
        assert "force: true" in shown(pilot)
        await press(pilot, "escape", "s")
        await until(pilot, lambda: view(pilot) == "profile")
    assert plane.sent[0][0] == protocol.PROFILES_IMPORT and plane.sent[0][1]["spec"]["version"] == "1.1.0"


async def test_masked_values_of_the_version_before_stay_at_the_plane() -> None:
    secret = Variable("password", masked=True, default="hunter2")
    plane = ProfilePlane(shipped(variables=(*shipped().variables, secret)))
    async with console("profile-new", "prof-1", plane=plane) as (pilot, _, _):
        await on(pilot, "about")
        await wizard(pilot).open_page("summary")
        await on(pilot, "summary")
        await press(pilot, "s")
        await until(pilot, lambda: view(pilot) == "profile")
    assert [path.rsplit("/", 1)[-1] for path, _, _ in plane.sent] == ["clone", "apply"]
    assert plane.sent[1][1]["spec"]["variables"][-1]["defaultValue"] == COVER


async def test_a_copy_that_the_plane_refuses_is_deleted_again() -> None:
    secret = Variable("password", masked=True, default="hunter2")
    plane = ProfilePlane(shipped(variables=(secret,)))
    applied = plane._profiles

    def refuse(method: str, path: str, body: Any, params: Any) -> Any:
        if path == protocol.OWN_PROFILES_APPLY:
            raise InvalidInput("Two variables have this name.", "Rename one of them.")
        return applied(method, path, body, params)

    plane._profiles = refuse  # type: ignore[method-assign]
    async with console("profile-new", "prof-1", plane=plane) as (pilot, _, made):
        await on(pilot, "about")
        await wizard(pilot).open_page("summary")
        await on(pilot, "summary")
        await press(pilot, "s")
        await until(pilot, lambda: "Two variables have this name." in newest_message(made))
    assert list(plane.known) == ["prof-1"]


async def test_a_draft_at_the_plane_is_changed_in_place() -> None:
    plane = ProfilePlane(shipped())
    async with console("profile-edit", "prof-1", plane=plane) as (pilot, _, _):
        await on(pilot, "about")
        assert (
            "Change one-node 1.0.0" in shown(pilot)
            and "version " not in shown(pilot).split("type")[0].split("\n", 3)[3]
        )
        await wizard(pilot).open_page("summary")
        await on(pilot, "summary")
        await press(pilot, "s")
        await until(pilot, lambda: view(pilot) == "profile")
    assert [path for path, _, _ in plane.sent] == [protocol.OWN_PROFILES_APPLY]


async def test_a_read_only_session_stores_nothing_and_writes_the_directory(tmp_path: Path) -> None:
    plane = ProfilePlane()
    async with console("profile-new", plane=plane, read_only=True) as (pilot, _, made):
        await at(pilot, "summary")
        assert "This session is read-only, so nothing is stored." in shown(pilot)
        await press(pilot, "s")
        assert newest_message(made).startswith("This session is read-only") and not plane.sent


async def test_a_preview_for_a_host_has_its_project_and_its_size() -> None:
    values = 'site: "{{.spectro.system.project.name}}"\n'
    plane = ProfilePlane(shipped(type="add-on", layers=(Layer("podinfo", "addon", "6.9.2", "6.9.2", values=values),)))
    async with console("profile-new", "prof-1", plane=plane, size=(120, 40)) as (pilot, _, made):
        await on(pilot, "about")
        await wizard(pilot).open_page("preview")
        await on(pilot, "preview")
        await press(pilot, "o")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "down", "enter")
        host = min(made.store.model.rows(HOSTS).values(), key=lambda row: row.name)
        await until(pilot, lambda: f"for host {host.name}" in shown(pilot))


def test_a_draft_of_another_version_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "draft.json"
    path.write_text(json.dumps({"format": 2}))
    with pytest.raises(InvalidInput, match="another version"):
        read_draft(path)
