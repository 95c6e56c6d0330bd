"""Adapters that netplan sets: the one file that names them read as YAML, edited, and written again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edgewright.core.network.change import Draft, there
from edgewright.core.network.settings import Adapter, Method, Wanted
from edgewright.core.yaml.subset import load

FOLDER = "/etc/netplan/"


OF_THE_CARD = (
    "match", "set-name", "mtu", "macaddress", "wakeonlan", "auth", "optional", "ignore-carrier", "emit-lldp",
    "receive-checksum-offload", "transmit-checksum-offload", "tcp-segmentation-offload", "tcp6-segmentation-offload",
    "generic-segmentation-offload", "generic-receive-offload", "large-receive-offload", "virtual-function-count",
)  # fmt: skip
"""Keys that stay with a card whose addresses move to a VLAN on it."""


def stanza(document: Any, name: str) -> dict[str, Any] | None:
    """Return the part of a document for a wired adapter or a VLAN, None where it does not name it."""
    node = document.get("network") if isinstance(document, dict) else None
    for kind in ("ethernets", "vlans"):
        cards = node.get(kind) if isinstance(node, dict) else None
        body = cards.get(name) if isinstance(cards, dict) else None
        if isinstance(body, dict):
            return body
    return None


def read(text: str) -> Any:
    """Return a document, None where it cannot be read here."""
    try:
        return load(text)
    except ValueError:
        return None


def method_of(body: Mapping[str, Any]) -> Method:
    """Return how a stanza sets IPv4."""
    if body.get("dhcp4") is True:
        return "dhcp"
    addresses = body.get("addresses") or []
    return "static" if any("." in str(each).partition("/")[0] for each in addresses) else "none"


def edit(draft: Draft, adapter: Adapter, wanted: Wanted, texts: Mapping[str, str]) -> None:
    """Put what is wanted into the stanza of an adapter. Raises `ValueError` where that cannot be done safely."""
    document = read(draft.text(adapter.file))
    body = stanza(document, adapter.name)
    if body is None:
        raise ValueError(f"{adapter.file} has no plain entry for it")
    dhcp = (wanted.method or adapter.method) == "dhcp"
    if wanted.method or wanted.address is not None or wanted.gateway is not None:
        addresses = [each for each in body.get("addresses") or [] if isinstance(each, dict) or ":" in str(each)]
        routes = [each for each in body.get("routes") or [] if not _is_default(each)]
        body.pop("gateway4", None)
        body.pop("dhcp4", None)
        body["dhcp4"] = dhcp
        if not dhcp:
            addresses.insert(0, adapter.address if wanted.address is None else wanted.address)
            gateway = adapter.gateway if wanted.gateway is None else wanted.gateway
            routes += [{"to": "default", "via": gateway}] if gateway else []
        for key, value in (("addresses", addresses), ("routes", routes)):
            body.pop(key, None)
            if value:
                body[key] = value
    if wanted.mtu is not None:
        body["mtu"] = wanted.mtu
        draft.back.append(f"ip link set dev {adapter.name} mtu {adapter.mtu}")
    if wanted.vlan:
        _put_vlan(document["network"], adapter.name, wanted.vlan)
    draft.write(adapter.file, dump(document), 0o600)
    draft.after += ["netplan generate", "netplan apply"]
    if wanted.vlan:
        draft.after.append(there(f"{adapter.name}.{wanted.vlan}"))
        draft.back.append(f"ip link delete {adapter.name}.{wanted.vlan}")
    draft.boot.append("netplan generate")
    draft.notes.append(f"Comments in {adapter.file} are not lines.")


def _put_vlan(node: dict[str, Any], name: str, number: int) -> None:
    """Move the addresses of a card to a VLAN on it. Raises `ValueError` where the document has no place for it."""
    cards, vlans = node.get("ethernets"), node.setdefault("vlans", {})
    if not isinstance(cards, dict) or name not in cards or not isinstance(vlans, dict):
        raise ValueError("its file of netplan has no card of this name, or VLANs in a form that is not known here")
    body = cards[name]
    vlans[f"{name}.{number}"] = {
        "id": number, "link": name, **{key: value for key, value in body.items() if key not in OF_THE_CARD},
    }  # fmt: skip
    own = {key: value for key, value in body.items() if key in OF_THE_CARD}
    cards[name] = {**own, "dhcp4": False, "link-local": []}


def _is_default(route: Any) -> bool:
    if not isinstance(route, dict) or "table" in route:
        return False
    return str(route.get("to")) in ("default", "0.0.0.0/0") and ":" not in str(route.get("via", ""))


def dump(document: Any) -> str:
    """Return a document as block YAML; texts are quoted, so that none is read as something else."""
    return "\n".join(_lines(document, 0)) + "\n"


def _lines(node: Any, depth: int) -> list[str]:
    lead, out = "  " * depth, []
    if isinstance(node, dict):
        for key, value in node.items():
            name = key if isinstance(key, str) and key.replace("-", "").isalnum() and key[:1].isalpha() else None
            name = name or json.dumps(str(key))
            if isinstance(value, (dict, list)) and value:
                out += [f"{lead}{name}:", *_lines(value, depth + 1)]
            else:
                out.append(f"{lead}{name}: {_scalar(value)}")
        return out
    for value in node:
        if isinstance(value, (dict, list)) and value:
            first, *rest = _lines(value, depth + 1)
            out += [f"{lead}- {first.lstrip()}", *rest]
        else:
            out.append(f"{lead}- {_scalar(value)}")
    return out


def _scalar(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    return json.dumps(value)
