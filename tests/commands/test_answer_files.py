"""Answer files: an example of each kind that is valid as printed, and all that is wrong in a file in one run."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgewright.commands.installer.answer_kinds import answer_kinds, example
from edgewright.commands.installer.apply import Apply
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from edgewright.core.clusters import definition
from edgewright.core.errors import InvalidDocument, InvalidInput, NotFound, Refused, UsageError
from edgewright.core.installer.example import GIVEN
from edgewright.core.installer.pages import PAGES
from edgewright.core.installer.questions import coerce
from edgewright.forge import builds
from edgewright.main import main
from tests.cli_support import Done
from tests.core.installer import samples
from tests.forge.image import parts, tree_stand_ins
from tests.forge.isos import look_alike
from tests.oci.fake_registry import FakeRegistry

Run = Callable[..., Done]
KINDS = [kind.name for kind in answer_kinds()]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command_line(*words: str) -> Done:
        capsys.readouterr()
        code = main(list(words))
        return Done(code, *capsys.readouterr())

    return command_line


def written(folder: Path, text: str) -> Path:
    path = folder / "answers.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def planned(path: Path) -> Plan:
    return asyncio.run(Apply().plan(CommandContext(Settings()), (), {"file": str(path)}))


def refused(folder: Path, document: dict[str, Any] | str) -> InvalidDocument:
    text = document if isinstance(document, str) else yaml.safe_dump(document)
    with pytest.raises(InvalidDocument) as caught:
        planned(written(folder, text))
    return caught.value


def answers(**changes: Any) -> dict[str, Any]:
    given = {
        **samples.LEAST,
        "base.kind": "appliance",
        **{key.replace("__", "."): value for key, value in changes.items()},
    }
    return {"apiVersion": "edgewright/v1", "kind": "Installer", "metadata": {"name": "shop"}, "answers": given}


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_valid_as_it_is_printed(kind: str, tmp_path: Path) -> None:
    outcome = asyncio.run(
        registry.run(Apply, CommandContext(Settings()), (), {"example": True, "example_kind": kind.lower()})
    )
    parts.programs(tmp_path / "kube")  # what the examples name beside them
    tree_stand_ins.kubeadm_tree(tmp_path / "tree")
    file = written(tmp_path, outcome.result.text + "\n")
    if kind == definition.KIND:  # its plan is made by a plane: tests/cli/test_clusters.py
        answers = yaml.safe_load(outcome.result.text)["answers"]
        assert definition.read("store-7", answers)[1] == []
        return
    plan = planned(file)
    assert plan.touches and outcome.result.document["kind"] == kind == yaml.safe_load(outcome.result.text)["kind"]


def test_values_that_nobody_replaced_are_a_warning_in_plan_and_build(tmp_path: Path) -> None:
    text = example("Installer")[1]
    lines = planned(written(tmp_path, text)).lines
    for key in ("plane.endpoint", "token.text", "user.keys"):
        assert f"warning: answers.{key} still has the example's value." in lines
    own = text.replace("f3Vt9Kq2Wm7XzB4nR8sLd6Hp", "ewt_9Qm2").replace("hub.example.org", "hub.acme.io")
    plan = planned(written(tmp_path, own))
    assert [line for line in plan.lines if "example's value" in line] == [
        "warning: answers.user.keys still has the example's value."
    ]
    named = planned(written(tmp_path, own + "  uid.rule: name\n  uid.name: edge-7\n"))
    document = next(line for line in named.lines if line.startswith("note: "))
    assert document.count("stylus.site.name") == 1, "a path is not put before a message that names it"


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_has_every_key_of_its_kind(kind: str) -> None:
    text = example(kind)[1].partition("\nanswers:\n")[2]
    shown = re.findall(r"^  #?([a-z_.]+): ", text, re.MULTILINE)
    known = {k for each in answer_kinds() if each.name == kind for k in each.keys}
    assert known - set(shown) <= {"output.name", "token.uid"} and set(shown) <= known and len(shown) == len(set(shown))


def test_what_the_example_offers_as_a_comment_is_of_the_right_kind() -> None:
    questions = {question.key: question for page in PAGES for question in page.fields}
    text = example("Installer")[1].partition("\nanswers:\n")[2]
    for key, value in re.findall(r"^  #([a-z_.]+): (.*?)(?:  # .*)?$", text, re.MULTILINE):
        coerce(questions[key], yaml.safe_load(value))
    for key, (value, _) in GIVEN.items():
        coerce(questions[key], value)


def test_the_first_kind_is_printed_without_one_and_an_unknown_one_names_the_known() -> None:
    assert example()[0] == KINDS[0] == "Installer"
    with pytest.raises(NotFound) as caught:
        example("instaler")
    assert all(kind in caught.value.message for kind in KINDS) and "--example installer" in caught.value.hint


def test_all_problems_of_a_file_are_reported_in_one_run(tmp_path: Path) -> None:
    document = {
        "metadata": {"nam": "x"},
        "answers": {
            "base": "x.iso",
            "net.vlan": "twelve",
            "plane.ca": "/nowhere.pem",
            "users.more": [{"name": "Bad Name", "keys": []}, {"name": "field", "password": "short"}],
            "base.path": "/nowhere.iso",
            "content.folder": "/nowhere",
            "output.folder": "out",
            "user.password": "correct horse",
            "ntp.servers": ["not a host"],
        },
    }
    error = refused(tmp_path, document)
    assert [problem.key for problem in error.problems] == [
        "apiVersion",
        "metadata.nam",
        "kind",
        "answers.base",
        "answers.net.vlan",
        "answers.plane.ca",
        "answers.plane.endpoint",
        "answers.token.text",
        "answers.ntp.servers",
        "answers.users.more[1].name",
        "answers.users.more[1].keys",
        "answers.users.more[2].password",
        "answers.base.path",
        "answers.content.folder",
    ]
    rows = {problem.key: problem.sentence() for problem in error.problems}
    assert "Write kind: Installer" in rows["kind"] and "`base.path`" in rows["answers.base"]
    assert "Write plane.endpoint: https://" in rows["answers.plane.endpoint"]
    assert all(sentence in error.message for sentence in ("answers.token.text: It is missing", "apiVersion"))
    assert [row["key"] for row in error.as_dict()["problems"]] == list(rows)


def test_what_the_user_data_lacks_is_reported_with_the_rest(tmp_path: Path) -> None:
    static = {"net__mode": "static", "net__nic": "eno1", "net__address": "10.4.1.7/24", "net__dns": "10.4.1.1"}
    error = refused(tmp_path, answers(**static, net__gateway="10.9.1.1", disk__cmdline="root=/dev/sda1"))
    assert {problem.key for problem in error.problems} == {"answers.net.gateway", "answers.disk.cmdline"}
    stages = {"stages__steps": ["boot:", "  - commands: {a: b}"]}
    error = refused(tmp_path, answers(**stages, uid__regex="(", plane__ca="not a certificate"))
    assert {problem.key for problem in error.problems} >= {"answers.uid.regex", "answers.plane.ca"}


def test_the_command_line_prints_a_line_for_each_problem(tmp_path: Path, run: Run) -> None:
    path = written(tmp_path, yaml.safe_dump(answers(net__vlan="x", plane__endpoint="")))
    done = run("apply", "-f", str(path))
    lines = done.err.splitlines()
    assert done.code == 7 and lines[0] == f"{path}: 2 problems:" and lines[-1] == "See: edgewright apply --example"
    assert lines[1].startswith("  answers.net.vlan: ") and lines[2].startswith("  answers.plane.endpoint: ")
    document = json.loads(run("apply", "-f", str(path), "-o", "json").err)
    assert document["code"] == "WrongAnswer" and len(document["problems"]) == 2


def test_the_name_of_the_document_names_the_output(tmp_path: Path) -> None:
    document = answers(output__folder=str(tmp_path))
    del document["answers"]["output.name"]
    document["metadata"]["name"] = "shop2"
    plan = planned(written(tmp_path, yaml.safe_dump(document)))
    assert plan.touches == (str(tmp_path / "shop2.iso"),) and "shop2" in plan.title
    document["answers"]["output.name"] = "other"
    assert planned(written(tmp_path, yaml.safe_dump(document))).touches == (str(tmp_path / "other.iso"),)
    del document["answers"]["output.name"]
    document["metadata"]["name"] = "a b"
    error = refused(tmp_path, document)
    assert [problem.key for problem in error.problems] == ["metadata.name"]


def test_the_way_to_an_example_is_named_where_a_person_begins(tmp_path: Path, run: Run) -> None:
    for text in ("", "# nothing yet\n", "- a\n", "a: [\n"):
        with pytest.raises(InvalidInput) as caught:
            planned(written(tmp_path, text))
        assert "apply --example" in caught.value.hint
    with pytest.raises(NotFound) as missing:
        planned(tmp_path / "none.yaml")
    assert "apply --example" in missing.value.hint
    done = run("apply")
    assert done.code == 2 and "apply --example" in done.err
    done = run("apply", "shop.yaml")
    assert done.code == 2 and "-f shop.yaml" in done.err
    assert "--example" in run("apply", "--help").out
    with pytest.raises(UsageError):
        asyncio.run(Apply().plan(CommandContext(Settings()), (), {}))


def image_file(kind: str, **answers_: Any) -> dict[str, Any]:
    given = {"kubernetes": "kubeadm:1.36.3", "push": "registry.example.org/edge/x", **answers_}
    return {"apiVersion": "edgewright/v1", "kind": kind, "metadata": {"name": "x"}, "answers": given}


def test_an_image_file_names_all_that_is_wrong(tmp_path: Path) -> None:
    document = image_file("ApplianceImage", bse="x", replace="yes", images="a.tar", arch="riscv", tree="x", push=None)
    error = refused(tmp_path, document)
    rows = {problem.key: problem.sentence() for problem in error.problems}
    assert set(rows) == {f"answers.{key}" for key in ("bse", "replace", "images", "arch", "tree", "push")}
    assert "`base`" in rows["answers.bse"] and "true or false" in rows["answers.replace"]
    assert "amd64, arm64" in rows["answers.arch"] and "registry.example.org" in rows["answers.push"]
    assert "There is no such answer" in rows["answers.tree"], "it belongs to the other kind"
    assert "--example ApplianceImage" in error.hint


def test_a_mistyped_kind_is_judged_as_what_it_means(tmp_path: Path) -> None:
    error = refused(tmp_path, image_file("TreeImge", tre="x"))
    assert {problem.key for problem in error.problems} == {"kind", "answers.tre"}
    assert "Write kind: TreeImage" in error.problems[0].hint
    document = image_file("TreeImage", pe_version="v1")
    del document["kind"]
    assert "Write kind: ApplianceImage" in refused(tmp_path, document).problems[0].hint


def test_a_tree_is_built_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    registry_ = FakeRegistry()
    try:
        tree_stand_ins.kubeadm_tree(tmp_path / "parts/tree")
        document = image_file("TreeImage", push=f"{registry_.host}/edge/tree", tree="tree")
        path = written(tmp_path / "parts", yaml.safe_dump(document))
        reference = f"{registry_.host}/edge/tree:tree-kubeadm-1.36.3-amd64"
        assert planned(path).touches == (reference,)
        with pytest.raises(Refused):
            asyncio.run(registry.run(Apply, CommandContext(Settings(), read_only=True), (), {"file": str(path)}))
        outcome = asyncio.run(registry.run(Apply, CommandContext(Settings()), (), {"file": str(path)}))
        assert outcome.done == (reference,) and outcome.result.document["kind"] == "KubernetesTree"
        outcome = asyncio.run(registry.run(Apply, CommandContext(Settings()), (), {"file": str(path), "force": True}))
        assert outcome.result.document["replaced"] == outcome.result.document["digest"]
        args = {"file": str(path), "force": True, "detach": True}
        build = asyncio.run(registry.run(Apply, CommandContext(Settings()), (), args)).done[0]
        deadline = time.monotonic() + 90
        while not builds.find(build).over and time.monotonic() < deadline:
            time.sleep(0.1)
        assert (builds.find(build).state, builds.find(build).kind) == ("done", "image")
    finally:
        registry_.close()


def test_what_a_map_would_lose_is_an_error(tmp_path: Path) -> None:
    for tags, says in (
        ({"": "x", "a": "b"}, "gives 'x' no key"),
        ({"a": "b", " a ": "c"}, "twice"),
    ):
        document = yaml.safe_load(example("Installer")[1])
        document["answers"] |= {"site.tags": tags}
        error = refused(tmp_path, document)
        assert says in error.message and "answers.site.tags" in error.message
    question = next(q for page in PAGES for q in page.fields if q.key == "site.tags")
    assert coerce(question, {"": "", " a ": " b "}) == {"a": "b"}, "a blank line of the wizard is none"


def test_a_plan_that_cannot_be_carried_out_is_refused(tmp_path: Path) -> None:
    document = yaml.safe_load(example("Installer")[1])
    document["answers"] |= {"base.kind": "file", "base.path": "base.iso"}
    path = written(tmp_path, yaml.safe_dump(document))
    with pytest.raises(NotFound, match="There is no base ISO"):
        planned(path)
    look_alike(tmp_path, "base.iso", {"/casper/vmlinuz": b"k"})
    with pytest.raises(InvalidInput, match="looks like an Ubuntu live ISO"):
        planned(path)


def test_a_host_that_is_named_by_its_uid_keeps_the_name_of_the_record() -> None:
    """Its node would be called as its uid, and a name that another host has would not be noticed."""
    hosts = (definition.WantedHost("shop-1", "", ""), definition.WantedHost("edge-uid-2", "", ""))
    body = definition.pool_body(
        definition.WantedPool("cp", hosts, {}), {"shop-1": "edge-uid-1", "edge-uid-2": "edge-uid-2"}
    )
    listed = [(host["hostUid"], host.get("hostName")) for host in body["cloudConfig"]["edgeHosts"]]
    assert listed == [("edge-uid-1", "shop-1"), ("edge-uid-2", None)]
