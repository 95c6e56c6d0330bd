"""The verb of the command line about the API that a host serves itself."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param
from edgewright.commands.site.page_verbs import TARGET


class SiteApiRead(Command):
    """Read the API that a host serves itself (Palette's Local Management API): host, cluster, content, registry.

    Through SSH by default; --direct asks port 5080 from here, and shows its certificate before anything is sent. A user
    of the host's system logs in. Exit code 4: refused, 5: unreachable, 8: timeout.
    """

    name = "site local-api"
    implementation = "site.api.read"
    title = "local API"
    role = "viewer"
    online = False
    console = False
    shows_progress = True
    params = (
        Param("host", TARGET, required=True, metavar="TARGET"),
        Param("direct", "without SSH", flag="--direct", kind="flag"),
        Param("port", "its port (default: 5080)", flag="--port", kind="int", metavar="N"),
        Param("user", "user of the host's system (default: that of SSH)", flag="--user", metavar="NAME"),
        Param("password_file", "file with the password, of mode 0600", flag="--password-file", metavar="FILE"),
    )


COMMANDS: tuple[type[Command], ...] = (SiteApiRead,)
