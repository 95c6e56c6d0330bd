"""What the page of the console reads of a site that is open."""

from __future__ import annotations

from edgewright.clients.ssh.network.changing import ENDS as ENDS
from edgewright.clients.ssh.network.changing import new_run as new_run
from edgewright.clients.ssh.network.reading import read_network as read_network
