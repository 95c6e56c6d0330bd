"""The keys of `stylus`: what Palette's agent, and ours, read.

Source: the installer reference of Palette (names, types, defaults), its older table for what is marked as old, and
CanvOS's template for `twoNode`.
"""

from __future__ import annotations

from typing import Tuple

from edgewright.core.cloudconfig.schema.model import FLAG, INT, MAP, MAPS, TABLE, TEXT, TEXT_OR_TEXTS, TEXTS, Key

_UID_RULE = "At most 128 characters, printable, none of / ? # & + % , $ ~ ! @ * ( ) { } | = ; : < > ' . ^ \"."
_UID_FIXED = "the plane knows a host by its UID: with another one it registers as another host"
_PORT = "A port, 1 to 65535."

STYLUS: Tuple[Key, ...] = (
    Key("stylus", MAP, "What the agent on the host does and which plane it belongs to."),
    Key("stylus.debug", FLAG, "Write more into the agent's log.", False),
    Key("stylus.trace", FLAG, "Write everything into the agent's log.", False),
    Key("stylus.disablePasswordUpdate", FLAG, "Take the change of passwords out of the Local UI.", False),
    Key(
        *(
            "stylus.disableTui",
            FLAG,
            "Make the first-boot screens show only, so that settings cannot be changed there.",
        ),
        default=False,
        fixed="it is read at the installation alone",
    ),
    Key(
        *("stylus.includeTui", FLAG, "Whether the first-boot screens are there; they always are."),
        default=False,
        old="The first-boot screens are always there; take includeTui out, and set disableTui to lock them.",
    ),
    Key("stylus.enableMultiNode", FLAG, "Let hosts in local mode be linked into one cluster.", False),
    Key(
        *("stylus.featureGate", TEXT, "Features to turn on, parted by commas."),
        default="",
        rule="Known ones: UserDataForm, DisableWorkerNodeCapReconcile.",
    ),
    Key(
        *("stylus.managementMode", TEXT, "Who manages the host: the plane (central), or the host's own UI (local)."),
        default="central",
        choices=("central", "local"),
        fixed="a host that went from local to central cannot go back",
    ),
    Key(
        *("stylus.installationMode", TEXT, "The older name of managementMode."),
        default="connected",
        choices=("connected", "airgap"),
        old="Write managementMode: central for connected, managementMode: local for airgap.",
    ),
    Key(
        *("stylus.path", TEXT, "Folder under which the agent stores its files; /opt/spectrocloud is added."),
        default="/",
        rule="An absolute path; another one than / has known bugs.",
        fixed="the agent does not move its files",
    ),
    Key("stylus.localUI", MAP, "The web UI that the host serves itself."),
    Key("stylus.localUI.port", INT, "Its port.", 5080, _PORT, low=1, high=65535),
    Key("stylus.localUI.login", MAP, "What happens after wrong passwords."),
    Key("stylus.localUI.login.disableRateLimiting", FLAG, "Never make anybody wait.", False),
    Key(
        *("stylus.localUI.login.attemptsBeforeExponentialDelayStarts", INT, "Wrong passwords until waiting begins."),
        default=3,
        low=1,
    ),
    Key(
        *("stylus.localUI.login.maxFailedAttemptsBeforeLockout", INT, "Wrong passwords until the user is locked out."),
        default=5,
        low=1,
    ),
    Key("stylus.localUI.login.lockoutDurationInMinutes", INT, "How long a lockout lasts, in minutes.", 15, low=1),
    Key("stylus.emcServer", MAP, "The older name of localUI.", old="Write localUI instead of emcServer."),
    Key(
        *("stylus.emcServer.port", INT, "The older name of localUI.port."),
        default=5080,
        low=1,
        high=65535,
        old="Write stylus.localUI.port instead.",
    ),
    Key("stylus.vip", MAP, "The virtual address of a cluster's control plane."),
    Key("stylus.vip.skip", FLAG, "Leave kube-vip out: a load balancer of yours has the address.", False),
    Key("stylus.imageRedirectWebhook", MAP, "The webhook that sends pods to other registries."),
    Key("stylus.imageRedirectWebhook.enable", FLAG, "Whether it runs.", True),
    Key("stylus.imageRedirectWebhook.port", INT, "Its port; 0 lets it choose.", 0, low=0, high=65535),
    Key("stylus.imageOverride", TEXT, "Another installer image than the one built in.", rule="An image reference."),
    Key("stylus.skipStylusUpgrade", FLAG, "Do not let the plane upgrade the agent (seen in use, not documented)."),
    Key("stylus.registryCredentials", MAP, "One registry for all images."),
    Key("stylus.registryCredentials.domain", TEXT, "Its host, with port and path if need be.", rule="No scheme."),
    Key("stylus.registryCredentials.username", TEXT, "User name; basic authentication is all that is known."),
    Key("stylus.registryCredentials.password", TEXT, "Password.", secret=True),
    Key("stylus.registryCredentials.encodedPassword", FLAG, "Whether the password is written in base64.", False),
    Key("stylus.registryCredentials.insecure", FLAG, "Take plain HTTP or any certificate.", False),
    Key("stylus.externalRegistries", MAP, "Several registries, and which images come from which."),
    Key("stylus.externalRegistries.registries", MAPS, "The registries."),
    Key("stylus.externalRegistries.registries[].domain", TEXT, "Its host, with port.", rule="No scheme."),
    Key("stylus.externalRegistries.registries[].username", TEXT, "User name."),
    Key("stylus.externalRegistries.registries[].password", TEXT, "Password.", secret=True),
    Key("stylus.externalRegistries.registries[].repositoryName", TEXT, "Path in front of the images' names."),
    Key("stylus.externalRegistries.registries[].certificates", TEXTS, "Its authorities.", rule="Certificates in PEM."),
    Key("stylus.externalRegistries.registries[].insecure", FLAG, "Take plain HTTP or any certificate.", False),
    Key("stylus.externalRegistries.registries[].encodedPassword", FLAG, "The password is written in base64.", False),
    Key(
        *(
            "stylus.externalRegistries.registryMappingRules",
            TABLE,
            "Beginning of an image's name, to its replacement.",
        ),
        rule='A map "from": "to"; only the part that matches is replaced.',
    ),
    Key("stylus.site", MAP, "The plane, and who this host is."),
    Key(
        *("stylus.site.paletteEndpoint", TEXT, "Address of the plane that the host registers with."),
        default="",
        rule="A host name or an https URL that the host can reach; never loopback.",
        example="https://plane.example.com",
    ),
    Key("stylus.site.edgeHostToken", TEXT, "The registration token.", "", secret=True),
    Key("stylus.site.disableAutoRegister", FLAG, "Wait until the host is pre-registered by its UID.", False),
    Key("stylus.site.registrationURL", TEXT, "Web page that the QR code on the console leads to.", ""),
    Key(
        *("stylus.site.projectName", TEXT, "Project to come into, by name; wins over the token's default project."),
        default="",
        rule="Not together with projectUid.",
    ),
    Key(
        *("stylus.site.projectUid", TEXT, "Project to come into, by uid; wins over the token's default project."),
        default="",
        rule="Not together with projectName.",
    ),
    Key(
        *("stylus.site.name", TEXT, "The host's UID; $random makes one up."),
        default="",
        rule=_UID_RULE,
        fixed=_UID_FIXED,
        example="edge-berlin-01",
    ),
    Key(
        *("stylus.site.hostName", TEXT, "Name of the operating system and of the Kubernetes node; else the UID."),
        default="",
        rule="At most 253 characters; labels of at most 63: a-z, 0-9 and '-', a letter or digit at both ends.",
        fixed="a node does not change its name inside a cluster",
    ),
    Key(
        *("stylus.site.prefix", TEXT, "Beginning of a UID that is made up."),
        default="edge",
        rule="Letters, digits and '-'.",
        fixed=_UID_FIXED,
    ),
    Key("stylus.site.deviceUIDPaths", MAPS, "Files that identify the device.", "/sys/class/dmi/id/product_uuid"),
    Key("stylus.site.deviceUIDPaths[].name", TEXT, "Path of the file.", rule="An absolute path."),
    Key("stylus.site.deviceUIDPaths[].regex", TEXT, "What to take out of the file.", rule="An expression of RE2."),
    Key(
        *("stylus.site.tags", TABLE, "Tags that the host registers with; later they are changed at the plane."),
        rule="At most 256 characters for a name, 1024 for a value.",
    ),
    Key("stylus.site.tagsFromFile", MAP, "Tags out of a file on the host."),
    Key("stylus.site.tagsFromFile.fileName", TEXT, "Path of the file.", "", "An absolute path."),
    Key("stylus.site.tagsFromFile.delimiter", TEXT, "What parts two tags.", "\n"),
    Key("stylus.site.tagsFromFile.separator", TEXT, "What parts name and value.", ":"),
    Key("stylus.site.tagsFromScript", MAP, "Tags out of a script that prints a JSON object."),
    Key("stylus.site.tagsFromScript.scriptName", TEXT, "Path of the script.", "", "An absolute path; executable."),
    Key("stylus.site.tagsFromScript.timeout", INT, "Seconds that it may run.", 60, low=1, high=3600),
    Key(
        "stylus.site.caCerts", TEXTS, "Authorities that the plane's certificate comes from.", rule="PEM, or its base64."
    ),
    Key("stylus.site.insecureSkipVerify", FLAG, "Believe any certificate of the plane.", False),
    Key("stylus.site.clusterId", TEXT, "Cluster to join, by uid.", ""),
    Key("stylus.site.clusterName", TEXT, "Cluster to join, by name.", ""),
    Key(
        *("stylus.site.ntpServers", TEXT_OR_TEXTS, "Time servers; a cluster's own setting overwrites them later."),
        default="",
        rule="Host names or addresses.",
    ),
    Key("stylus.site.remoteShell", MAP, "The shell that the plane can open on the host."),
    Key(
        *("stylus.site.remoteShell.disable", FLAG, "Never let the plane open a shell."),
        default=False,
        fixed="it must be set before the host registers",
    ),
    Key("stylus.site.users", MAPS, "Users of the operating system."),
    Key("stylus.site.users[].name", TEXT, "Name.", rule="a-z, 0-9, _ and -, at most 31."),
    Key("stylus.site.users[].groups", TEXTS, "Groups; admin lets become root, sudo where the user has a password."),
    Key("stylus.site.users[].passwd", TEXT, "Password, best as a crypt(3) hash.", secret=True),
    Key("stylus.site.users[].passwordExpiry", TEXT, "Last day of the password.", rule="A date: YYYY-MM-DD."),
    Key("stylus.site.users[].lock_passwd", FLAG, "Disable login by password.", False),
    Key("stylus.site.users[].ssh_authorized_keys", TEXTS, "SSH keys that open the account."),
    Key("stylus.site.network", MAP, "Addresses and proxies of the host."),
    Key("stylus.site.network.httpProxy", TEXT, "Proxy for http.", "", "An URL: http://host:port."),
    Key("stylus.site.network.httpsProxy", TEXT, "Proxy for https.", "", "An URL: http://host:port."),
    Key("stylus.site.network.noProxy", TEXT, "What is reached without the proxy.", "", "Parted by commas."),
    Key("stylus.site.network.nameserver", TEXT, "Name server for all interfaces.", "", "An address, or several."),
    Key(
        *("stylus.site.network.interfaces", MAP, "Each interface by its name, as `ip link` shows it."),
        fixed="interface and address of a host in a cluster stay as they are",
    ),
    Key("stylus.site.network.interfaces.*", MAP, "One interface."),
    Key(
        *("stylus.site.network.interfaces.*.type", TEXT, "Where its address comes from."),
        default="dhcp",
        choices=("dhcp", "static"),
    ),
    Key(
        *("stylus.site.network.interfaces.*.ipAddress", TEXT, "Its address, with or without a prefix length."),
        default="",
        rule="A host's address inside its subnet.",
        example="192.168.1.10/24",
    ),
    Key("stylus.site.network.interfaces.*.mask", TEXT, "Its subnet mask.", "", "A mask, or a prefix length."),
    Key("stylus.site.network.interfaces.*.gateway", TEXT, "Its gateway.", "", "Inside the subnet of the address."),
    Key("stylus.site.network.interfaces.*.nameserver", TEXT, "Its name server.", "", "An address, or several."),
    Key("stylus.site.edgewright", MAP, "Settings of Edgewright's agent; Palette's agent ignores them."),
    Key("stylus.site.edgewright.metered", FLAG, "Bytes cost money: a heartbeat every 15 minutes.", False),
    Key(
        *("stylus.site.edgewright.heartbeat", TEXT, "Time between two heartbeats.", ""),
        rule="10s to 1h; empty: the plane's, 15m on a metered link.",
        example="5m",
    ),
    Key(
        *("stylus.site.edgewright.silenceLimit", TEXT, "Time without a heartbeat after which it is unhealthy.", ""),
        rule="30s to 1d, three heartbeats at least; empty: the plane's.",
        example="1h",
    ),
    Key(
        *("stylus.site.edgewright.budgetMB", INT, "Megabytes a month; once used, as metered.", 0),
        rule="From 0 to 1000000.",
        low=0,
        high=1_000_000,
    ),
    Key("stylus.site.twoNode", MAP, "Two hosts that make a highly available cluster.", fixed="two-node is for good"),
    Key("stylus.site.twoNode.enabled", FLAG, "Whether it is one of the two.", False),
    Key("stylus.site.twoNode.health-check-script", TEXT, "Script that judges the other one.", ""),
)
"""In the order in which a starting file writes them."""
