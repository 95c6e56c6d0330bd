"""A script for every view of the console: each begins on any view and ends on its own, doing something there.

`script.py` has the vocabulary. A view that is added to `tui.navigation.views.VIEWS` needs a script here, in
`GUIDE` or in `REPLAY`; a test fails until it has one.
"""

from __future__ import annotations

PLANE: dict[str, str] = {
    "pulse": """
        1 -> Pulse | FLEET
        j k <enter> <esc> 1 -> Pulse | FLEET
        """,
    "hosts": """
        2 -> Hosts | HOST | kiel-01-02
        H H C <down> <space> <esc> j <space> -> 1 marked
        / <ctrl+u> kiel <enter> -> Hosts › kiel | kiel-01-02 | not berlin-01-02
        """,
    "host": """
        2 / <ctrl+u> kiel-01-02 <enter> -> Hosts › kiel-01-02 | not kiel-01-01
        <enter> -> Hosts › kiel-01-02 › kiel-01-02 | healthy
        v v <pgdn> -> MACHINE | hardware
        """,
    "raw": """
        2 / <ctrl+u> kiel-01-02 <enter> -> Hosts › kiel-01-02 | not kiel-01-01
        y -> metadata:
        / name <enter> n -> Hosts › kiel-01-02 › raw | of
        """,
    "logs": """
        2 / <ctrl+u> kiel-01-02 <enter> -> Hosts › kiel-01-02 | not kiel-01-01
        l => simulated[1]:
        """,
    "disk": """
        2 / <ctrl+u> kiel-01-02 <enter> -> Hosts › kiel-01-02 | not kiel-01-01
        U => Hosts › kiel-01-02 › | LARGEST DIRECTORIES
        """,
    "preflight": """
        2 / <ctrl+u> kiel-01-02 <enter> -> Hosts › kiel-01-02 | not kiel-01-01
        K => preflight of kiel-01-02 | checks:
        """,
    "doctor": """
        : site <space> open <space> 127.0.0.1:1 <enter> => site 127.0.0.1:1 by SSH | Nothing listens at 127.0.0.1:1.
        R => Nothing listens at 127.0.0.1:1.
        """,
    "site-log": """
        : site <space> open <space> 127.0.0.1:1 <enter> => Nothing listens at 127.0.0.1:1.
        l -> Log on 127.0.0.1:1
        <enter> -> log of kernel | There is no connection to 127.0.0.1:1.
        """,
    "site-api": """
        : site <space> open <space> 127.0.0.1:1 <enter> => Nothing listens at 127.0.0.1:1.
        a -> Doctor › Local API
        """,
    "site-network": """
        : site <space> open <space> 127.0.0.1:1 <enter> => Nothing listens at 127.0.0.1:1.
        n -> Doctor › Network
        """,
    "site-files": """
        : site <space> open <space> 127.0.0.1:1 <enter> => Nothing listens at 127.0.0.1:1.
        f -> Doctor › Files | DIRECTORIES OF THE HOST
        <enter> -> There is no connection to 127.0.0.1:1.
        """,
    "site-file": """
        : site <space> open <space> 127.0.0.1:1 <enter> => Nothing listens at 127.0.0.1:1.
        f <end> -> FILES THAT ARE READ MOST
        <enter> -> /oem/grubenv | There is no connection to 127.0.0.1:1.
        """,
    "site-boot": """
        : site <space> open <space> 127.0.0.1:1 <enter> => Nothing listens at 127.0.0.1:1.
        b -> Doctor › Boot | Nothing was read yet.
        """,
    "site-shell": """
        : site <space> open <space> 127.0.0.1:1 <enter> => Nothing listens at 127.0.0.1:1.
        ! => There is no connection: a shell needs one.
        """,
    "sites": """
        : sites <enter> -> Sites | 0 of 8 | No site is open.
        """,
    "site-run": """
        : site <space> run <space> 127.0.0.1:1 <space> -- <space> uptime <enter> -> Run uptime on 1 host over SSH
        <tab> <enter> => Done on 0 of 1 host, failed on 1.
        """,
    "ledger": """
        : ledger <enter> => Ledger
        """,
    "hub-log": """
        : hub <space> log <enter> -> log of the hub | does not run on this machine
        """,
    "tokens": """
        3 -> Tokens | demo | active
        / <ctrl+u> dem <enter> -> Tokens › dem | demo
        """,
    "token": """
        3 / <ctrl+u> dem <enter> -> Tokens › dem | demo
        <enter> -> made for
        """,
    "users": """
        9 -> Users | admin@localhost
        / <ctrl+u> admin <enter> -> Users › admin | active
        """,
    "user": """
        9 <enter> -> Users › admin@localhost | API keys
        """,
    "roles": """
        : role <enter> -> Roles | operator
        """,
    "role": """
        : role <enter> -> Roles | operator
        <enter> -> Roles › admin | PERMISSIONS
        """,
    "keys": """
        : key <enter> -> Keys | No SSH key yet
        """,
    "key": """
        : key <space> list <enter> -> Keys | No SSH key yet
        """,
    "filters": """
        : filters <enter> -> Filters | No tag filter yet
        """,
    "filter": """
        : filter <space> list <enter> -> Filters | No tag filter yet
        """,
    "registries": """
        : registries <enter> -> Registries | Edgewright catalogue
        """,
    "registry": """
        : registry <space> list <enter> -> Registries | Edgewright catalogue
        <enter> -> Registries › | REGISTRY
        """,
    "packs": """
        : packs <enter> -> Packs | cert-manager
        / <ctrl+u> flannel <enter> -> Packs › flannel | not cert-manager
        """,
    "pack": """
        : packs <enter> -> Packs | cert-manager
        <enter> -> Packs › | PACK
        """,
    "profiles": """
        : profiles <enter> -> Profiles | one-node-k3s
        / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        """,
    "profile": """
        : profile <space> list <enter> / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        <enter> -> one-node-k3s:1.0.0 | edge-native-byoi | osImage
        """,
    "profile-layer": """
        : profile <space> list <enter> / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        <enter> -> one-node-k3s:1.0.0 | edge-native-byoi | VARIABLES
        <down> <enter> v -> one-node-k3s:1.0.0 › cni-flannel | VALUES | pack default
        """,
    "profile-variable": """
        : profile <space> list <enter> / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        <enter> -> one-node-k3s:1.0.0 | edge-native-byoi | VARIABLES
        <down> <down> <down> <down> <enter> -> one-node-k3s:1.0.0 › variables | osImage | used in 1 layer
        """,
    "profile-preview": """
        : profile <space> list <enter> / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        v -> one-node-k3s:1.0.0 preview | osImage=example.com
        e -> one-node-k3s:1.0.0 preview | values as they are | 1 value not known
        """,
    "profile-diff": """
        : profile <space> list <enter> / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        = -> one-node-k3s:1.0.0 → 1.1.0 | Nothing differs
        """,
    "profile-yaml": """
        : profile <space> list <enter> / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        y -> one-node-k3s:1.0.0 yaml | cloudType
        """,
    "macros": """
        : macros <enter> -> Macros | No macro
        """,
    "macro": """
        : macro <space> list <enter> -> Macros | No macro
        """,
    "clusters": """
        : clusters <enter> -> Clusters | No cluster
        """,
    "cluster": """
        : cluster <space> list <enter> -> Clusters | No cluster
        """,
    "pods": """
        : clusters <enter> -> Clusters | No cluster
        w -> needs a cluster
        """,
    "deployments": """
        : deploy <enter> -> needs a cluster
        """,
    "statefulsets": """
        : sts <enter> -> needs a cluster
        """,
    "daemonsets": """
        : ds <enter> -> needs a cluster
        """,
    "services": """
        : svc <enter> -> needs a cluster
        """,
    "nodes": """
        : nodes <enter> -> needs a cluster
        """,
    "cluster-events": """
        : cluster-events <enter> -> needs a cluster
        """,
    "machines": """
        : vm <enter> -> needs a cluster
        """,
    "workload": """
        : pods <enter> -> needs a cluster
        """,
    "workload-logs": """
        : pods <enter> -> needs a cluster
        """,
    "workload-yaml": """
        : pods <enter> -> needs a cluster
        """,
    "events": """
        4 -> Events | registered
        / <ctrl+u> kiel-01-02 <enter> -> Events › kiel-01-02 | not kiel-01-03
        """,
    "audit": """
        5 -> Audit | create
        j j k -> Audit | create
        """,
    "entry": """
        5 / <ctrl+u> edgetoken <enter> -> Audit › edgetoken | demo | not kiel
        <enter> -> Registration token
        """,
    "help": """
        2 ? -> HERE: HOSTS
        / columns <enter> n -> :columns
        """,
    "messages": """
        : read-only <enter> : read-only <enter> ! -> Messages | Changes are allowed
        """,
    "installers": """
        6 -> Installers | shop-7
        j k -> Installers | shop-7
        """,
    "installer": """
        6 <enter> -> Installers › shop-7 | shop-7.iso
        """,
    "installer-log": """
        6 <enter> -> Installers › shop-7 | shop-7.iso
        l -> Installers › shop-7 › log
        """,
    "installer-new": """
        6 + -> New installer | PLANE
        <down> <f1> <esc> <esc> <esc> -> New installer | PLANE
        """,
    "cluster-new": """
        : clusters <enter> -> Clusters
        + -> New cluster | ABOUT
        <f1> -> The name is in certificates
        <esc> -> New cluster | ABOUT
        """,
    "profile-new": """
        : profiles <enter> / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        + -> New profile | ABOUT
        <f1> -> A cluster names a profile and a version
        <esc> -> New profile | ABOUT
        """,
    "profile-edit": """
        : profiles <enter> / <ctrl+u> k3s <enter> -> Profiles › k3s | one-node-k3s
        E -> Change one-node-k3s | ABOUT
        <pgdn> -> LAYERS | edge-native-byoi
        """,
    "first-steps": """
        : first-steps <enter> -> First steps
        """,
}

GUIDE: dict[str, str] = {
    "first-run": """
        -> First steps | Start a hub here
        ? -> First steps › Help | EVERYWHERE
        <esc> 2 -> Connect to a plane | API key
        <esc> 3 <esc> <esc> <down> <up> <enter> -> Which address will your sites use | only to try it here
        <esc> 1 -> Which address will your sites use | only to try it here
        """,
}
"""Played on a console without a plane."""

GUIDE_TO_ITS_END = """
    <end> <up> <enter> -> Address that sites use
    127.0.0.1:PORT <enter> => First steps | Registration token | live
    1 -> Pulse | FLEET
    <ctrl+q> -> Leave the console | Stop it
    <down> <enter> -> console ended with 0
    """
"""From the question for the address to a hub that is stopped again."""

REPLAY: dict[str, str] = {
    "replay": """
        -> Replay | FLEET
        <right> <right> <left> <space> <space> -> Replay | FLEET
        """,
}
"""Played on a recording."""
