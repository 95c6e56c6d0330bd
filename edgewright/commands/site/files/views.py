"""What the console shows of the files of a site: the places, a directory, a part of a file without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.clients.ssh.files.host_files import View as View
from edgewright.clients.ssh.files.listing import Entry as Entry
from edgewright.clients.ssh.files.listing import Listing as Listing
from edgewright.clients.ssh.files.places import KNOWN as KNOWN
from edgewright.clients.ssh.files.places import PLACES as PLACES
from edgewright.clients.ssh.files.places import FilePath as FilePath
from edgewright.clients.ssh.files.places import file_path as file_path
from edgewright.clients.ssh.files.places import inside as inside
from edgewright.commands.site.files.reach import read

if TYPE_CHECKING:
    from edgewright.commands.site.opened import Site

FROM_THE_END = ("/var/log", "/run/immucore")
"""Places of logs: what is new is at the end."""


async def folder(site: Site, path: str) -> Listing:
    """Return a directory of the host of a site. Raises `EdgewrightError`."""
    return await read(site, lambda files: files.folder(path))


async def view(site: Site, path: str) -> View:
    """Return the first bytes of a file, of a log the last ones, without secrets. Raises `EdgewrightError`."""
    end = file_path(path).place.path in FROM_THE_END
    return await read(site, lambda files: files.view(path, end=end))
