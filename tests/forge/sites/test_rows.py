"""Plans of sites: both forms, what is wrong by row and line, what collides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound
from edgewright.forge.sites.overlay import overlay
from edgewright.forge.sites.rows import file_name, read_plan

CSV = """name,address,gateway,dns,vlan,tags,tag.site
# the first shop
edge-1,10.0.1.10/24,10.0.1.1,10.0.1.2 10.0.1.3,,"ring=1;rack=a",berlin

edge-2,dhcp,,,40,,paris
"""
YAML = """sites:
  - name: edge-1
    address: 10.0.1.10/24
    gateway: 10.0.1.1
    dns: [10.0.1.2, 10.0.1.3]
    tags: {ring: "1", rack: a, site: berlin}
  - name: edge-2
    vlan: 40
    tags: {site: paris}
"""


def plan(tmp_path: Path, text: str, name: str = "plan.csv") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def said(tmp_path: Path, text: str, name: str = "plan.csv") -> list[str]:
    return [f"{f.line} {f.severity} {f.message}" for f in read_plan(plan(tmp_path, text, name)).findings]


def test_csv_and_yaml_say_the_same(tmp_path: Path) -> None:
    from_csv = read_plan(plan(tmp_path, CSV))
    from_yaml = read_plan(plan(tmp_path, YAML, "plan.yaml"))
    assert from_csv.findings == from_yaml.findings == ()
    assert [site.line for site in from_csv.sites] == [3, 5]
    assert [site.line for site in from_yaml.sites] == [2, 7]
    for a, b in zip(from_csv.sites, from_yaml.sites, strict=True):
        assert a._replace(line=0, tags=dict(sorted(a.tags.items()))) == b._replace(
            line=0, tags=dict(sorted(b.tags.items()))
        )
    first = from_csv.sites[0]
    assert (first.hostname, first.nic, first.dns) == ("edge-1", "eno1", ("10.0.1.2", "10.0.1.3"))
    assert first.tags == {"ring": "1", "rack": "a", "site": "berlin"}


def test_each_site_may_have_a_link_of_its_own(tmp_path: Path) -> None:
    text = "name,metered,heartbeat,silence,budget\na,yes,10m,1h,50\nb,no,,,0\nc,,,,\n"
    sites = read_plan(plan(tmp_path, text)).sites
    assert sites[0].link == {"metered": True, "heartbeat": "10m", "silenceLimit": "1h", "budgetMB": 50}
    assert sites[1].link == {"metered": False, "budgetMB": 0}, "what a row names overrides the common value"
    assert sites[2].link == {}
    assert overlay(sites[0])["stylus"]["site"]["edgewright"] == sites[0].link
    assert "edgewright" not in overlay(sites[2])["stylus"]["site"]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("perhaps,,,", "metered: It is yes or no."),
        (",2h,,", "heartbeat: A heartbeat interval is 10 s to 1 h."),
        ("yes,,10m,", "silence: 10m is less than 3 heartbeats (45 min)"),
        (",,,50 MB", "budget: A budget is 0 to 1000000 megabytes a month."),
    ],
)
def test_a_wrong_link_names_row_and_column(tmp_path: Path, cells: str, words: str) -> None:
    found = said(tmp_path, f"name,metered,heartbeat,silence,budget\nedge-1,{cells}\n")
    assert len(found) == 1 and found[0].startswith("2 error Row 1: " + words), found


def test_semicolons_a_bom_and_a_bare_list(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_bytes("\ufeffName;VLAN\nedge-1;7\n".encode())
    assert read_plan(tmp_path / "plan.csv").sites[0].vlan == 7
    found = read_plan(plan(tmp_path, "- name: edge-1\n- name: edge-2\n", "bare.yml"))
    assert [(site.name, site.line) for site in found.sites] == [("edge-1", 1), ("edge-2", 2)]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("edge-1,10.0.1.10,,", "lacks the size of its subnet"),
        ("edge-1,10.0.1.0/24,,", "the name of the subnet itself"),
        ("edge-1,10.0.1.10/24,10.0.2.1,", "is not in 10.0.1.0/24"),
        ("edge-1,10.0.1.10/24,10.0.1.10,", "the box's own address"),
        ("edge-1,,10.0.1.1,", "There is a gateway but no address"),
        ("edge-1,,,4095", "4095 is not a number from 1 to 4094"),
        ("edge-1,,,x", "x is not a number"),
        ("edge_1!,,,", "Row 1: name:"),
        (",10.0.1.10/24,,", "The site has no name"),
    ],
)
def test_what_is_wrong_with_a_row(tmp_path: Path, row: str, words: str) -> None:
    found = said(tmp_path, f"name,address,gateway,vlan\n{row}\nedge-9,,,\n")
    assert found and found[0].startswith("2 error Row 1: ") and any(words in line for line in found)


def test_doubles_name_both_rows_and_lines(tmp_path: Path) -> None:
    text = "name,hostname,address\nedge-1,a,10.0.1.10/24\n\nEDGE-1,b,\nedge-3,a,\nedge-4,d,10.0.1.10/16\n"
    assert said(tmp_path, text) == [
        "4 error Row 1 (line 2, edge-1) and row 2 (line 4, EDGE-1) have the same UID edge-1.",
        "5 error Row 1 (line 2, edge-1) and row 3 (line 5, edge-3) have the same host name a.",
        "6 error Row 1 (line 2, edge-1) and row 4 (line 6, edge-4) have the same address 10.0.1.10.",
    ]


def test_networks_that_are_apart_may_use_the_same_addresses(tmp_path: Path) -> None:
    text = "name,address,vlan,tag.site\nedge-1,10.0.1.10/24,,berlin\nedge-2,10.0.1.10/24,,paris\n"
    assert said(tmp_path, text)[0].startswith("3 warning ")
    text = "name,address,vlan\nedge-1,10.0.1.10/24,10\nedge-2,10.0.1.10/24,20\n"
    assert said(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("", "a.csv", "names no site"),
        ("name\n", "a.csv", "names no site"),
        ("adress,name\nx,y\n", "a.csv", "no column 'adress'; the nearest is `address`"),
        ("address\n10.0.0.1/24\n", "a.csv", "no column `name`"),
        ("name\nedge-1,2\n", "a.csv", "Line 2 of .* has more cells"),
        ('name\n"edge-1\n', "a.csv", "is not CSV"),
        ("a: 1\n", "a.yaml", "no list `sites`"),
        ("sites: [5]\n", "a.yaml", "is not a map of columns"),
        ("sites: [\n", "a.yaml", "line"),
    ],
)
def test_what_is_no_plan(tmp_path: Path, text: str, name: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_plan(plan(tmp_path, text, name))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_plan(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="is UTF-16, not UTF-8"):
        read_plan(tmp_path / "bytes.csv")
    with pytest.raises(InvalidInput, match="is a directory"):
        read_plan(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "words", "hint"),
    [
        ("plan.xlsx", b"PK\3\4\x14\0\6\0", "is a workbook, not a plan", "save as CSV"),
        ("plan.csv", b"PK\3\4\x14\0\6\0", "is a workbook, not a plan", "save as CSV"),
        ("plan.xls", b"\xd0\xcf\x11\xe0\xa1", "is a workbook, not a plan", "save as CSV"),
        ("plan.csv", "name\nedge-1\n".encode("utf-16"), "is UTF-16", "UTF-8"),
        ("box.yaml", b"#cloud-config\nstylus:\n  site: {}\n", "is user-data, not a plan", "--base-user-data"),
        ("box.csv", b"#cloud-config\nstylus:\n  site: {}\n", "is user-data, not a plan", "--base-user-data"),
        ("box.yaml", b"install:\n  auto: true\n", "is user-data, not a plan", "--base-user-data"),
        ("plan.yaml", b"edge-1, edge-2\n", "is not a plan of sites", "CSV with a first line"),
        ("plan", b"name,address\nedge-1,\n", "is not a plan of sites", "ends with .csv"),
    ],
)
def test_what_is_something_else_is_named(tmp_path: Path, name: str, data: bytes, words: str, hint: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidInput, match=words) as caught:
        read_plan(tmp_path / name)
    assert hint in caught.value.hint


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_each_delimiter_of_spreadsheets_is_read(tmp_path: Path, delimiter: str) -> None:
    text = "# made by hand\nname,address,mtu\nedge-1,10.0.1.10/24,1500\n".replace(",", delimiter)
    (site,) = read_plan(plan(tmp_path, text, "a.csv")).sites
    assert (site.name, site.address, site.mtu, site.line) == ("edge-1", "10.0.1.10/24", 1500, 3)


@pytest.mark.parametrize(
    ("value", "servers"),
    [
        ("a.example.net", ("a.example.net",)),
        ("a.example.net b.example.net", ("a.example.net", "b.example.net")),
        ("ntp1, ntp2", ("ntp1", "ntp2")),
        ("192.0.2.1,2001:db8::1", ("192.0.2.1", "2001:db8::1")),
    ],
)
def test_several_time_servers_are_taken_apart(tmp_path: Path, value: str, servers: tuple[str, ...]) -> None:
    found = read_plan(plan(tmp_path, f'name,ntp\nedge-1,"{value}"\n', "a.csv"))
    assert found.sites[0].ntp == servers and found.findings == ()


@pytest.mark.parametrize("value", ["not a host", "ntp one, b.example.net", "a.example.net nope", "300.1.1.1"])
def test_a_time_server_that_is_none_is_not_taken_apart(tmp_path: Path, value: str) -> None:
    (line,) = said(tmp_path, f'name,ntp\nedge-1,"{value}"\n')
    assert line.startswith("2 error Row 1: ntp: ")
    (line,) = said(tmp_path, f'name,ntp\nedge-1,"{value}"\nedge-2,\n')
    yaml = "sites:\n- name: edge-1\n  ntp: [not a host]\n"
    assert [one.severity for one in read_plan(plan(tmp_path, yaml, "a.yaml")).findings] == ["error"]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("=x;y=", "'=x' has no key in front of the '='"),
        ("=", "'=' has no key"),
        (" = x ;a=1", "has no key"),
        ("a=1;a=2", "The tag 'a' is given twice"),
        ("a", "'a' is not key=value"),
    ],
)
def test_tags_without_a_key_are_errors(tmp_path: Path, tags: str, words: str) -> None:
    assert any(words in line for line in said(tmp_path, f"name,tags\nedge-1,{tags}\n"))


def test_a_tag_without_a_value_is_one(tmp_path: Path) -> None:
    found = read_plan(plan(tmp_path, "name,tags\nedge-1,y=;\n", "a.csv"))
    assert found.findings == () and found.sites[0].tags == {"y": ""}


def test_a_tag_in_two_columns_is_an_error(tmp_path: Path) -> None:
    assert "tag.site: The row's `tags` give" in said(tmp_path, "name,tags,tag.site\nedge-1,site=a,b\n")[0]


def test_file_names_stay_in_their_folder() -> None:
    assert [file_name(name) for name in ("edge-1", "../x", "a/b", ".", "ä")] == ["edge-1", "x", "a-b", "site", "site"]


CELLS = st.text(alphabet="edge-1/.,;:\"'#=\n\t 0249{}[]&*!|>äé\0", max_size=60)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(head=st.sampled_from(["name,address,gateway,dns,vlan,tags\n", "name;mtu\n", ""]), text=CELLS, kind=st.booleans())
def test_any_text_is_a_plan_or_told(tmp_path: Path, head: str, text: str, kind: bool) -> None:
    file = tmp_path / ("plan.csv" if kind else "plan.yaml")
    file.write_bytes((head + text).encode())
    try:
        found = read_plan(file)
    except EdgewrightError as error:
        assert error.message.endswith(".")
        return
    assert all(finding.message.endswith(".") for finding in found.findings)
