"""Pages: how the box gets its address, and whom it asks on the way."""

from __future__ import annotations

from typing import Any

from edgewright.core.installer import checks
from edgewright.core.installer.questions import Answers, Choice, Page, Question
from edgewright.core.installer.when import both, each, given, on

BOND_MODES = (
    Choice("active-backup", "active-backup: one works, one waits"),
    Choice("802.3ad", "802.3ad (LACP): the switch must do it too"),
    Choice("balance-alb", "balance-alb: both work, any switch"),
    Choice("balance-xor", "balance-xor: by address, the switch groups them"),
)
TYPES = (Choice("dhcp", "DHCP"), Choice("static", "fixed"))

_static = on("net.mode", "static")
_advanced = on("net.mode", "advanced")
_bonded = on("bond.use", True)
_row_static = on("type", "static")

VLAN_HELP = "The number that the switch marks this box's packets with; empty when the port is untagged."
MTU_HELP = "Bytes in a packet at most. Leave it alone unless every device on the way takes the bigger one."


def _vlan(value: Any, answers: Answers) -> str:
    return checks.between(value, 1, 4094, "A VLAN")


def _mtu(value: Any, answers: Answers) -> str:
    return checks.between(value, 1280, 9216, "An MTU")


def _needs_prefix(text: str) -> str:
    return checks.own_address(text)


def _cards(value: Any, answers: Answers) -> str:
    seen = set()
    for row in value:
        key = (row["nic"], row["vlan"])
        if key in seen:
            return f"{row['nic']} is listed twice" + (f" with VLAN {row['vlan']}." if row["vlan"] else ".")
        seen.add(key)
        if row["vlan"] is not None and len(f"{row['nic']}.{row['vlan']}") > 15:
            return f"{row['nic']}.{row['vlan']} would be longer than the 15 characters of a card's name."
    own = [row["address"].split("/")[0] for row in value if row["type"] == "static" and row["address"]]
    doubled = next((item for item in own if own.count(item) > 1), "")
    if doubled:
        return f"{doubled} is the address of two cards."
    gateways = [row for row in value if row["type"] == "static" and row["gateway"]]
    if len(gateways) > 1:
        return "Only one card can have the gateway: the others reach their own subnets without."
    members = _members(answers) if answers.get("bond.use") else []
    taken = next((row["nic"] for row in value if row["nic"] in members), "")
    return f"{taken} is part of the bond and cannot have an address of its own." if taken else ""


def _members(answers: Answers) -> "list[str]":
    return [
        word.strip() for word in str(answers.get("bond.members") or "").replace(" ", ",").split(",") if word.strip()
    ]


def bond_members(answers: Answers) -> "list[str]":
    """Return the cards of the bond."""
    return _members(answers)


def _bond_use(value: Any, answers: Answers) -> str:
    if not value and not answers.get("net.cards"):
        return "Name a card on the page before, or make a bond here: the box has no address else."
    return ""


def _check_members(value: Any, answers: Answers) -> str:
    members = _members({"bond.members": value})
    for member in members:
        problem = checks.nic(member)
        if problem:
            return problem
    if len(set(members)) != len(members):
        return "A card is listed twice."
    if answers.get("bond.name") in members:
        return "The bond itself cannot be one of its cards."
    return "" if len(members) >= 2 else "A bond is made of two cards at least: eno1, eno2"


def _bond_name(value: Any, answers: Answers) -> str:
    problem = checks.nic(value)
    vlan = answers.get("bond.vlan")
    if not problem and isinstance(vlan, int) and len(f"{value}.{vlan}") > 15:
        return f"{value}.{vlan} would be longer than the 15 characters of a card's name."
    if not problem and any(row.get("nic") == value for row in answers.get("net.cards") or []):
        return f"{value} is the name of a card already."
    return problem


def _gateway(key: str) -> "Any":
    return lambda value, answers: checks.gateway(value, str(answers.get(key) or "")) if value else ""


def _static_vlan(value: Any, answers: Answers) -> str:
    nic = str(answers.get("net.nic") or "")
    if isinstance(value, int) and len(f"{nic}.{value}") > 15:
        return f"{nic}.{value} would be longer than the 15 characters of a card's name."
    return _vlan(value, answers)


NETWORK = Page(
    "network",
    "Network",
    "network",
    "How does the box get its address?",
    (
        Question(
            "net.mode",
            "address",
            "choice",
            "With DHCP one ISO fits every site. A fixed address belongs to one box: give it here for one box, or to "
            "each site in a plan of sites.",
            "dhcp",
            (
                Choice("dhcp", "DHCP"),
                Choice("static", "fixed"),
                Choice("advanced", "several cards, VLANs, or a bond ..."),
            ),
        ),
        Question(
            "net.nic",
            "card",
            "text",
            "The name that Linux gives the card; it is printed on the console of the box when it starts.",
            "eno1",
            required=True,
            example="eno1",
            shown=_static,
            check=given(checks.nic),
        ),
        Question(
            "net.address",
            "address",
            "text",
            "The box's own address with the size of its subnet.",
            required=True,
            example="10.4.1.7/24",
            shown=_static,
            check=given(_needs_prefix),
        ),
        Question(
            "net.gateway",
            "gateway",
            "text",
            "The router of the subnet. Without one the box reaches its own subnet only.",
            example="10.4.1.1",
            shown=_static,
            check=_gateway("net.address"),
        ),
        Question(
            "net.dns",
            "DNS",
            "text",
            "The server that turns names into addresses. With a fixed address DHCP does not provide one.",
            example="10.4.1.1",
            shown=_static,
            check=given(checks.ip),
        ),
        Question("net.vlan", "VLAN", "int", VLAN_HELP, placeholder="none", shown=_static, check=_static_vlan),
    ),
)

CARDS = Page(
    "cards",
    "Cards",
    "network",
    "Which cards does the box have?",
    (
        Question(
            "net.cards",
            "cards",
            "rows",
            "One row for each card, or for each VLAN on a card. Cards that form a bond are named on the next page.",
            check=_cards,
            fields=(
                Question("nic", "card", "text", "The name that Linux gives it.", required=True, example="eno1",
                         check=given(checks.nic)),
                Question("type", "address", "choice", "How it gets its address.", "dhcp", TYPES),
                Question("address", "own address", "text", "With the size of the subnet.", required=True,
                         example="10.4.1.7/24", shown=_row_static, check=given(_needs_prefix)),
                Question("gateway", "gateway", "text", "One card only has it.", example="10.4.1.1",
                         shown=_row_static, check=_gateway("address")),
                Question("dns", "DNS", "text", "Asked by way of this card.", example="10.4.1.1",
                         shown=_row_static, check=given(checks.ip)),
                Question("vlan", "VLAN", "int", VLAN_HELP, placeholder="none", check=_vlan),
                Question("mtu", "MTU", "int", MTU_HELP, placeholder="as it is", check=_mtu),
            ),
        ),
    ),
    shown=_advanced,
)  # fmt: skip

BOND = Page(
    "bond",
    "Bond",
    "network",
    "Do cards work together as one?",
    (
        Question(
            "bond.use",
            "bond",
            "flag",
            "With two cards at two switches the box stays reachable when one cable, card or switch fails.",
            False,
            check=_bond_use,
        ),
        Question("bond.name", "name", "text", "The name of the card that the bond makes.", "bond0", required=True,
                 example="bond0", shown=_bonded, check=_bond_name),
        Question("bond.members", "cards", "text", "The cards that form it, with commas.", required=True,
                 example="eno1, eno2", shown=_bonded, check=_check_members),
        Question("bond.mode", "mode", "choice", "What both ends do. If you do not know the switch, take the first.",
                 "active-backup", BOND_MODES, shown=_bonded),
        Question("bond.type", "address", "choice", "How the bond gets its address.", "dhcp", TYPES, shown=_bonded),
        Question("bond.address", "own address", "text", "With the size of the subnet.", required=True,
                 example="10.4.1.7/24", shown=both(_bonded, on("bond.type", "static")),
                 check=given(_needs_prefix)),
        Question("bond.gateway", "gateway", "text", "The router of the subnet.", example="10.4.1.1",
                 shown=both(_bonded, on("bond.type", "static")), check=_gateway("bond.address")),
        Question("bond.dns", "DNS", "text", "Asked by way of the bond.", example="10.4.1.1",
                 shown=both(_bonded, on("bond.type", "static")), check=given(checks.ip)),
        Question("bond.vlan", "VLAN", "int", VLAN_HELP, placeholder="none", shown=_bonded, check=_vlan),
        Question("bond.mtu", "MTU", "int", MTU_HELP, placeholder="as it is", shown=_bonded, check=_mtu),
    ),
    shown=_advanced,
)  # fmt: skip


def _no_proxy(text: str) -> str:
    for word in text.split(","):
        if any(character.isspace() for character in word.strip()) or "://" in word:
            return f"{word.strip()[:60]!r} is none of name, .domain, address or subnet."
    return ""


PROXY = Page(
    "proxy",
    "Proxy",
    "network",
    "Does the box need a proxy to reach the plane?",
    (
        Question("proxy.https", "https", "text", "Calls to the plane and to registries go by way of it. Empty: the "
                 "box calls them directly.", placeholder="none", example="http://proxy.site:3128",
                 check=given(checks.proxy)),
        Question("proxy.http", "http", "text", "The same for calls without TLS, such as time stamps and mirrors.",
                 placeholder="none", check=given(checks.proxy)),
        Question("proxy.none_for", "not for", "lines", "What the box reaches by itself: its own subnet, the subnets of "
                 "pods and services, registries at the site. A cluster behind a proxy fails without them.",
                 example="10.4.0.0/16", shown=lambda a: bool(a.get("proxy.https") or a.get("proxy.http")),
                 check=each(_no_proxy)),
    ),
)  # fmt: skip

DNS = Page(
    "dns",
    "DNS",
    "network",
    "Who turns names into addresses?",
    (
        Question("dns.servers", "servers", "lines", "Used by every card, before those from DHCP. Empty: from DHCP or "
                 "the card's own setting.", example="10.4.1.1", check=each(checks.ip)),
        Question("dns.search", "search", "lines", "Appended to short names, so that `registry` finds "
                 "`registry.shop.example.org`.", example="shop.example.org", check=each(checks.host)),
    ),
)  # fmt: skip

NTP = Page(
    "ntp",
    "Time",
    "network",
    "Where does the box get the time from?",
    (
        Question("ntp.servers", "servers", "lines", "A wrong clock makes every certificate look invalid, and the box "
                 "is then refused. Sites without an uplink need a server of their own. Empty: the system's default.",
                 example="ntp.example.org", check=each(checks.host)),
    ),
)  # fmt: skip
