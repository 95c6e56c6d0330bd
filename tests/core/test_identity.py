from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.cloudconfig.userdata import Site, read_site, site_of
from edgewright.core.errors import InvalidInput
from edgewright.core.hosts.hosts import check_uid
from edgewright.core.hosts.identity import derive_uid, is_placeholder, read_tags

FILES = {
    "/sys/class/dmi/id/product_uuid": "4c4c4544-0042-3510-8051-b7c04f4e3732\n",
    "/etc/id": "serial=ABC-77 rest\n",
    "/etc/whole": "edge-own-1\n",
    "/etc/blank": "To Be Filled By O.E.M.\n",
    "/etc/odd": "??//\n",
    "/etc/tags": "site:kiel\nrack:\nfloor : 2\n\n",
}


def read_file(path: str) -> str:
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", path)
    return FILES[path]


def random_hex(count: int) -> str:
    return "ab" * count


RANDOM = "edge-" + "ab" * 16


@pytest.mark.parametrize(
    ("site", "uid", "how"),
    [
        ({"name": "shop-1"}, "shop-1", "name"),
        ({"name": "shop-1", "deviceUIDPaths": [{"name": "/etc/id"}]}, "shop-1", "name"),
        ({"name": "a/b.c?d"}, "abcd", "name"),
        ({"name": "x" * 200}, "x" * 128, "name"),
        ({}, "edge-4c4c4544-0042-3510-8051-b7c04f4e3732", "deviceUIDPaths"),
        ({"prefix": "pos"}, "pos-4c4c4544-0042-3510-8051-b7c04f4e3732", "deviceUIDPaths"),
        ({"deviceUIDPaths": [{"name": "/etc/id", "regex": "[A-Z]+-\\d+"}]}, "edge-ABC-77", "deviceUIDPaths"),
        ({"deviceUIDPaths": [{"name": "/etc/id", "regex": "serial=(\\S+)"}]}, "edge-ABC-77", "deviceUIDPaths"),
        ({"deviceUIDPaths": [{"name": "/none"}, {"name": "/etc/whole"}]}, "edge-own-1", "deviceUIDPaths"),
        ({"deviceUIDPaths": [{"name": "/etc/blank"}]}, RANDOM, "random"),
        ({"deviceUIDPaths": [{"name": "/etc/id", "regex": "("}]}, RANDOM, "random"),
        ({"name": "$random"}, RANDOM, "random"),
        ({"name": "$random", "deviceUIDPaths": [{"name": "/etc/whole"}]}, "edge-own-1", "deviceUIDPaths"),
        ({"name": "???", "deviceUIDPaths": [{"name": "/etc/odd"}]}, RANDOM, "random"),
    ],
)
def test_order_of_the_ways_to_a_uid(site: dict[str, Any], uid: str, how: str) -> None:
    identity = derive_uid(site, read_file, random_hex)
    assert (identity.uid, identity.how) == (uid, how)
    if how == "random" and site.get("name") != "$random":
        assert any("re-install" in warning for warning in identity.warnings)


JSONISH = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=150)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "regex", "x"]), inner)
    ),
    max_leaves=5,
)
SITES = st.dictionaries(
    st.sampled_from(
        ["name", "prefix", "deviceUIDPaths", "tags", "tagsFromFile", "paletteEndpoint", "hostName", "caCerts"]
    ),
    JSONISH,
)


@given(SITES, st.text(max_size=200))
def test_any_site_gives_a_good_uid(raw: dict[str, Any], content: str) -> None:
    identity = derive_uid(raw, lambda path: content, random_hex)
    assert check_uid(identity.uid) == []
    read_tags(raw, read_file, lambda path, seconds: content)


def test_placeholders() -> None:
    for value in ("0000-0000", "FFFFFFFF", "", "Default string", "None", "03000200-0400-0500-0006-000700080009"):
        assert is_placeholder(value)
    assert not is_placeholder("ABC-77")


def test_tags_from_map_file_and_script() -> None:
    site = {
        "tags": {"site": "berlin", "bare": None},
        "tagsFromFile": {"fileName": "/etc/tags"},
        "tagsFromScript": {"scriptName": "/bin/t", "timeout": 5},
    }
    asked = []

    def script(path: str, seconds: float) -> str:
        asked.append((path, seconds))
        return json.dumps({"zone": "a", "pos": True, "n": 3, "floor": "9"})

    tags = read_tags(site, read_file, script)
    assert tags.labels == {
        "site": "berlin", "bare": "spectro__tag", "rack": "spectro__tag", "floor": "2", "zone": "a", "pos": "true",
        "n": "3",
    }  # fmt: skip
    assert len(tags.warnings) == 2  # site of the file, floor of the script
    assert asked == [("/bin/t", 5.0)]


@pytest.mark.parametrize("printed", ["", "[1]", "{", '{"a": {}}'])
def test_a_bad_script_warns(printed: str) -> None:
    site = {"tagsFromScript": {"scriptName": "/bin/t"}, "tagsFromFile": {"fileName": "/none"}}
    tags = read_tags(site, read_file, lambda path, seconds: printed)
    assert tags.labels == {}
    assert len(tags.warnings) == 2


def test_separators_of_the_tag_file() -> None:
    site = {"tagsFromFile": {"fileName": "/t", "delimiter": ",", "separator": "="}}
    assert read_tags(site, lambda path: "a=1,b=2:3,c", lambda p, s: "").labels == {
        "a": "1", "b": "2:3", "c": "spectro__tag",
    }  # fmt: skip


USER_DATA = """#cloud-config
stylus:
  installationMode: airgap
  site:
    paletteEndpoint: plane.example:8443/
    edgeHostToken: ewt_1
    name: 0012
    projectName: Default
    disableAutoRegister: yes
    tags: {ha: true}
    caCerts: ["one", "two"]
    ntpServers: a, b
    remoteShell: {disable: true}
    somethingNew: {x: 1}
"""


def test_user_data() -> None:
    site = read_site(USER_DATA)
    assert site.endpoint == "https://plane.example:8443"
    assert (site.token, site.name, site.host_name) == ("ewt_1", "0012", "0012")
    assert site.disable_auto_register
    assert not site.remote_shell
    assert site.tags == {"ha": "true"}
    assert site.ca_certs == ("one", "two")
    assert site.ntp_servers == ("a", "b")
    assert site.management_mode == "local"
    assert site.problems == []
    assert site_of(None).prefix == "edge"


def test_problems_of_user_data_are_sentences() -> None:
    text = "stylus:\n  site:\n    paletteEndpoint: 'http://x y:99999'\n    tags: 3\n    insecureSkipVerify: 'on'\n"
    text += "    prefix: a_b\n"
    problems = read_site(text).problems
    assert len(problems) == 5
    assert all(problem.endswith((".", "y:99999")) for problem in problems)
    for bad in ("- 1", "stylus: 3", "stylus:\n  site: x"):
        with pytest.raises(InvalidInput):
            read_site(bad)
    assert Site({"tagsFromScript": {"timeout": "soon"}}).tags_script_timeout == 60.0
