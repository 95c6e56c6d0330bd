"""What the verbs print and do, against a real hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_support import Cli
from tests.hub.alert_servers import webhooks
from tests.hub_fixture import RunningHub


@pytest.fixture(scope="module", autouse=True)
def fleet(hub: RunningHub) -> None:
    _, token = hub.token("shop")
    for name in ("edge-a", "edge-b"):
        hub.host(name, token).patch(f"/v1/edgehosts/{name}/health", json={"state": "healthy", "agentVersion": "1.2"})


def test_list_as_table(plane: Cli) -> None:
    done = plane("host", "list", "edge-")
    lines = done.out.splitlines()
    assert done.code == 0, done.err
    assert lines[0].split() == ["HOST", "SITE", "STATE", "HEALTH", "SINCE", "CLUSTER", "SEEN"]
    assert lines[1].split()[:5] == ["edge-a", "berlin", "ready", "•", "healthy"]


def test_list_in_other_forms(plane: Cli) -> None:
    assert plane("host", "list", "-o", "name", "health:healthy").out == "edge-a\nedge-b\n"
    documents = plane("host", "list", "-ojson").json()
    assert [d["metadata"]["uid"] for d in documents] == ["edge-a", "edge-b"]
    assert plane("-o", "yaml", "host", "show", "edge-a").out.startswith("metadata:")
    assert "REASON" in plane("host", "list", "-o", "wide").out


def test_filters_can_be_negative(plane: Cli) -> None:
    assert plane("host", "list", "-state:ready").out == ""
    assert plane("host", "list", "-state:ready").err == "No host matches.\n"


def test_ascii_where_there_is_no_utf8(plane: Cli) -> None:
    done = plane("host", "list", PYTHONIOENCODING="ascii")
    assert done.out.isascii() and ". healthy" in done.out


def test_one_host(plane: Cli) -> None:
    done = plane("host", "show", "edge-a")
    assert done.code == 0
    assert "HEALTH" in done.out and "last heartbeat" in done.out


def test_tags_come_and_go(plane: Cli) -> None:
    assert plane("host", "tag", "edge-a", "edge-b", "--tag", "ring:1", "--tag", "blue").code == 0
    labels = plane("host", "show", "edge-b", "-o", "json").json()["metadata"]["labels"]
    assert labels == {"site": "berlin", "ring": "1", "blue": "spectro__tag"}
    assert plane("host", "untag", "edge-a", "edge-b", "--tag", "ring", "--tag", "blue").code == 0
    assert plane("host", "list", "tag.ring:1", "-o", "name").out == ""


def test_a_plan_does_nothing(plane: Cli) -> None:
    done = plane("host", "delete", "edge-a", "--plan")
    assert done.code == 0
    assert "Same as: edgewright host delete edge-a" in done.out
    assert plane("host", "show", "edge-a").code == 0


def test_deleting_asks_and_needs_yes_without_a_person(plane: Cli) -> None:
    plane("host", "register", "to-go")
    done = plane("host", "delete", "to-go")
    assert done.code == 2
    assert "The machine keeps running; its credential is revoked." in done.err
    assert plane("host", "delete", "to-go", "--yes").out == "to-go deleted.\n"
    assert plane("host", "show", "to-go").code == 3


def test_each_target_has_its_own_result(plane: Cli) -> None:
    done = plane("host", "delete", "edge-a", "nosuch", "--yes")
    assert done.code == 3
    assert plane("host", "show", "edge-a").code == 0, "nothing is done when one of them is not there"


def test_life_of_a_token(plane: Cli) -> None:
    made = plane("token", "create", "shop-install", "--expires", "30d")
    assert made.out.startswith("ewt_") and made.out.count("\n") == 1
    assert "shop-install" in made.err
    text = made.out.strip()
    assert text not in plane("token", "show", "shop-install", "-o", "json").out
    assert text in plane("token", "show", "shop-install", "--reveal").out
    assert text not in plane("token", "list", "-o", "json").out
    assert plane("token", "revoke", "shop-install", "--yes").code == 0
    assert "revoked" in plane("token", "list").out
    assert plane("token", "activate", "shop-install").code == 0
    assert plane("token", "delete", "shop-install", "--yes", "-o", "json").json()["failed"] == []
    assert plane("token", "show", "shop-install").code == 3


def test_revoking_lists_the_hosts_that_depend_on_it(plane: Cli) -> None:
    done = plane("token", "revoke", "shop", "--plan", "-o", "json")
    assert any("edge-a, edge-b" in line for line in done.json()["lines"])


def test_events_and_audits(plane: Cli) -> None:
    assert any(e["reason"] == "HostRegistered" for e in plane("event", "list", "-o", "json").json())
    assert plane("audit", "list").out.startswith("TIME")


def test_pairing_keys(plane: Cli) -> None:
    made = plane("host", "register", "paired", "--make-pairing-key")
    assert len(made.out.strip()) == 32


def test_contexts(cli: Cli, hub: RunningHub, tmp_path: Path) -> None:
    key = hub.data / "admin-api-key"
    added = cli("context", "add", "lab", "--url", hub.url, "--api-key-file", str(key), "--ca", str(hub.ca))
    assert added.code == 0, added.err
    assert cli("context", "list", "-o", "name").out == "lab\n"
    assert cli("host", "list", "-o", "name", "edge-").code == 0
    kept = tmp_path / "ew" / "config"
    assert (kept / "contexts.toml").stat().st_mode & 0o777 == 0o600
    assert (kept / "keys" / "lab").stat().st_mode & 0o777 == 0o600
    assert key.read_text().strip() not in (kept / "contexts.toml").read_text()
    assert cli("project", "use", "Default").code == 0
    assert cli("host", "list").code == 0
    assert cli("context", "remove", "lab", "--yes").code == 0
    assert not (kept / "keys" / "lab").exists()


def test_what_is_done_is_in_the_journal(plane: Cli, tmp_path: Path) -> None:
    plane("host", "register", "told")
    lines = [json.loads(x) for x in (tmp_path / "ew" / "state" / "journal.jsonl").read_text().splitlines()]
    assert lines[0]["begin"] == "host register" and lines[0]["targets"] == ["told"]
    assert lines[1]["end"]["done"] == ["told"]


def test_render_draws_without_a_terminal(plane: Cli) -> None:
    done = plane("render", "hosts", "--size", "80x24")
    assert done.code == 0, done.err
    assert "edge-a" in done.out
    assert plane("render", "pulse", "-o", "svg").out.startswith("<svg")


def test_a_viewer_is_refused_the_text_of_a_token(plane: Cli, hub: RunningHub, tmp_path: Path) -> None:
    key = tmp_path / "viewer-key"
    key.write_text(hub.viewer().headers["ApiKey"])
    key.chmod(0o600)
    refused = plane("token", "show", "shop", "--reveal", EDGEWRIGHT_API_KEY_FILE=str(key))
    assert refused.code == 4
    assert refused.out == ""
    assert "does not give the text of token shop" in refused.err
    assert plane("token", "show", "shop", EDGEWRIGHT_API_KEY_FILE=str(key)).code == 0


def test_the_authority_is_readable_by_all_and_the_key_by_its_owner(hub: RunningHub) -> None:
    assert (hub.data / "ca.crt").stat().st_mode & 0o777 == 0o644
    assert (hub.data / "admin-api-key").stat().st_mode & 0o777 == 0o600


def test_p39_pulse_lists_a_rejected_box_although_no_host_is_unhealthy(hub: RunningHub, plane: Cli) -> None:
    assert "NEEDS ATTENTION" not in plane("pulse").out
    assert hub.register("box-9", "ewt_" + "x" * 43).status_code == 401
    done = plane("pulse")
    assert done.code == 0 and "1 problem needs attention" in done.out and "NEEDS ATTENTION" in done.out
    assert "box-9" in done.out and "rejected: unknown registration token" in done.out and "127.0.0.1" in done.out
    (alert,) = plane("pulse", "-o", "json").json()["alerts"]
    assert (alert["subject"], alert["code"]) == ("box-9", "InvalidEdgeToken")
    drawn = plane("render", "pulse", "--size", "80x24").out  # which reads the plane once, in a way of its own
    assert "NEEDS ATTENTION" in drawn and "box-9" in drawn


def test_p57_who_handles_a_problem_is_changed_and_listed(hub: RunningHub, plane: Cli) -> None:
    assert hub.register("box-8", "ewt_" + "x" * 43).status_code == 401
    key = "alert/rejected/box-8/InvalidEdgeToken"
    assert key in plane("alert", "list", "-o", "name").out.splitlines()
    assert plane("alert", "assign", "box-8", "ana").out.endswith(f"{key} assigned to ana.\n")
    assert plane("alert", "acknowledge", key).code == 0
    assert plane("alert", "note", key, "new box, token is on its way").code == 0
    assert plane("alert", "silence", key, "--for", "2h").code == 0
    (row,) = [item for item in plane("alert", "list", "-o", "json").json() if item["key"] == key]
    assert (row["assignee"], row["note"]) == ("ana", "new box, token is on its way")
    assert row["acknowledgedBy"] and row["silencedUntil"]
    assert key not in plane("alert", "list", "--open", "-o", "name").out
    assert "silenced 1h" in plane("alert", "list").out
    assert plane("alert", "silence", key, "--off").code == plane("alert", "acknowledge", key, "--off").code == 0
    assert plane("alert", "assign", key).code == plane("alert", "note", key).code == 0
    assert hub.client().get("/edgewright/v1/handling").json()["items"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("assign", "nobody/x", "ana"), 3),
        (("assign", "box-7", "a" * 200), 7),
        (("silence", "box-7", "--for", "2s"), 7),
        (("silence", "box-7", "--for", "91d"), 7),
        (("silence", "box-7", "--for", "soon"), 2),
        (("acknowledge",), 2),
    ],
)
def test_p57_what_cannot_be_handled_has_its_exit_code(
    hub: RunningHub, plane: Cli, words: tuple[str, ...], code: int
) -> None:
    assert hub.register("box-7", "ewt_" + "x" * 43).status_code == 401
    done = plane("alert", *words)
    assert (done.code, done.out) == (code, "") and done.err


def test_p57_a_viewer_lists_and_is_refused(hub: RunningHub, plane: Cli, tmp_path: Path) -> None:
    assert hub.register("box-6", "ewt_" + "x" * 43).status_code == 401
    key = tmp_path / "viewer-key"
    key.write_text(hub.viewer().headers["ApiKey"])
    key.chmod(0o600)
    assert plane("alert", "list", EDGEWRIGHT_API_KEY_FILE=str(key)).code == 0
    assert plane("alert", "acknowledge", "box-6", EDGEWRIGHT_API_KEY_FILE=str(key)).code == 4


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("add", "x"), 2, "webhook or an e-mail"),
        (("add", "x", "--url", "https://a", "--mail", "a@b"), 2, "webhook or an e-mail"),
        (("add", "x", "--url", "https://a", "--smtp", "mx"), 2, "--smtp is for e-mail only"),
        (("add", "x", "--mail", "a@b"), 2, "needs --smtp HOST"),
        (("add", "x", "--mail", "a@b", "--from", "a@b", "--smtp", "mx:port"), 7, "not HOST or HOST:PORT"),
        (("add", "x", "--url-file", "missing"), 3, "no file missing"),
        (("add", "x", "--url", "ftp://a"), 7, "webhook.url"),
        (("add", "x", "--url", "https://[::1"), 7, "URL of the webhook is not valid"),
        (("add", "x", "--url-file", "/dev/zero"), 7, "larger than 64 KiB"),
        (("remove", "nobody", "--yes"), 3, "no receiver nobody"),
        (("test", "nobody"), 3, "no receiver nobody"),
    ],
)
def test_p58_a_receiver_that_cannot_be_has_its_exit_code(
    plane: Cli, words: tuple[str, ...], code: int, text: str
) -> None:
    done = plane("alert", "receiver", *words)
    assert (done.code, done.out) == (code, "") and text in done.err


def test_p58_a_receiver_is_added_tested_listed_and_removed(plane: Cli, tmp_path: Path) -> None:
    with webhooks() as receiver:
        url = tmp_path / "url"
        url.write_text(receiver.url)
        made = plane("alert", "receiver", "add", "ops", "--url-file", str(url))
        assert made.code == 0 and made.out.startswith("ews_") and "secret-path" not in made.out + made.err
        assert plane("alert", "receiver", "add", "ops", "--url-file", str(url)).code == 6
        assert plane("alert", "receiver", "test", "ops").code == 0
        # a fleet that is slow for a moment sends messages of its own, before and after
        assert [document["event"] for document in receiver.documents()].count("test") == 1
    failed = plane("alert", "receiver", "test", "ops")
    assert failed.code == 1 and "refused" in failed.err
    listed = plane("alert", "receiver", "list").out
    assert "webhook" in listed and "Connection refused" in listed and "secret-path" not in listed
    assert plane("alert", "receiver", "remove", "ops", "--yes").code == 0
    assert plane("alert", "receiver", "list", "-o", "name").out == ""
    none = plane("alert", "receiver", "list")
    assert "an admin of the tenant adds one" in none.out + none.err, "a user of a project may not"


def test_a_host_is_shown_with_its_condition_and_an_illegal_verb_is_refused(hub: RunningHub, plane: Cli) -> None:
    assert plane("host", "register", "waits-01").code == 0
    text = plane("host", "show", "waits-01").out
    for part in ("never connected. The host is pre-registered", "owner", "when the host connects", "legal verbs"):
        assert part in text
    condition = json.loads(plane("host", "show", "waits-01", "-o", "json").out)["status"]["edgewright"]["condition"]
    assert (condition["state"], condition["owner"]) == ("never-seen", "host")
    for verb in (("reset", "--yes"), ("logs",), ("disk",)):
        done = plane("host", verb[0], "waits-01", *verb[1:])
        assert done.code == 4 and "waits-01 is in the state `never connected`" in done.err, done
        assert "Legal now: host tag, host untag, host delete" in done.err
    assert plane("host", "tag", "waits-01", "--tag", "site:kiel").code == 0
    header = plane("host", "list", "-o", "wide").out.splitlines()[0]
    assert "CONDITION" in header and "OWNER" in header


def test_projects_are_created_and_deleted(plane: Cli, hub: RunningHub) -> None:
    made = plane("project", "create", "Shops North", "--description", "all shops", "--yes")
    assert made.code == 0 and "edgewright project use 'Shops North'" in made.out + made.err
    assert "Shops North" in plane("project", "list").out
    assert plane("project", "create", "Shops North", "--yes").code == 6
    assert plane("project", "create", "all", "--yes").code == 7
    assert (
        plane("project", "delete", "all", "--yes").code == 2 and plane("project", "delete", "none", "--yes").code == 3
    )
    used = plane("project", "delete", "Default", "--yes")
    assert used.code == 6 and "still has hosts" in used.err
    assert plane("project", "delete", "Shops North", "--yes").code == 0
    assert "Shops North" not in plane("project", "list").out


def test_a_host_is_shown_with_the_name_of_its_project(plane: Cli) -> None:
    line = next(line for line in plane("host", "show", "edge-a").out.splitlines() if line.split()[:1] == ["project"])
    assert line.split()[1] == "Default" and "(" in line
