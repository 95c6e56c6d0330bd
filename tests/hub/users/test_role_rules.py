"""Every route against every role (P59): who may use it, and that nobody learns of what belongs to others.

The table of the routes is the list of what is tried; a new route is covered without a change here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from edgewright.core import roles
from edgewright.core.roles import ADMIN, OPERATOR, VIEWER, covers
from edgewright.hub.http.routing import Route
from edgewright.hub.security.access import Access, On, needed_role
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters
from tests.hub.people import person, ssh_key, unique
from tests.hub.users.role_planes import NOBODY, STREAM, TABLE, Plane, ask, ids, path_of, side
from tests.hub_fixture import running_hub
from tests.support import ROOT


@pytest.fixture(scope="module")
def plane() -> Iterator[Plane]:
    with running_hub() as hub:
        own, foreign = side(hub, 11), side(hub, 12)
        yield Plane(hub, own, foreign, {role: person(hub, role) for role in (VIEWER, OPERATOR, ADMIN)})


@pytest.mark.parametrize("route", TABLE, ids=ids)
def test_p59_a_foreign_project_opens_nothing(plane: Plane, route: Route) -> None:
    for role in (VIEWER, OPERATOR, ADMIN):
        user = plane.own.people[role]
        named, absent = plane.client(user, plane.foreign.uid), plane.client(user, NOBODY)
        for path in (path_of(route, plane.foreign), path_of(route, plane.own)):
            status, text = ask(named, route, path)
            assert status == 403, f"{role}: {text}"
            # The same words for a project that does not exist: nobody can find out which ones do.
            assert plain(ask(absent, route, path)[1]) == plain(text).replace(plane.foreign.uid, NOBODY)


def plain(text: str) -> str:
    """Return an answer without its reference, which is another one each time."""
    return re.sub(r',"ref":"\w+"', "", text)


@pytest.mark.parametrize("route", [route for route in TABLE if "{" in route.path], ids=ids)
def test_p59_what_belongs_to_another_project_does_not_exist(plane: Plane, route: Route) -> None:
    """Without a header as well, and with that of the own project; the answer is that for a uid that nothing has."""
    if "{objectKind}" in route.path and route.method == "GET":
        return  # a list: `test_lists_have_the_own_project_only`
    if (route.method, route.path) == ("PUT", protocol.BLOB):
        return  # its path names content, which is stored in the project of the call
    for role in (VIEWER, OPERATOR, ADMIN):
        user = plane.own.people[role]
        for client in (plane.client(user), plane.client(user, plane.own.uid)):
            path, missing = path_of(route, plane.foreign), path_of(route, plane.foreign, NOBODY)
            status, text = ask(client, route, path)
            if "{serviceName}" in route.path or route.path in (protocol.ROLE, protocol.PACK_VERSIONS):
                continue  # belong to nobody, or to the tenant
            assert status in (403, 404), f"{role}: {status} {text}"
            first = re.search(r"\{[^}]+\}", route.path)
            assert first is not None
            known = path[first.start() :].removeprefix("host/").split("/")[0]
            told = plain(text).replace(plane.foreign.host, NOBODY).replace(known, NOBODY)
            assert (status, told) == (ask(client, route, missing)[0], plain(ask(client, route, missing)[1]))


LISTS = [route for route in TABLE if "{uid}" not in route.path and needed_role(route.access) == VIEWER]
CHECKS = (
    protocol.PROFILES_VALIDATE_NAME,
    protocol.PROFILES_IMPORT_VALIDATE,
    clusters.VALIDATE_NAME,
    clusters.VALIDATE,
    clusters.DEFINITION,
)
"""They answer to what is sent, and list nothing."""
LISTS = [route for route in LISTS if route.path not in (STREAM, protocol.USER_WORKSPACE_ROLES, *CHECKS)]


@pytest.mark.parametrize("route", LISTS, ids=ids)
@pytest.mark.parametrize("named", [False, True])
def test_lists_have_the_own_project_only(plane: Plane, route: Route, named: bool) -> None:
    client = plane.client(plane.own.people[VIEWER], plane.own.uid if named else "")
    status, text = ask(client, route, path_of(route, plane.own))
    assert status == (403 if route.on is On.TENANT else 200), text
    for secret in (plane.foreign.uid, plane.foreign.host, *plane.foreign.things.values()):
        assert secret not in text
    about_foreign = ask(client, route, path_of(route, plane.foreign))[1]
    assert plane.foreign.things["users"] not in about_foreign


def test_a_stream_has_the_own_project_only(plane: Plane) -> None:
    admin = plane.hub.client()
    with plane.own.people[VIEWER].client.stream("GET", STREAM) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": edgewright changes"
        for mine in (plane.foreign, plane.own):
            path = f"/v1/edgehosts/{mine.host}/meta"
            assert admin.put(path, json={"metadata": {"labels": {"x": unique("x")}}}).status_code == 204
            admin.put(f"/v1/users/{mine.things['users']}", json={"spec": {"firstName": unique("n")}})
            admin.put(f"{protocol.TOKENS}/{mine.things['tokens']}", json={"metadata": {"labels": {"a": unique("b")}}})
        seen = ""
        for line in lines:
            seen += line
            if line.startswith("data:") and plane.own.host in line:
                break
    assert plane.foreign.host not in seen and plane.foreign.uid not in seen and "@example.com" not in seen


def test_sites_and_rejections_of_others_are_not_shown(plane: Plane) -> None:
    """What belongs to no project may name sites and hosts of any."""
    admin, site = plane.hub.client(), unique("site")
    handled = f"{protocol.HANDLING}/site%2F{site}"
    assert admin.patch(handled, json={"note": "n"}).status_code == 200
    own = plane.own.people[OPERATOR]
    for client in (plane.client(own), plane.client(own, plane.own.uid)):
        assert site not in client.get(protocol.HANDLING).text
        for key in (site, "no-such-site"):
            assert client.patch(f"{protocol.HANDLING}/site%2F{key}", json={"note": "x"}).status_code == 403
    tenant = plane.client(plane.tenant[VIEWER], plane.own.uid)
    assert site in tenant.get(protocol.HANDLING).text, "a role of the tenant sees what is everyone's"
    with own.client.stream("GET", STREAM) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": edgewright changes"
        admin.patch(handled, json={"note": "n2"})
        plane.hub.register(unique("stranger"), "ewt_wrong")
        admin.put(f"/v1/edgehosts/{plane.own.host}/meta", json={"metadata": {"labels": {"y": unique("y")}}})
        seen = ""
        for line in lines:
            seen += line
            if line.startswith("data:") and plane.own.host in line:
                break
    assert site not in seen and "stranger" not in seen


def may(route: Route, role: str, *, tenant: bool) -> bool:
    needed = needed_role(route.access)
    return bool(needed) and covers(role, needed) and (tenant or route.on is not On.TENANT)


@pytest.mark.parametrize("route", TABLE, ids=ids)
@pytest.mark.parametrize("role", [VIEWER, OPERATOR])
@pytest.mark.parametrize("tenant", [True, False])
def test_p59_a_role_opens_what_it_should_and_nothing_else(plane: Plane, route: Route, role: str, tenant: bool) -> None:
    """With bodies that nobody accepts, so that what is allowed changes nothing."""
    user = (plane.tenant if tenant else plane.own.people)[role]
    client = plane.client(user, plane.own.uid)
    allowed = may(route, role, tenant=tenant)
    if allowed and route.method in ("DELETE", "PATCH", "PUT", "POST") and covers(role, OPERATOR):
        path = path_of(route, plane.own, "no-such-thing")
    else:
        path = path_of(route, plane.own)
    status, text = ask(client, route, path, ["nonsense"] if route.method in ("POST", "PUT", "PATCH") else None)
    if allowed:
        assert status != 401 and (status != 403 or "no role" in text or "unlimited" in text), text
    else:
        assert status == 403, text
        assert plane.own.things["users"] not in text


CREATE = (protocol.PROFILES, protocol.PROFILES_IMPORT, protocol.OWN_PROFILES_APPLY)


def changed(plane: Plane) -> str:
    """Return everything of the foreign project and of all users, as an admin reads it."""
    admin = plane.hub.client()
    host = admin.get(f"/v1/edgehosts/{plane.foreign.host}").json()
    host.get("status", {}).pop("edgewright", None)
    documents = [host, admin.get(f"/v1/projects/{plane.foreign.uid}").json()]
    documents += [admin.post(protocol.USERS_SUMMARY, json={}).json(), admin.get(protocol.API_KEYS).json()]
    documents += [admin.get(path).json() for path in (protocol.TOKENS, protocol.SSH_KEYS, protocol.FILTERS)]
    scoped = plane.hub.client(ApiKey=plane.hub.admin_key, ProjectUid=plane.foreign.uid)
    profile = protocol.path(protocol.PROFILE, uid=plane.foreign.things["clusterprofiles"])
    documents += [scoped.get(path).json() for path in (profile, protocol.PROFILES_NAMES, protocol.PROFILES_MACROS)]
    documents += [admin.get(protocol.RECEIVERS).json(), admin.get(protocol.HANDLING).json()]
    return json.dumps(documents, sort_keys=True)


def test_no_call_of_a_project_admin_changes_anything_elsewhere(plane: Plane) -> None:
    before = changed(plane)
    good: dict[str, Any] = {
        "metadata": {"name": "taken", "uid": "taken", "labels": {"a": "b"}},
        "spec": {"emailId": "taken@example.com", "publicKey": ssh_key(99), "roles": [ADMIN]},
        "roles": [ADMIN],
        "projects": [{"projectUid": plane.own.uid, "roles": [ADMIN]}],
        "isActive": False,
        "acknowledged": True,
        "hostPairingKey": "x",
        "kind": "reset",
        "message": "m",
        "relatedObject": {"kind": "edgehost", "uid": plane.foreign.host},
    }
    for user in plane.own.people.values():
        for named in ("", plane.own.uid, plane.foreign.uid):
            client = plane.client(user, named)
            for route in TABLE:
                if needed_role(route.access) in ("", VIEWER):
                    continue
                if route.path in (protocol.HOSTS, protocol.SSH_KEYS, protocol.API_KEYS, *CREATE):
                    continue  # create something in the own project, or for the caller
                status, text = ask(client, route, path_of(route, plane.foreign), good)
                assert status in (400, 403, 404, 422), f"{route.method} {route.path}: {status} {text}"
    assert changed(plane) == before


def test_nobody_raises_the_own_rights(plane: Plane) -> None:
    raised = {"roles": [roles.uid(ADMIN)]}
    everyone = [*plane.own.people.values(), plane.tenant[VIEWER], plane.tenant[OPERATOR]]
    for user in everyone:
        own, client = f"/v1/users/{user.uid}", user.client
        tries = [
            client.put(f"{own}/roles", json=raised),
            client.put(own, json={"spec": raised}),
            client.patch(own, json=[{"op": "replace", "path": "/spec/roles", "value": raised["roles"]}]),
            client.put(f"{own}/projects", json={"projects": [{"projectUid": plane.foreign.uid, **raised}]}),
            client.patch(f"{own}/password/reset"),
            client.post("/v1/users", json={"spec": {"emailId": f"{unique('u')}@example.com", **raised}}),
            client.post("/v1/apiKeys", json={"metadata": {"name": "x"}, "spec": {"userUid": plane.tenant[ADMIN].uid}}),
            client.post("/v1/apiKeys", json={"metadata": {"name": "y"}, "spec": {"edgewright": {"role": "admin"}}})
            if user is not plane.own.people[ADMIN]
            else client.delete(own),
        ]
        assert [answer.status_code for answer in tries] == [403] * len(tries), user.email
        assert client.get("/v1/users/info").json()["edgewright"]["tenantRole"] != ADMIN


def test_p52_a_key_has_the_rights_of_its_user_within_its_limit(plane: Plane) -> None:
    operator, admin = plane.tenant[OPERATOR], plane.tenant[ADMIN]
    made = operator.client.post("/v1/apiKeys", json={"metadata": {"name": unique("own")}})
    assert made.status_code == 201
    own = plane.hub.client(ApiKey=made.json()["apiKey"])
    assert own.get("/v1/users/info").json()["edgewright"]["role"] == OPERATOR
    limited = admin.client.post(
        "/v1/apiKeys", json={"metadata": {"name": unique("l")}, "spec": {"edgewright": {"role": OPERATOR}}}
    ).json()
    client = plane.hub.client(ApiKey=limited["apiKey"])
    assert client.get("/v1/users/info").json()["edgewright"]["role"] == OPERATOR
    further = client.post("/v1/apiKeys", json={"metadata": {"name": unique("f")}}).json()
    assert (
        plane.hub.client(ApiKey=further["apiKey"]).post("/v1/projects", json={"metadata": {"name": "z"}}).status_code
        == 403
    )
    more = {"metadata": {"name": unique("m")}, "spec": {"edgewright": {"role": ADMIN}}}
    assert client.post("/v1/apiKeys", json=more).status_code == 403
    refused = client.patch(f"/v1/apiKeys/{admin.key_uid}", json={"isActive": False})
    assert refused.status_code == 403 and "limited to the role operator" in refused.json()["message"]
    foreign = operator.client.delete(f"/v1/apiKeys/{admin.key_uid}")
    assert foreign.status_code == 403
    assert plane.own.people[OPERATOR].client.delete(f"/v1/apiKeys/{admin.key_uid}").status_code == 404
    shown = plane.own.people[OPERATOR].client.get("/v1/apiKeys").json()["items"]
    assert {key["spec"]["user"]["uid"] for key in shown} == {plane.own.people[OPERATOR].uid}


def test_what_each_role_does_in_its_project(plane: Plane) -> None:
    """The good case: an operator changes a host, an admin of the project creates and deletes one, elsewhere nothing."""
    host, own = plane.own.host, plane.own.uid
    tag = {"metadata": {"labels": {"site": "oslo"}}}
    assert plane.own.people[VIEWER].client.put(f"/v1/edgehosts/{host}/meta", json=tag).status_code == 403
    operator, admin = plane.own.people[OPERATOR].client, plane.own.people[ADMIN].client
    assert operator.put(f"/v1/edgehosts/{host}/meta", json=tag).status_code == 204
    handled = operator.patch(f"/edgewright/v1/handling/host/{host}/silent", json={"acknowledged": True})
    assert handled.status_code == 200 and handled.json()["acknowledgedBy"].endswith("@example.com")
    assert operator.patch("/edgewright/v1/handling/site/oslo", json={"acknowledged": True}).status_code == 403
    uid = unique("new")
    assert operator.post("/v1/edgehosts", json={"metadata": {"uid": uid}}).status_code == 403
    assert admin.post("/v1/edgehosts", json={"metadata": {"uid": uid}}).status_code == 201, "into the only project"
    assert plane.hub.client().get(f"/v1/edgehosts/{uid}").json()["aclmeta"]["projectUid"] == own
    assert operator.delete(f"/v1/edgehosts/{uid}").status_code == 403
    assert admin.delete(f"/v1/edgehosts/{uid}").status_code == 204
    assert admin.put(f"/v1/projects/{own}", json={"metadata": {"labels": {"a": "b"}}}).status_code == 204
    assert admin.post("/v1/projects", json={"metadata": {"name": unique("p")}}).status_code == 403
    assert operator.get(f"{protocol.TOKENS}/{plane.own.things['tokens']}").json()["spec"].get("token") is None
    assert operator.post("/v1/dashboard/edgehosts/search", json={}).json()["listmeta"]["count"] == 2


def test_roles_in_two_projects_count_each_in_its_own(plane: Plane) -> None:
    both = person(plane.hub, "", {plane.own.uid: OPERATOR, plane.foreign.uid: VIEWER})
    tag = {"metadata": {"labels": {"site": "oslo"}}}
    assert both.client.put(f"/v1/edgehosts/{plane.own.host}/meta", json=tag).status_code == 204
    assert both.client.put(f"/v1/edgehosts/{plane.foreign.host}/meta", json=tag).status_code == 403
    assert both.client.get(f"/v1/edgehosts/{plane.foreign.host}").status_code == 200
    assert both.client.post("/v1/dashboard/edgehosts/search", json={}).json()["listmeta"]["count"] == 4
    one = plane.hub.client(ApiKey=both.key, ProjectUid=plane.own.uid)
    assert one.post("/v1/dashboard/edgehosts/search", json={}).json()["listmeta"]["count"] == 2
    assert one.get(f"/v1/edgehosts/{plane.foreign.host}").status_code == 403, "another project than the one chosen"
    who = both.client.get("/v1/users/info").json()["edgewright"]
    assert who["role"] == OPERATOR and who["tenantRole"] == "" and len(who["projectRoles"]) == 2
    mine = both.client.get("/v1/users/me").json()["status"]
    assert "edgehost.update" in mine["projectPermissions"][plane.own.uid]
    assert "edgehost.update" not in mine["projectPermissions"][plane.foreign.uid] and not mine["tenantPermissions"]


def test_a_role_in_a_project_above_that_of_the_tenant_is_reported(plane: Plane) -> None:
    """A console refuses what the reported role may not do, before it asks."""
    mixed = person(plane.hub, VIEWER, {plane.own.uid: OPERATOR})
    tag = {"metadata": {"labels": {"site": "oslo"}}}
    assert mixed.client.put(f"/v1/edgehosts/{plane.own.host}/meta", json=tag).status_code == 204

    def reported(**headers: str) -> str:
        client = plane.hub.client(ApiKey=mixed.key, **headers)
        return str(client.get("/v1/users/info").json()["edgewright"]["role"])

    assert reported() == OPERATOR
    assert reported(ProjectUid=plane.own.uid) == OPERATOR
    assert reported(ProjectUid=plane.foreign.uid) == VIEWER


def test_the_documented_table_is_what_the_routes_say() -> None:
    """docs/hub.md: each call of a user with its role and where it counts, none missing and none too many."""
    text = (ROOT / "docs" / "hub.md").read_text()
    rows = re.findall(r"^\| (viewer|operator|admin)([a-z ]*) \| (\w+) \| (`.+`) \|$", text, re.MULTILINE)
    documented = {
        (method, call.split(" ")[-1]): (role + who, on)
        for role, who, on, calls in rows
        for call in re.findall(r"`([^`]+)`", calls)
        for method in call.split(" ")[:-1]
    }
    hosts = {"HOST_OR": " or the host", "ANY_HOST": " or a host"}
    known = {
        (route.method, route.path): (
            needed_role(route.access)
            + next((who for start, who in hosts.items() if route.access.name.startswith(start)), ""),
            route.on.name.lower(),
        )
        for route in TABLE
        if route.access not in (Access.HOST, Access.ANY_HOST)
    }
    assert documented == known
