"""Scale, restart, edit: what a plan names, what is sent, and what is refused; over the fake API."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.clients.kube.refusals import of_status
from edgewright.commands.kernel import registry
from edgewright.commands.kube.changes import editing
from edgewright.commands.kube.changes.patches import HIDDEN, HIDDEN_NEW, concealed, merge_patch, stale
from edgewright.commands.kube.changes.scaling import RESTARTED, replicas_of
from edgewright.commands.kube.object_verbs import KubeObjectEdit, KubeObjectRestart, KubeObjectScale
from edgewright.core.errors import Conflict, InvalidInput, Refused, UsageError
from edgewright.yamltext.documents import read_one
from edgewright.yamltext.writer import write
from tests.commands.kube.test_objects import UID, arguments, context
from tests.tui import workloads
from tests.tui.fake_cluster_api import FakeClusterApi

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
SCALERS = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"


def stateful(name: str, wanted: int, ready: int, updated: int = 0, revision: str = "b") -> dict[str, Any]:
    document = workloads.deployment(name, wanted, ready)
    counts = {"readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": updated, "observedGeneration": 2}
    return {**document, "kind": "StatefulSet", "status": {**counts, "currentRevision": "a", "updateRevision": revision}}


def daemon(name: str, wanted: int, ready: int, updated: int) -> dict[str, Any]:
    counts = {"desiredNumberScheduled": wanted, "numberReady": ready, "numberAvailable": ready}
    status = {**counts, "updatedNumberScheduled": updated, "observedGeneration": 2}
    return {**workloads.deployment(name, 1, 1), "kind": "DaemonSet", "status": status}


def test_stateful_and_daemon_sets_have_the_row_of_a_deployment() -> None:
    given = arguments(FakeClusterApi(), "statefulsets", [stateful("db", 3, 3, 1), stateful("db", 3, 2, 3, "a")])
    seen = [(row.health, row.ready, row.wanted, row.updated, row.reason) for row in given["objects"]]
    assert seen == [("work", 3, 3, 1, "a rollout is under way"), ("warn", 2, 3, 3, "1 of its pods not available")]
    given = arguments(FakeClusterApi(), "daemonsets", [daemon("cni", 3, 3, 3), daemon("cni", 3, 2, 3)])
    assert [(row.health, row.ready, row.wanted) for row in given["objects"]] == [("ok", 3, 3), ("warn", 2, 3)]


async def test_scaling_names_what_ends_and_the_autoscaler_that_sets_it_again() -> None:
    api = FakeClusterApi({workloads.DEPLOYMENTS: [workloads.deployment("web", 3, 3)]})
    target = {"kind": "Deployment", "name": "web"}
    scaler = {"metadata": workloads.meta("web-hpa", "shop")}
    api.objects[SCALERS] = [{**scaler, "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 8}}]
    given = {**arguments(api, "deployments", [workloads.deployment("web", 3, 3)]), "replicas": "1"}
    plan = await registry.acting(KubeObjectScale)().plan(context(), (UID,), given)
    assert plan.title == "Scale deployment web to 1" and plan.cannot_undo == ("2 pods of shop/web end.",)
    assert plan.lines == (
        "shop/web: 3 pods now, 1 from then on",
        "shop/web: the autoscaler web-hpa sets it again, to 2 to 8 pods",
    )
    assert plan.cli == "edgewright kube scale pos-kiel deployment/web --replicas 1 -- -n shop"
    outcome = await registry.run(KubeObjectScale, context(), (UID,), given, plan=plan)
    assert outcome.message == "shop/web scaled to 1."
    assert api.requests[-1] == ("PATCH", f"{WEB}/scale", {"spec": {"replicas": 1}})
    more = await registry.acting(KubeObjectScale)().plan(context(), (UID,), {**given, "replicas": "5"})
    assert more.cannot_undo == ()


@pytest.mark.parametrize("given", ["", "-1", "many", "1.5", "5001", "9" * 30, "\u0663"])
def test_what_is_no_number_of_pods_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="is not a number of pods"):
        replicas_of(given)


async def test_a_daemon_set_a_pod_and_a_reader_do_not_scale() -> None:
    api = FakeClusterApi()
    scale = registry.acting(KubeObjectScale)()
    with pytest.raises(UsageError, match="one pod on each node"):
        given = arguments(api, "daemonsets", [daemon("cni", 1, 1, 1)])
        await scale.plan(context(), (UID,), {**given, "replicas": "2"})
    with pytest.raises(UsageError, match="no pods by a template"):
        await scale.plan(context(), (UID,), {**arguments(api, "pods", [workloads.pod("a")]), "replicas": "2"})
    given = {**arguments(api, "deployments", [workloads.deployment("web", 1, 1)]), "replicas": "2"}
    with pytest.raises(Refused, match="read-only"):
        await registry.run(KubeObjectScale, context(read_only=True), (UID,), given)
    assert not [each for each in api.requests if each[0] != "GET"]


async def test_a_restart_names_how_pods_are_replaced_and_changes_the_template_alone() -> None:
    web, till = workloads.deployment("web", 3, 3), workloads.deployment("till", 2, 2)
    till["spec"]["strategy"] = {"type": "Recreate"}
    api = FakeClusterApi({workloads.DEPLOYMENTS: [web, till]})
    given = arguments(api, "deployments", [web, till])
    plan = await registry.acting(KubeObjectRestart)().plan(context(), (UID,), given)
    assert plan.lines == (
        "shop/web: 3 pods replaced one after the other, as fast as the new ones are ready",
        "shop/till: all 2 pods end, then new ones start",
    )
    assert plan.cannot_undo and plan.cli == (
        "edgewright kube restart pos-kiel deployment/web deployment/till -- -n shop"
    )
    outcome = await registry.run(KubeObjectRestart, context(), (UID,), given, plan=plan)
    assert outcome.message == "shop/web and shop/till restarted."
    sent = [each for each in api.requests if each[0] == "PATCH"]
    assert {each[1].rpartition("/")[2] for each in sent} == {"web", "till"}
    annotations = sent[0][2]["spec"]["template"]["metadata"]["annotations"]
    assert list(annotations) == [RESTARTED] and set(sent[0][2]) == {"spec"}
    api.objects[workloads.DEPLOYMENTS][0]["spec"]["paused"] = True
    with pytest.raises(UsageError, match="rollout of shop/web is paused"):
        await registry.acting(KubeObjectRestart)().plan(context(), (UID,), given)


def edited(document: dict[str, Any], old: str, new: str) -> str:
    text = editing.text_of(document)
    assert old in text
    return text.replace(old, new)


async def test_an_edit_sends_what_differs_after_the_server_found_the_difference() -> None:
    web = workloads.deployment("web", 3, 3)
    web["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    api = FakeClusterApi({workloads.DEPLOYMENTS: [web]})
    text = editing.text_of(web)
    assert "managedFields" not in text and "status:" not in text and "resourceVersion" not in text
    given = {**arguments(api, "deployments", [web]), "before": web, "edited": text.replace("web:1.4.2", "web:1.5.0")}
    plan = await registry.acting(KubeObjectEdit)().plan(context(), (UID,), given)
    assert [line for line in plan.lines if line[:1] in "+-"] == [
        "-          image: registry.example/web:1.4.2", "+          image: registry.example/web:1.5.0",
    ]  # fmt: skip
    method, path, sent = api.requests[-1]
    assert method == "PATCH" and "dryRun=All" in path and "fieldValidation=Strict" in path
    containers = [{"name": "main", "image": "registry.example/web:1.5.0"}]
    spec = {"template": {"spec": {"containers": containers}}}
    assert sent == {"spec": spec, "metadata": {"resourceVersion": "7"}} and plan.cannot_undo
    assert web["spec"]["template"]["spec"]["containers"][0]["image"].endswith("1.4.2"), "nothing was changed yet"
    outcome = await registry.run(KubeObjectEdit, context(), (UID,), given, plan=plan)
    assert outcome.message == "deployment shop/web edited." and "dryRun" not in api.requests[-1][1]
    assert api.objects[workloads.DEPLOYMENTS][0]["spec"]["template"]["spec"]["containers"] == containers


async def test_an_edit_takes_a_status_that_changed_meanwhile_and_no_field_that_did() -> None:
    web = workloads.deployment("web", 3, 3)
    now = {**web, "status": {"readyReplicas": 1}, "metadata": {**web["metadata"], "resourceVersion": "9"}}
    api = FakeClusterApi({workloads.DEPLOYMENTS: [now]})
    given = {**arguments(api, "deployments", [web]), "before": web, "edited": edited(web, "replicas: 3", "replicas: 4")}
    plan = await registry.acting(KubeObjectEdit)().plan(context(), (UID,), given)
    assert "+  replicas: 4" in plan.lines and api.requests[-1][2]["metadata"] == {"resourceVersion": "9"}
    api.objects[workloads.DEPLOYMENTS] = [{**now, "spec": {**web["spec"], "replicas": 8}}]
    with pytest.raises(Conflict, match=r"spec\.replicas of shop/web was changed meanwhile"):
        await registry.run(KubeObjectEdit, context(), (UID,), given, plan=plan)
    api.objects[workloads.DEPLOYMENTS] = [{**web, "metadata": {**web["metadata"], "uid": "another"}}]
    with pytest.raises(Conflict, match="deleted and made again"):
        await registry.run(KubeObjectEdit, context(), (UID,), given, plan=plan)


async def test_what_cannot_be_edited_is_refused_in_one_sentence() -> None:
    web = workloads.deployment("web", 3, 3)
    api = FakeClusterApi({workloads.DEPLOYMENTS: [web]})
    plan = registry.acting(KubeObjectEdit)().plan
    for text, message in (
        (edited(web, "name: web\n  uid", "name: other\n  uid"), "metadata.name cannot be changed"),
        (edited(web, "kind: Deployment", "kind: Pod"), "kind cannot be changed"),
        ("# nothing\n", "The text has no object"),
        ("a: [", "The text"),
        ("a: 1\n---\nb: 1\n", "has 2 documents"),
    ):
        given = {**arguments(api, "deployments", [web]), "before": web, "edited": text}
        with pytest.raises(InvalidInput, match=message):
            await plan(context(), (UID,), given)
    with pytest.raises(UsageError, match="Nothing differs"):
        given = {**arguments(api, "deployments", [web]), "before": web, "edited": editing.text_of(web)}
        await plan(context(), (UID,), given)
    api.refuse["/web"] = of_status(422, 'Deployment "web" is invalid: spec.replicas: must be positive', "Invalid")
    given = {**given, "edited": edited(web, "replicas: 3", "replicas: -3")}
    with pytest.raises(InvalidInput, match="must be positive"):
        await plan(context(), (UID,), given)


def test_a_text_that_was_refused_comes_again_with_the_reason_once() -> None:
    first = editing.again("# old\n# older\na: 1\n", "Two\x1b[2J problems.")
    again = editing.again(first, "Another one.")
    assert again.startswith("# Another one.\n# Lines that begin") and again.endswith("\na: 1\n")
    assert "problems" not in again and "\x1b" not in first


def test_a_difference_shows_no_secret_but_that_it_changed() -> None:
    web = workloads.deployment("web", 1, 1)
    env = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "MODE", "value": "a"}]
    web["spec"]["template"]["spec"]["containers"][0]["env"] = env
    later = read_one(write(web).replace("hunter2", "hunter3"), "text")
    lines = "\n".join(editing.difference(web, later))
    assert "hunter" not in lines and f"+              value: {HIDDEN_NEW}" in lines
    assert concealed({"token": "a", "token_url": "b"}, {"token": "a"}) == {"token": HIDDEN, "token_url": "b"}


@pytest.mark.parametrize(
    "value", ["yes", "1", "1e3", "0x1f", "null", "~", "{{ .x }}", "a: b", "# c", "2026-11-29", "a\nb\n", " x ", "é", ""]
)
def test_a_text_is_read_as_it_was_written(value: str) -> None:
    document = {"apiVersion": "v1", "metadata": {"name": "a", "annotations": {"k/x": value}}, "n": 1, "t": True}
    assert read_one(editing.text_of(document), "text") == document


def test_the_object_that_the_api_puts_before_its_reason_is_left_out() -> None:
    """As kube-apiserver v1.36.3 answers a merge patch with a field that it does not know."""
    quoted = '{\\"apiVersion\\":\\"apps/v1\\",\\"a\\":\\"' + "x" * 4000 + '\\"}'
    reason = 'strict decoding error: unknown field "spec.replicsa"'
    error = of_status(422, f' "" is invalid: patch: Invalid value: "{quoted}": {reason}', "Invalid")
    assert error.message == f"S{reason[1:]}."
    cut = of_status(422, f' "" is invalid: patch: Invalid value: "{quoted}', "Invalid")
    assert len(cut.message) <= 502
    plain = 'Deployment "web" is invalid: spec.replicas: Invalid value: -2: must be greater than or equal to 0'
    assert of_status(422, plain, "Invalid").message == f"{plain}."


def test_patches() -> None:
    before = {"a": 1, "b": {"c": 1, "d": [1]}, "e": 1}
    after = {"a": 1, "b": {"c": 2, "d": [1, 2]}, "f": {}}
    patch = merge_patch(before, after)
    assert patch == {"b": {"c": 2, "d": [1, 2]}, "e": None, "f": {}}
    assert stale(before, before, patch) == "" and stale(before, {**before, "b": {"c": 3, "d": [1]}}, patch) == "b.c"
    assert stale(before, {**before, "f": 1}, patch) == "f"
