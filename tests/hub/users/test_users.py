"""Users over the API (P60): the calls of Palette's clients in order, activation, and what ends with a user."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from edgewright.core import roles, times
from edgewright.core.roles import ADMIN, OPERATOR, VIEWER
from edgewright.hub.db.records import UserRecord
from edgewright.hub.process.app import Hub
from edgewright.hub.process.backup import backup, restore
from edgewright.hub.resources.users import activation, rules
from edgewright.wire import protocol
from tests.hub.people import Person, invited, person, project, ssh_key, unique
from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster

INFO = "/v1/users/info"


def role_ids(*names: str) -> list[str]:
    return [roles.uid(name) for name in names]


def status(client: httpx.Client, path: str = INFO) -> int:
    return client.get(path).status_code


def test_terraform_user(hub: RunningHub) -> None:
    """`spectrocloud_user`: create, read, update and destroy, in the provider's order and with its bodies."""
    admin, first, second = hub.client(), project(hub), project(hub)
    email = f"{unique('tf')}@example.com"
    names = {item["metadata"]["name"]: item["metadata"]["uid"] for item in admin.get("/v1/roles").json()["items"]}
    sent = {
        "metadata": {"name": "Ana Lee", "creationTimestamp": "0001-01-01T00:00:00.000Z", "labels": None},
        "spec": {"emailId": email, "firstName": "Ana", "lastName": "Lee", "roles": None, "teams": None},
    }
    made = admin.post("/v1/users", json=sent)
    assert made.status_code == 201 and set(made.json()) == {"uid"}
    uid = made.json()["uid"]
    mine = {"projects": [{"projectUid": first, "roles": [names["operator"]]}]}
    assert admin.put(f"/v1/users/{uid}/projects", json=mine).status_code == 204
    assert admin.put(f"/v1/users/{uid}/roles", json={"roles": [names["viewer"]]}).status_code == 204

    def read() -> tuple[str, list[str], dict[str, list[str]]]:
        body = {"filter": {"emailId": {"eq": email, "ignoreCase": False}}}
        (item,) = admin.post("/v1/users/summary", json=body).json()["items"]
        assert item["metadata"]["uid"] == uid and item["spec"]["emailId"] == email and item["spec"]["teams"] == []
        tenant = admin.get(f"/v1/users/{uid}/roles").json()["roles"]
        held = admin.get(f"/v1/users/{uid}/projects").json()["projects"]
        assert admin.get(f"/v1/workspaces/users/{uid}/roles").json() == {"projects": []}
        assert admin.get(f"/v1/users/{uid}/resourceRoles").json() == {"resourceRoles": []}
        in_projects = {entry["uid"]: [role["uid"] for role in entry["roles"]] for entry in held}
        return item["metadata"]["name"], [role["uid"] for role in tenant], in_projects

    assert read() == ("Ana Lee", role_ids(VIEWER), {first: role_ids(OPERATOR)})
    # The provider first sends a body without projects, then the roles that are wanted.
    assert admin.put(f"/v1/users/{uid}/projects", json={"projects": None}).status_code == 204
    mine = {"projects": [{"projectUid": second, "roles": [names["viewer"], names["admin"]]}]}
    assert admin.put(f"/v1/users/{uid}/projects", json=mine).status_code == 204
    assert admin.put(f"/v1/users/{uid}/roles", json={"roles": []}).status_code == 204
    assert read() == ("Ana Lee", [], {second: role_ids(ADMIN, VIEWER)})
    assert admin.delete(f"/v1/users/{uid}").status_code == 204
    gone = admin.post("/v1/users/summary", json={"filter": {"emailId": {"eq": email}}})
    assert gone.json()["items"] == [] and admin.get(f"/v1/users/{uid}").status_code == 404


def test_sdk_users(hub: RunningHub) -> None:
    """`GetUserByName`, `GetUserByEmail`, `DeleteUserByName`: a list with `limit=0` has every user."""
    admin = hub.client()
    for number in range(3):
        invited(hub, VIEWER if number else "")
    found = admin.get("/v1/users?limit=0").json()
    assert found["listmeta"]["continue"] == "" and len(found["items"]) == found["listmeta"]["count"] >= 4
    page = admin.get("/v1/users?limit=2").json()
    assert len(page["items"]) == 2 and page["listmeta"]["continue"]
    user = found["items"][-1]
    by = admin.get(f"/v1/users?filters=spec.emailId={user['spec']['emailId']}").json()["items"]
    assert [item["metadata"]["uid"] for item in by] == [user["metadata"]["uid"]]
    assert any(item["emailId"] == "admin@localhost" for item in admin.get("/v1/users/meta").json()["items"])
    assert admin.get("/v1/users?filters=nonsense").status_code == 400


def test_terraform_data_role(hub: RunningHub) -> None:
    items = {item["metadata"]["name"]: item for item in hub.client().get("/v1/roles").json()["items"]}
    assert list(items) == list(roles.ROLES)
    operator = items["operator"]
    uid = operator["metadata"]["uid"]
    assert hub.client().get(f"/v1/roles/{uid}").json() == operator
    assert "edgehost.update" in operator["spec"]["permissions"] and operator["spec"]["type"] == "system"
    assert "edgehost.delete" not in operator["spec"]["permissions"] and "user.update" not in str(operator)
    assert hub.client().get(f"/v1/roles/{'0' * 24}").status_code == 404
    assert hub.client().delete(f"/v1/roles/{uid}").status_code == 405


def test_p60_a_user_is_activated_by_the_link_once(hub: RunningHub) -> None:
    admin = hub.client()
    uid, email, code = invited(hub, OPERATOR)
    document = admin.get(f"/v1/users/{uid}").json()
    assert document["status"]["isActive"] is False and code.startswith(protocol.ACTIVATION_PREFIX)
    assert document["status"]["activationLink"].startswith(hub.url + protocol.ACTIVATIONS + "#")
    assert hub.viewer().get(f"/v1/users/{uid}").json()["status"]["activationLink"] == "", "a viewer reads no secret"
    made = admin.post("/v1/apiKeys", json={"metadata": {"name": "early"}, "spec": {"userUid": uid}}).json()
    early = hub.client(ApiKey=made["apiKey"])
    assert status(early) == 401, "a user who is not active has no access"
    wrong = hub.anonymous().post(protocol.ACTIVATIONS, json={"code": "ewa_" + "x" * 43})
    assert wrong.status_code == 401
    answer = hub.anonymous().post(protocol.ACTIVATIONS, json={"code": code})
    assert answer.status_code == 201 and answer.json()["emailId"] == email and answer.json()["uid"] == uid
    key = answer.json()["apiKey"]
    own = hub.client(ApiKey=key)
    assert own.get(INFO).json()["edgewright"]["role"] == "operator" and status(early) == 200
    assert hub.anonymous().post(protocol.ACTIVATIONS, json={"code": code}).status_code == 401
    document = admin.get(f"/v1/users/{uid}").json()
    assert document["status"]["isActive"] is True and document["status"]["activationLink"] == ""
    login = hub.anonymous().post("/v1/auth/authenticate", json={"emailId": email.upper(), "password": key})
    assert login.status_code == 200
    assert own.get("/v1/users/me").json()["spec"]["emailId"] == email
    assert code not in str(hub.log()) and key not in str(hub.log())
    (entry,) = [
        item["spec"] for item in admin.get(f"/v1/audits?userUid={uid}").json()["items"] if "activated" in str(item)
    ]
    assert entry["actor"]["user"]["emailId"] == email and key not in str(entry)


def test_a_new_link_replaces_the_old_one(hub: RunningHub) -> None:
    admin = hub.client()
    uid, _, old = invited(hub, VIEWER)
    assert admin.patch(f"/v1/users/{uid}/password/reset").status_code == 204
    new = admin.get(f"/v1/users/{uid}").json()["status"]["activationLink"].partition("#")[2]
    assert new and new != old
    assert hub.anonymous().post(protocol.ACTIVATIONS, json={"code": old}).status_code == 401
    assert hub.anonymous().post(protocol.ACTIVATIONS, json={"code": new}).status_code == 201


def deactivate(hub: RunningHub, user: Person) -> None:
    body = [{"op": "replace", "path": "/status/isActive", "value": False}]
    assert hub.client().patch(f"/v1/users/{user.uid}", json=body).status_code == 204


def delete(hub: RunningHub, user: Person) -> None:
    assert hub.client().delete(f"/v1/users/{user.uid}").status_code == 204


def take_roles(hub: RunningHub, user: Person) -> None:
    assert hub.client().put(f"/v1/users/{user.uid}/roles", json={"roles": []}).status_code == 204


def lower(hub: RunningHub, user: Person) -> None:
    assert hub.client().put(f"/v1/users/{user.uid}/roles", json={"roles": role_ids(VIEWER)}).status_code == 204


@pytest.mark.parametrize("end", [deactivate, delete, take_roles, lower])
def test_p46_keys_sessions_and_streams_end_with_the_user(hub: RunningHub, end: object) -> None:
    user = person(hub, OPERATOR)
    session = hub.anonymous().post("/v1/auth/authenticate", json={"emailId": user.email, "password": user.key}).json()
    logged_in = hub.client(Authorization=session["Authorization"])
    assert status(user.client) == status(logged_in) == 200
    with user.client.stream("GET", protocol.CHANGES) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": edgewright changes"
        began = time.monotonic()
        end(hub, user)  # type: ignore[operator]
        hub.client().post("/v1/edgehosts", json={"metadata": {"uid": unique("secret")}})
        assert not [line for line in lines if "secret" in line]
        assert time.monotonic() - began < 5
    expected = 200 if end is lower else 401
    assert status(user.client) == status(logged_in) == expected
    refreshed = hub.anonymous().get(f"/v1/auth/refresh/{session['Authorization']}")
    assert refreshed.status_code == expected
    if end is deactivate:
        assert "is not active" in user.client.get(INFO).json()["message"]
        body = [{"op": "replace", "path": "/status/isActive", "value": True}]
        assert hub.client().patch(f"/v1/users/{user.uid}", json=body).status_code == 204
        assert status(user.client) == 200, "the keys of before work again"


def test_deactivation_ends_the_activation_link(hub: RunningHub) -> None:
    uid, email, code = invited(hub, VIEWER)
    deactivate(hub, Person(uid, email, hub.client(), "", ""))
    assert hub.anonymous().post(protocol.ACTIVATIONS, json={"code": code}).status_code == 401


def test_p59_the_last_admin_stays() -> None:
    with running_hub() as hub:
        admin = hub.client()
        uid = admin.get(INFO).json()["userUid"]
        patch = [{"op": "replace", "path": "/status/isActive", "value": False}]
        key = admin.get("/v1/apiKeys").json()["items"][0]["metadata"]["uid"]

        def tries() -> list[httpx.Response]:
            return [
                admin.delete(f"/v1/users/{uid}"),
                admin.patch(f"/v1/users/{uid}", json=patch),
                admin.put(f"/v1/users/{uid}/roles", json={"roles": role_ids(OPERATOR)}),
                admin.put(f"/v1/users/{uid}", json={"spec": {"roles": []}}),
                admin.patch(f"/v1/apiKeys/{key}", json={"isActive": False}),
                admin.delete(f"/v1/apiKeys/{key}"),
            ]

        refused = tries()
        assert [answer.status_code for answer in refused] == [400] * 6
        assert {answer.json()["code"] for answer in refused} == {"LastAdmin"}
        assert status(admin) == 200
        other = person(hub, ADMIN)
        # A limited key, a user who is not active, and a role in a project are no admin.
        third = person(hub, ADMIN)
        deactivate(hub, third)
        owner = project(hub)
        person(hub, "", {owner: ADMIN})
        assert other.client.delete(f"/v1/apiKeys/{other.key_uid}").status_code == 204
        assert [answer.status_code for answer in tries()] == [400] * 6
        made = admin.post("/v1/apiKeys", json={"metadata": {"name": "o"}, "spec": {"userUid": other.uid}}).json()
        soon = {"spec": {"expiry": times.rfc3339(times.now() + 60)}}
        assert admin.put(f"/v1/apiKeys/{key}", json=soon).status_code == 204
        assert admin.delete(f"/v1/users/{uid}").status_code == 204
        assert status(admin) == 401 and status(hub.client(ApiKey=made["apiKey"])) == 200
        hub.stop()
        hub.start_again()
        assert status(hub.client(ApiKey=made["apiKey"])) == 200
        last = hub.client(ApiKey=made["apiKey"]).delete(f"/v1/users/{other.uid}")
        assert last.status_code == 400


def test_what_a_user_cannot_be(hub: RunningHub) -> None:
    admin = hub.client()
    email = f"{unique('once')}@example.com"

    def create(**spec: object) -> int:
        return admin.post("/v1/users", json={"spec": spec}).status_code

    assert create(emailId=email) == 201
    assert create(emailId=email.upper()) == 409, "an address is one user, however it is written"
    assert create() == 422 and create(emailId="no-address") == 422 and create(emailId="a@b\n.c") == 422
    assert create(emailId="x" * 300 + "@example.com") == 422
    assert create(emailId=f"{unique('u')}@example.com", roles=["owner"]) == 422
    assert create(emailId=f"{unique('u')}@example.com", teams=["5f"]) == 422
    uid = invited(hub)[0]
    assert admin.put(f"/v1/users/{uid}/roles", json={"roles": ["0" * 24]}).status_code == 422
    unknown = {"projects": [{"projectUid": "0" * 24, "roles": role_ids(VIEWER)}]}
    assert admin.put(f"/v1/users/{uid}/projects", json=unknown).status_code == 404
    for operations in (
        [{"op": "remove", "path": "/spec/firstName"}],
        [{"op": "replace", "path": "/metadata/uid", "value": "x"}],
        [{"op": "replace", "path": "/status/isActive", "value": "no"}],
        [{"op": "replace", "path": "/spec/firstName", "value": "x" * 300}],
        [{"op": "replace", "path": "/spec/roles", "value": "admin"}],
        {"op": "replace"},
    ):
        assert admin.patch(f"/v1/users/{uid}", json=operations).status_code in (400, 422), operations
    assert admin.put(f"/v1/users/{'0' * 24}", json={}).status_code == 404
    assert admin.put(f"/v1/users/{uid}", json={"spec": {"emailId": email}}).status_code == 409
    renamed = [{"op": "replace", "path": "/spec/firstName", "value": "Bo"}]
    assert admin.patch(f"/v1/users/{uid}", json=renamed).status_code == 204
    assert admin.get(f"/v1/users/{uid}").json()["metadata"]["name"] == "Bo"


def test_everything_about_a_user_is_audited(hub: RunningHub) -> None:
    admin, mine = hub.client(), project(hub)
    uid = invited(hub, VIEWER, {mine: OPERATOR})[0]
    answer = admin.put(f"/v1/users/{uid}/roles", json={"roles": role_ids(OPERATOR)})
    assert answer.headers["AuditUid"]
    admin.delete(f"/v1/users/{uid}")
    items = admin.get(f"/v1/audits?resourceUid={uid}").json()["items"]
    actions = [(item["spec"]["actionType"], item["spec"]["actionMsg"].partition("' ")[2]) for item in items]
    assert [action for action, _ in actions] == ["delete", "update", "update", "create"]
    assert actions[1][1] == "has the role operator of the tenant" and "operator in project" in actions[2][1]


def test_deleting_a_project_ends_the_roles_in_it(hub: RunningHub) -> None:
    mine = project(hub)
    user = person(hub, "", {mine: ADMIN})
    assert status(user.client) == 200
    assert hub.client().delete(f"/v1/projects/{mine}").status_code == 204
    assert status(user.client) == 401 and "has no role" in user.client.get(INFO).json()["message"]
    assert hub.client().get(f"/v1/users/{user.uid}/projects").json()["projects"] == []


async def created(admin: httpx.AsyncClient, email: str, role: str) -> str:
    answer = await admin.post("/v1/users", json={"spec": {"emailId": email, "roles": [role]}})
    return str(answer.json()["uid"])


async def test_p60_a_code_ends_after_a_week(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = inside
    uid = await created(admin, "late@example.com", VIEWER)
    link = (await admin.get(f"/v1/users/{uid}")).json()["status"]["activationLink"]
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + activation.VALID + 1)
    assert (await admin.get(f"/v1/users/{uid}")).json()["status"]["activationLink"] == ""
    late = await admin.post(protocol.ACTIVATIONS, json={"code": link.partition("#")[2]})
    assert late.status_code == 401 and "has ended" in late.json()["message"]
    monkeypatch.setattr(times, "now", lambda: now + activation.VALID - 1)
    assert (await admin.post(protocol.ACTIVATIONS, json={"code": link.partition("#")[2]})).status_code == 201


async def test_two_activations_at_once_give_one_key(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    _, admin = inside
    uid = await created(admin, "twice@example.com", VIEWER)
    code = (await admin.get(f"/v1/users/{uid}")).json()["status"]["activationLink"].partition("#")[2]
    answers = await asyncio.gather(*(admin.post(protocol.ACTIVATIONS, json={"code": code}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 7


async def test_two_admins_cannot_delete_each_other_at_once(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    """Each is allowed alone; together they would leave nobody."""
    _, admin = inside
    first = (await admin.get(INFO)).json()["userUid"]
    second = await created(admin, "two@example.com", ADMIN)
    code = (await admin.get(f"/v1/users/{second}")).json()["status"]["activationLink"].partition("#")[2]
    key = (await admin.post(protocol.ACTIVATIONS, json={"code": code})).json()["apiKey"]
    answers = await asyncio.gather(
        admin.delete(f"/v1/users/{second}"), admin.delete(f"/v1/users/{first}", headers={"ApiKey": key})
    )
    assert sorted(answer.status_code for answer in answers) in ([204, 400], [204, 401])


def test_a_backup_has_users_keys_and_filters(tmp_path: Path) -> None:
    with running_hub() as hub:
        mine = project(hub)
        user = person(hub, VIEWER, {mine: OPERATOR})
        made = hub.client().post(protocol.SSH_KEYS, json={"metadata": {"name": "k"}, "spec": {"publicKey": ssh_key(1)}})
        group = {"conjunction": "and", "filters": [{"key": "site", "operator": "eq", "values": ["a"]}]}
        body = {"metadata": {"name": "f"}, "spec": {"filterGroup": group}}
        assert made.status_code == hub.client().post(protocol.TAG_FILTERS, json=body).status_code == 201
        backup(hub.data, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again")
    with running_hub(data=tmp_path / "again") as hub:
        client = hub.client(ApiKey=user.key)
        who = client.get(INFO).json()["edgewright"]
        assert (who["tenantRole"], who["projectRoles"]) == (VIEWER, {mine: OPERATOR})
        assert client.get(protocol.SSH_KEYS).json()["items"][0]["metadata"]["name"] == "k"
        assert client.get(protocol.FILTERS).json()["items"][0]["metadata"]["name"] == "f"


async def test_many_users_are_listed_without_holding_others_up(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    for number in range(rules.MOST):
        hub.state.put_user(UserRecord(f"{number:024x}", f"u{number}@example.com", "U", str(number), "viewer", 1.0))
    began = time.process_time()
    found = (await admin.post(protocol.USERS_SUMMARY, json={})).json()["items"]
    assert len(found) == rules.MOST + 1 and time.process_time() - began < 2


@pytest.mark.e2e
def test_users_on_postgresql(postgres: Cluster) -> None:
    """The same rules on the other database: names in any case, roles, the last admin, and what a restart reads back."""
    with running_hub("--db", postgres.url(postgres.create())) as hub:
        admin, mine = hub.client(), project(hub)
        user = person(hub, OPERATOR, {mine: ADMIN})
        body = {"spec": {"emailId": user.email.upper()}}
        assert admin.post("/v1/users", json=body).status_code == 409
        own = admin.get(INFO).json()["userUid"]
        assert admin.delete(f"/v1/users/{own}").json()["code"] == "LastAdmin"
        key = {"metadata": {"name": "k"}, "spec": {"publicKey": ssh_key(1)}}
        assert admin.post(protocol.SSH_KEYS, json=key).status_code == 201
        assert admin.post(protocol.SSH_KEYS, json=key).status_code == 409
        hub.stop()
        hub.start_again()
        who = hub.client(ApiKey=user.key).get(INFO).json()["edgewright"]
        assert (who["tenantRole"], who["projectRoles"]) == (OPERATOR, {mine: ADMIN})
        assert hub.client().delete(f"/v1/users/{user.uid}").status_code == 204
        assert status(hub.client(ApiKey=user.key)) == 401
