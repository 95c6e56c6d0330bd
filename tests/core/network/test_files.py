"""The files that a change writes: what is changed is there, and everything else is as it was."""

from __future__ import annotations

import pytest

from edgewright.clients.ssh.network.reading import parse
from edgewright.core.errors import InvalidInput
from edgewright.core.network import ifupdown, netplan, oem
from edgewright.core.network.change import OEM_FILE, Draft, FileChange
from edgewright.core.network.plan import change_of
from edgewright.core.network.settings import Adapter, HostNetwork, Wanted
from edgewright.core.yaml.subset import load
from tests.clients.ssh.network.samples import NETWORKD

HOST = parse(NETWORKD)
FILE = "/etc/systemd/network/10-host0.network"


def files_of(host: HostNetwork, wanted: Wanted) -> dict[str, str | None]:
    return {each.path: each.text for each in change_of(host, wanted).files}


def with_file(text: str, path: str = FILE) -> HostNetwork:
    adapter = HOST.adapters[0]._replace(file=path)
    return HOST._replace(texts={**HOST.texts, path: text}, adapters=(adapter, *HOST.adapters[1:]))


def test_a_file_for_one_adapter_is_edited_in_place() -> None:
    text = (
        "# ours\n[Match]\nName=host0\n\n[Network]\nAddress=10.66.133.11/24\nAddress=fd00::1/64\nGateway=10.66.133.1\n\n"
    )
    text += "[Route]\nDestination=10.9.0.0/16\nGateway=10.66.133.5\n\n[Route]\nGateway=10.66.133.2\n"
    changed = files_of(with_file(text), Wanted(adapter="host0", address="10.66.133.9/255.255.255.0", mtu=1400))
    assert list(changed) == [FILE]
    assert changed[FILE] == (
        "# ours\n[Match]\nName=host0\n\n[Network]\nAddress=fd00::1/64\nAddress=10.66.133.9/24\nGateway=10.66.133.1\n\n"
        "[Route]\nDestination=10.9.0.0/16\nGateway=10.66.133.5\n\n[Link]\nMTUBytes=1400\n"
    )


def test_a_file_for_several_adapters_stays_and_a_copy_comes_first() -> None:
    path = "/usr/lib/systemd/network/80-all.network"
    text = "[Match]\nName=en* host0\n\n[Network]\nDHCP=yes\nIPv6AcceptRA=no\n"
    host = with_file(text, path)
    host = host._replace(adapters=(host.adapters[0]._replace(method="dhcp"),))
    wanted = Wanted(adapter="host0", method="static", address="10.66.133.9/24", gateway="10.66.133.1")
    changed = files_of(host, wanted)
    assert list(changed) == ["/etc/systemd/network/05-site-host0.network"]
    new = changed["/etc/systemd/network/05-site-host0.network"] or ""
    assert "[Match]\nName=host0\n" in new and "en*" not in new
    assert "DHCP=ipv6\n" in new and "IPv6AcceptRA=no" in new and "Address=10.66.133.9/24\nGateway=10.66.133.1" in new


def test_a_file_that_an_appliance_writes_at_each_start_is_not_the_place_of_a_change() -> None:
    path = "/etc/systemd/network/10-edgewright-host0.network"
    text = "[Match]\nName=host0\n\n[Network]\nAddress=10.66.133.11/24\nGateway=10.66.133.1\n"
    host = with_file(text, path)._replace(oem=True)
    change = change_of(host, Wanted(adapter="host0", mtu=1400))
    assert [each.path for each in change.files] == ["/etc/systemd/network/05-site-host0.network", OEM_FILE]
    assert f"{OEM_FILE} is written when the change is confirmed." in change.notes


def test_dhcp_takes_the_static_settings_away() -> None:
    change = change_of(HOST, Wanted(adapter="host0", method="dhcp"))
    text = change.files[0].text or ""
    assert "Address=" not in text.replace("LinkLocalAddressing=", "") and "Gateway" not in text
    assert "DHCP=ipv4" in text and "not known beforehand" in change.cut


def test_a_vlan_takes_the_addresses() -> None:
    change = change_of(HOST, Wanted(adapter="host0", vlan=100))
    files = {each.path.rpartition("/")[2]: each.text or "" for each in change.files}
    assert files["05-site-host0.100.netdev"] == "[NetDev]\nName=host0.100\nKind=vlan\n\n[VLAN]\nId=100\n"
    assert "Name=host0.100" in files["05-site-host0.100.network"]
    assert "Address=10.66.133.11/24" in files["05-site-host0.100.network"]
    assert "VLAN=host0.100" in files["10-host0.network"] and "10.66.133.11" not in files["10-host0.network"]
    assert change.back == ("ip link delete host0.100",) and "moves to VLAN 100" in change.cut


def test_the_host_name_changes_where_hosts_has_it_too() -> None:
    changed = files_of(HOST, Wanted(name="edge2"))
    assert changed == {"/etc/hostname": "edge2\n", "/etc/hosts": "127.0.0.1 localhost\n10.66.133.11 edge2\n"}


def test_a_proxy_keeps_the_other_lines_and_its_password_is_not_shown() -> None:
    change = change_of(HOST, Wanted(https_proxy="http://10.4.1.1:3128", no_proxy="10.0.0.0/8 .local"))
    text = next(each.text for each in change.files if each.path == "/etc/environment") or ""
    assert text.startswith('PATH="/usr/bin"\n') and 'http_proxy="http://field:hunter2@10.4.1.1:3128"' in text
    assert 'NO_PROXY="10.0.0.0/8,.local"' in text
    assert "hunter2" not in str((change.values, change.after, change.notes, change.cut))
    other = change_of(HOST, Wanted(http_proxy="http://field:other@10.4.1.1:3128"))
    assert other.values[0].new == "http://***@10.4.1.1:3128 (other user or password)"


def test_what_is_set_already_is_no_change() -> None:
    wanted = Wanted(name="edge1", adapter="host0", method="static", address="10.66.133.11/24", gateway="10.66.133.1")
    change = change_of(HOST, wanted)
    assert change.nothing and not change.files and not change.after


def test_a_host_with_oem_writes_the_same_at_each_start() -> None:
    host = HOST._replace(oem=True)
    change = change_of(host, Wanted(name="edge2"))
    file = change.files[-1]
    assert file.path == OEM_FILE and file.mode == 0o600 and (file.text or "").startswith("#cloud-config\n")
    assert oem.files_of(file.text or "")["/etc/hostname"] == ("edge2\n", 0o644)
    document = load(file.text or "")
    assert document["hostname"] == document["stylus"]["site"]["hostName"] == "edge2"
    both = change_of(host._replace(texts={**host.texts, OEM_FILE: file.text or ""}), Wanted(dns=("10.0.0.1",)))
    assert set(oem.files_of(both.files[-1].text or "")) == {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"}
    assert (
        oem.with_changes(file.text or "", [FileChange("/etc/hostname", None), FileChange("/etc/hosts", None)]) is None
    )
    with pytest.raises(InvalidInput, match=r"/oem/99_site_network.yaml of the host is another document"):
        change_of(host._replace(texts={**host.texts, OEM_FILE: "a: 1\n"}), Wanted(name="edge2"))


KEYFILE = """[connection]
id=the shop
type=ethernet
interface-name=eth0

[ipv4]
address1=10.0.0.5/24,10.0.0.1
dns=10.0.0.1;
method=manual
route1=10.9.0.0/16,10.0.0.9

[ipv6]
address1=fd00::5/64
method=manual
"""
SHOP = "/etc/NetworkManager/system-connections/shop.nmconnection"


def managed(text: str = KEYFILE, path: str = SHOP, connection: str = "the shop") -> HostNetwork:
    printed = NETWORKD.decode().replace("host0 2 virtual", "eth0 2 card").replace("host0", "eth0").partition("file 80 ")
    lines = "".join(f"|{line}\n" for line in text.splitlines())
    nm = f"nm eth0:connected:{connection}\nfile {len(text)} {path}\n{lines}\n"
    rest = printed[2].partition("\n\n")[2]
    kept = [line for line in printed[0].splitlines() if not line.startswith("netif")]
    return parse(("\n".join(kept) + "\n" + nm + rest).encode())


def test_a_connection_of_networkmanager_is_edited_and_brought_up() -> None:
    host = managed()
    assert (host.adapters[0].manager, host.adapters[0].method, host.adapters[0].locked) == (
        "NetworkManager", "static", "",
    )  # fmt: skip
    change = change_of(host, Wanted(adapter="eth0", address="10.66.133.9/24", mtu=1400))
    assert [(each.path, each.mode) for each in change.files] == [(SHOP, 0o600)]
    text = change.files[0].text or ""
    assert "dns=10.0.0.1;\nmethod" not in text and "dns=10.0.0.1;" in text and "route1=10.9.0.0/16,10.0.0.9" in text
    assert "address1=10.66.133.9/24,10.66.133.1\n" in text and "10.0.0.5" not in text
    assert "[ipv6]\naddress1=fd00::5/64\nmethod=manual\n" in text and "[ethernet]\nmtu=1400\n" in text
    up = "nmcli --wait 45 connection up id 'the shop'"
    assert change.after == ("nmcli connection reload", f"nmcli device reapply eth0 || {up}")  # keeps routes' metric
    assert change.back == ("ip link set dev eth0 mtu 1500",)
    change = change_of(host, Wanted(adapter="eth0", method="dhcp"))
    assert change.after[-1] == up  # which waits for DHCP
    text = change.files[0].text or ""
    assert "method=auto" in text and "address1=10" not in text


@pytest.mark.parametrize(
    ("host", "why"),
    [
        (managed(connection="none"), "made the connection of eth0 (none) by itself, there is no file of it"),
        (managed(connection=""), "has no connection on eth0 now"),
        (managed(connection="a$(id)"), "has no plain name"),
        (managed(path=f"/run{SHOP.removeprefix('/etc')}"), "is made again at each start"),
        (managed(KEYFILE.replace("interface-name=eth0\n", "")), "is not for eth0 alone"),
        (managed(KEYFILE.replace("type=ethernet", "type=bond")), "is not a plain wired one"),
        (managed(KEYFILE.replace("type=ethernet", "type=ethernet\nmaster=bond0")), "is a part of a bond or bridge"),
    ],
)
def test_what_networkmanager_has_that_is_not_changed_here_says_why(host: HostNetwork, why: str) -> None:
    assert why in next((each.locked for each in host.adapters), "no adapter"), host.adapters
    with pytest.raises(InvalidInput):
        change_of(host, Wanted(adapter="eth0", mtu=1400))


def test_a_virtual_adapter_of_networkmanager_is_shown_and_one_of_a_container_runtime_is_not() -> None:
    kept = "".join(f"{line}\n" for line in NETWORKD.decode().splitlines() if not line.startswith("netif"))
    nm = "nm host0:connected:the shop\nnm cni0:connected (externally):cni0\nnm lo:connected (externally):lo\n"
    host = parse((nm + kept).encode())
    assert [(each.name, each.manager) for each in host.adapters] == [("host0", "NetworkManager")]


INTERFACES = """# by hand
auto lo eth0
iface lo inet loopback

iface eth0 inet static
    address 10.0.0.5
    netmask 255.255.255.0
    gateway 10.0.0.1
    dns-nameservers 10.0.0.1
    up ip route add 10.9.0.0/16 via 10.0.0.9
iface eth0 inet6 auto
"""


def test_a_stanza_of_ifupdown() -> None:
    adapter = Adapter("eth0", method="static", addresses=("10.0.0.5/24",), gateway="10.0.0.1", manager="ifupdown",
                      file=ifupdown.FILE)  # fmt: skip
    draft = Draft({ifupdown.FILE: INTERFACES})
    ifupdown.edit(draft, adapter, Wanted(adapter="eth0", address="10.0.0.6/25", mtu=1400), {})
    assert draft.files[0].text == INTERFACES.replace(
        "    address 10.0.0.5\n    netmask 255.255.255.0\n", "    address 10.0.0.6\n    netmask 255.255.255.128\n"
    ).replace("via 10.0.0.9\n", "via 10.0.0.9\n    mtu 1400\n")
    draft = Draft({ifupdown.FILE: INTERFACES})
    ifupdown.edit(draft, adapter, Wanted(adapter="eth0", method="dhcp"), {})
    text = draft.files[0].text or ""
    assert "iface eth0 inet dhcp\n    dns-nameservers" in text and "10.0.0.5" not in text and "inet6 auto" in text
    with pytest.raises(ValueError, match="2 IPv4 stanzas"):
        ifupdown.edit(Draft({ifupdown.FILE: INTERFACES * 2}), adapter, Wanted(adapter="eth0", mtu=1400), {})


def test_a_stanza_without_an_address_stays_one() -> None:
    text = "auto eth1\niface eth1 inet manual\n    up true\n"
    adapter = Adapter("eth1", method="none", manager="ifupdown", file=ifupdown.FILE)
    draft = Draft({ifupdown.FILE: text})
    ifupdown.edit(draft, adapter, Wanted(adapter="eth1", mtu=1400), {})
    assert draft.files[0].text == f"{text}    up ip link set dev eth1 mtu 1400\n"


NETPLAN = """network:
  version: 2
  renderer: networkd
  ethernets:
    eth0:
      addresses:
        - 10.0.0.5/24
        - "fd00::5/64"
      routes:
        - to: default
          via: 10.0.0.1
        - to: 10.9.0.0/16
          via: 10.0.0.9
      nameservers:
        addresses: [10.0.0.1]
    eth1: {dhcp4: true, macaddress: "52:54:00:12:34:56"}
"""


def test_an_entry_of_netplan() -> None:
    path = "/etc/netplan/50-cloud-init.yaml"
    adapter = Adapter("eth0", method="static", addresses=("10.0.0.5/24",), gateway="10.0.0.1", manager="netplan",
                      file=path)  # fmt: skip
    draft = Draft({path: NETPLAN})
    netplan.edit(draft, adapter, Wanted(adapter="eth0", address="10.0.0.6/24", gateway="10.0.0.2", mtu=1400), {})
    document = netplan.read(draft.files[0].text or "")
    body = netplan.stanza(document, "eth0")
    assert body == {
        "dhcp4": False, "addresses": ["10.0.0.6/24", "fd00::5/64"], "mtu": 1400,
        "routes": [{"to": "10.9.0.0/16", "via": "10.0.0.9"}, {"to": "default", "via": "10.0.0.2"}],
        "nameservers": {"addresses": ["10.0.0.1"]},
    }  # fmt: skip
    assert netplan.stanza(document, "eth1") == {"dhcp4": True, "macaddress": "52:54:00:12:34:56"}
    assert document["network"]["version"] == 2 and "netplan apply" in draft.after and draft.boot == ["netplan generate"]


def test_a_vlan_of_netplan_takes_the_addresses_and_is_named_by_its_file() -> None:
    text = (
        "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [10.0.0.5/24]\n      mtu: 1400\n"
        "      nameservers: {addresses: [10.0.0.1]}\n  vlans:\n    eth0.30: {id: 30, link: eth0, dhcp4: true}\n"
    )
    path = "/etc/netplan/50-shop.yaml"
    adapter = Adapter("eth0", method="static", addresses=("10.0.0.5/24",), manager="netplan", file=path)
    draft = Draft({path: text})
    netplan.edit(draft, adapter, Wanted(adapter="eth0", vlan=100, gateway="10.0.0.1"), {})
    node = netplan.read(draft.files[0].text or "")["network"]
    assert node["ethernets"] == {"eth0": {"mtu": 1400, "dhcp4": False, "link-local": []}}
    assert node["vlans"] == {
        "eth0.30": {"id": 30, "link": "eth0", "dhcp4": True},
        "eth0.100": {
            "id": 100, "link": "eth0", "nameservers": {"addresses": ["10.0.0.1"]}, "dhcp4": False,
            "addresses": ["10.0.0.5/24"], "routes": [{"to": "default", "via": "10.0.0.1"}],
        },
    }  # fmt: skip
    assert draft.back == ["ip link delete eth0.100"] and "/sys/class/net/eth0.100" in draft.after[-1]
    vlan = adapter._replace(name="eth0.30", method="dhcp")
    draft = Draft({path: text})
    netplan.edit(draft, vlan, Wanted(adapter="eth0.30", method="static", address="10.0.3.5/24"), {})
    assert netplan.read(draft.files[0].text or "")["network"]["vlans"]["eth0.30"] == {
        "id": 30, "link": "eth0", "dhcp4": False, "addresses": ["10.0.3.5/24"],
    }  # fmt: skip
    with pytest.raises(ValueError, match="has no card of this name"):
        netplan.edit(Draft({path: text}), vlan, Wanted(adapter="eth0.30", vlan=7), {})


def test_a_vlan_of_ifupdown_takes_the_lines() -> None:
    adapter = Adapter("eth0", method="static", addresses=("10.0.0.5/24",), gateway="10.0.0.1", manager="ifupdown",
                      file=ifupdown.FILE)  # fmt: skip
    draft = Draft({ifupdown.FILE: INTERFACES})
    ifupdown.edit(draft, adapter, Wanted(adapter="eth0", vlan=100), {})
    lines = INTERFACES.replace(
        "iface eth0 inet static", "iface eth0 inet manual\n\nauto eth0.100\niface eth0.100 inet static"
    )
    assert draft.files[0].text == lines
    assert draft.before[0] == "ifdown eth0.100" and draft.after[2:4] == ["ifup eth0.100", "ip link show dev eth0.100"]
    note, card = draft.before[1:]  # the VLANs that are on the card before it goes down come up again, last
    assert "/sys/class/net/*/lower_eth0;" in note and card.startswith("ifdown eth0 ") and "ifup " in draft.after[4]
    draft = Draft({ifupdown.FILE: INTERFACES.replace("via 10.0.0.9", "dev eth0")})
    with pytest.raises(ValueError, match="lines of it name eth0"):
        ifupdown.edit(draft, adapter, Wanted(adapter="eth0", vlan=100), {})
