"""What answers mean: the cloud-config of the installer, and the request to build it.

The keys are Palette's (installer reference); what it has no key for is done by Kairos's stages. The same answers give
the same document, key by key in the same order. It takes complete answers, wrong ones too: a preview shows them.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from edgewright.core.errors import EdgewrightError
from edgewright.core.hosts.link_spec import link_block
from edgewright.core.installer.networkd import Bond, Link, files, interface
from edgewright.core.installer.pages_box import SITES
from edgewright.core.installer.pages_network import bond_members
from edgewright.core.installer.pages_plane import UID_FILES
from edgewright.core.installer.questions import Answers
from edgewright.core.installer.stages import merged, problem_in, read_stages

INSTALLER_TAG = "installer"
"""The tag by which the console knows from which installer a host came."""


class Proof(NamedTuple):
    """The request for a boot proof; `until` is empty for none."""

    until: str = ""
    firmware: str = "uefi"
    secure_boot: bool = False
    medium: str = "usb"


class BuildRequest(NamedTuple):
    """What is to be built from the answers besides the user-data; paths as they were given."""

    name: str
    folder: str
    base: str
    appliance: bool
    sites: str
    plan: str
    content: str
    cluster: str
    proof: Proof
    context: str
    token_uid: str


def build_request(answers: Answers) -> BuildRequest:
    """Return what is to be built: `base` is empty for the reference appliance; `sites` is "", "cidata" or "iso"."""
    what = answers["output.what"]
    until = answers["proof.until"]
    proof = Proof()
    if until != "none":
        secure = bool(answers["proof.secure_boot"]) and answers["proof.firmware"] == "uefi"
        proof = Proof(until, answers["proof.firmware"], secure, answers["proof.medium"])
    appliance = answers["base.kind"] == "appliance"
    return BuildRequest(
        name=answers["output.name"],
        folder=answers["output.folder"],
        base="" if appliance else answers["base.path"],
        appliance=appliance,
        sites=what[len("sites-") :] if what in SITES else "",
        plan=answers["output.plan"] if what in SITES else "",
        content=answers["content.folder"],
        cluster=answers["content.cluster"],
        proof=proof,
        context=answers["plane.context"],
        token_uid=answers["token.uid"] if answers["plane.mode"] != "local" else "",
    )


def user_data(answers: Answers) -> Dict[str, Any]:
    """Return the cloud-config that complete answers mean."""
    links, bond = _cards(answers)
    ours: Dict[str, List[Dict[str, Any]]] = {}
    steps = [step for step in (_network_step(links, bond), _search_step(answers), _users_step(answers)) if step]
    if steps:
        ours["initramfs"] = steps
    stages = merged(ours, _their_stages(answers))
    matches = {"stylus": _stylus(answers, links, bond), "install": _install(answers), "stages": stages}
    return {key: value for key, value in matches.items() if value}


def _stylus(answers: Answers, links: List[Link], bond: "Bond | None") -> Dict[str, Any]:
    local = answers["plane.mode"] == "local"
    matches: Dict[str, Any] = {"managementMode": "local" if local else "central"}
    if local:
        if answers["local.port"] not in (None, 5080):
            matches["localUI"] = {"port": answers["local.port"]}
        if answers["local.multi_node"]:
            matches["enableMultiNode"] = True
    matches.update(_registries(answers))
    site: Dict[str, Any] = {}
    if not local:
        site["paletteEndpoint"] = endpoint_of(answers["plane.endpoint"])
        site["edgeHostToken"] = answers["token.text"]
        site["projectName"] = answers["plane.project"]
        if answers["token.approval"]:
            site["disableAutoRegister"] = True
        site["registrationURL"] = answers["site.registration_url"]
        site["edgewright"] = link_block(
            answers["link.metered"], answers["link.heartbeat"], answers["link.silence"], answers["link.budget"]
        )
    site.update(_identity(answers))
    tags = {"site": answers["site.name"]} if answers["site.name"] else {}
    tags.update(sorted(answers["site.tags"].items()))
    tags[INSTALLER_TAG] = answers["output.name"]
    site["tags"] = tags
    site["caCerts"] = authorities(answers)
    site["ntpServers"] = _stripped(answers["ntp.servers"])
    site["network"] = _network(answers, links, bond)
    matches["site"] = {key: value for key, value in site.items() if value not in ("", [], {})}
    return matches


def endpoint_of(text: str) -> str:
    """Return the plane's address as Palette's own files have it: without https:// and without a slash behind it."""
    return (text[len("https://") :] if text.startswith("https://") else text).rstrip("/")


def authorities(answers: Answers) -> List[str]:
    """Return the certificates that the box trusts, each PEM text once; paths that were not read yet as they are."""
    result = [answers["plane.ca"]] if answers["plane.mode"] != "local" else []
    result += answers["ca.certificates"]
    return list(dict.fromkeys(text.strip() + ("\n" if "\n" in text else "") for text in result if text.strip()))


def _identity(answers: Answers) -> Dict[str, Any]:
    rule = answers["uid.rule"]
    matches: Dict[str, Any] = {}
    if rule == "name":
        matches["name"] = answers["uid.name"]
    elif rule == "random":
        matches["name"] = "$random"
    matches["hostName"] = answers["uid.host_name"]
    if rule != "name" and answers["uid.prefix"] not in ("", "edge"):
        matches["prefix"] = answers["uid.prefix"]
    if rule == "device":
        path = UID_FILES.get(answers["uid.source"], answers["uid.file"])
        source = {"name": path, "regex": answers["uid.regex"]}
        matches["deviceUIDPaths"] = [{key: value for key, value in source.items() if value}]
    return matches


def _registries(answers: Answers) -> Dict[str, Any]:
    rows, rules = answers["registries.list"], answers["registries.rules"]
    if not rows:
        return {}
    if len(rows) == 1 and not rows[0]["repository"] and not rows[0]["ca"] and not rules:
        return {"registryCredentials": _credentials(rows[0])}
    registries = []
    for row in rows:
        item = _credentials(row)
        if row["repository"]:
            item["repositoryName"] = row["repository"]
        if row["ca"]:
            item["certificates"] = [row["ca"].strip() + ("\n" if "\n" in row["ca"] else "")]
        registries.append(item)
    matches: Dict[str, Any] = {"registries": registries}
    if rules:
        matches["registryMappingRules"] = dict(sorted(rules.items()))
    return {"externalRegistries": matches}


def _credentials(row: Mapping[str, Any]) -> Dict[str, Any]:
    matches = {"domain": row["domain"], "username": row["username"], "password": row["password"]}
    stored: Dict[str, Any] = {key: value for key, value in matches.items() if value}
    stored["insecure"] = bool(row["insecure"])
    return stored


def _cards(answers: Answers) -> "Tuple[List[Link], Bond | None]":
    if answers["net.mode"] == "static":
        return [_link(answers, "net.", "static")], None
    if answers["net.mode"] != "advanced":
        return [], None
    links = [_link(row, "", row["type"]) for row in answers["net.cards"]]
    if not answers["bond.use"]:
        return links, None
    return links, Bond(
        bond_members(answers), answers["bond.mode"], _link(answers, "bond.", answers["bond.type"], "name")
    )


def _link(answers: Mapping[str, Any], prefix: str, how: str, nic: str = "nic") -> Link:
    def text(key: str) -> str:
        return answers.get(prefix + key) or "" if how == "static" else ""

    name = answers.get(prefix + nic) or ""
    vlan, mtu = answers.get(prefix + "vlan"), answers.get(prefix + "mtu")
    return Link(name, text("address"), text("gateway"), text("dns"), vlan, mtu)


def _network(answers: Answers, links: List[Link], bond: "Bond | None") -> Dict[str, Any]:
    matches: Dict[str, Any] = {}
    if answers["proxy.http"] or answers["proxy.https"]:
        matches["httpProxy"] = answers["proxy.http"]
        matches["httpsProxy"] = answers["proxy.https"]
        matches["noProxy"] = ",".join(
            w.strip() for line in _stripped(answers["proxy.none_for"]) for w in line.split(",")
        )
    matches["nameserver"] = ",".join(_stripped(answers["dns.servers"]))
    staged = _staged(links, bond)
    matches["interfaces"] = {link.nic: interface(link) for link in links if link.nic not in staged}
    return {key: value for key, value in matches.items() if value}


def _staged(links: List[Link], bond: "Bond | None") -> "frozenset[str]":
    """Return the cards that need files of networkd: all rows of a card go one way, never both."""
    return frozenset([link.nic for link in links if not link.plain] + ([bond.link.nic] if bond else []))


def _network_step(links: List[Link], bond: "Bond | None") -> Dict[str, Any]:
    staged = _staged(links, bond)
    if not staged:
        return {}
    return {"name": "network cards", "files": files([link for link in links if link.nic in staged], bond)}


def _search_step(answers: Answers) -> Dict[str, Any]:
    domains = _stripped(answers["dns.search"])
    if not domains:
        return {}
    content = "[Resolve]\nDomains=" + " ".join(domains) + "\n"
    path = "/etc/systemd/resolved.conf.d/50-search.conf"
    return {"name": "search domains", "files": [{"path": path, "permissions": 0o644, "owner": 0, "group": 0,
                                                 "content": content}]}  # fmt: skip


def _users_step(answers: Answers) -> Dict[str, Any]:
    if not answers["user.name"]:
        return {}
    rows = [{key: answers[f"user.{key}"] for key in ("name", "password", "admin", "keys")}, *answers["users.more"]]
    users: Dict[str, Any] = {}
    for row in rows:
        item: Dict[str, Any] = {"groups": ["sudo", "admin"]} if row["admin"] else {}
        if row["password"]:
            item["passwd"] = row["password"]
        keys = _stripped(row["keys"])
        if keys:
            item["ssh_authorized_keys"] = keys
        users[row["name"]] = item
    return {"name": "users", "users": users}


def _their_stages(answers: Answers) -> Dict[str, Any]:
    try:
        stages = read_stages(answers["stages.steps"])
    except EdgewrightError:
        return {}
    return {} if problem_in(stages) else stages


def _install(answers: Answers) -> Dict[str, Any]:
    matches: Dict[str, Any] = {"device": answers["disk.path"] if answers["disk.rule"] == "path" else "auto"}
    if answers["disk.cmdline"]:
        matches["grub_options"] = {"extra_cmdline": answers["disk.cmdline"]}
    if answers["disk.persistent"] is not None:
        matches["partitions"] = {"persistent": {"size": answers["disk.persistent"], "fs": "ext4"}}
    extra = [{key: value for key, value in row.items() if value not in ("", None)} for row in answers["disk.extra"]]
    if extra:
        matches["extra-partitions"] = extra
    matches["reboot"] = answers["disk.end"] == "reboot"
    matches["poweroff"] = answers["disk.end"] == "poweroff"
    return matches


def _stripped(lines: List[str]) -> List[str]:
    return [line.strip() for line in lines if line.strip()]
