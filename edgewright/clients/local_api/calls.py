"""The calls of the Local Management API that are used: method, path, what it is about, and the view over the answer.

A test compares them with the description of the API. `SHAPES` names the schema of each view.
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from edgewright.clients.local_api import documents as views
from edgewright.wire.document import Document

D = TypeVar("D", bound=Document)


class Call(NamedTuple, Generic[D]):
    """One call; `what` is its subject in sentences, `query` the parameters that it may have."""

    method: str
    path: str
    what: str
    view: type[D]
    query: tuple[str, ...] = ()


PING: Final = Call("GET", "/v1/ping", "answer", Document)
LOGIN: Final = Call("POST", "/v1/users/default/login", "login", views.Login, ("setCookie", "extendedSession"))
LOGOUT: Final = Call("POST", "/v1/users/default/logout", "logout", Document)

_MGMT, _HOST = "/v1/edge-mgmt", "/v1/edge-mgmt/edgehosts/current"
SETTINGS: Final = Call("GET", f"{_MGMT}/settings", "settings", views.Settings)
HOST: Final = Call("GET", _HOST, "host", views.HostInfo)
CONFIGURATIONS: Final = Call("GET", f"{_HOST}/configurations", "proxy settings", views.Configurations)
CONFIGURED: Final = Call("GET", f"{_HOST}/configurations/status", "state of the settings", views.ConfigurationStatus)
UPLOADED: Final = Call("GET", f"{_HOST}/uploaded-content/details", "uploaded content", views.UploadedContent)
LINKS: Final = Call("GET", f"{_HOST}/link/status", "linked hosts", views.Links)
ERRORS: Final = Call("GET", f"{_HOST}/error-logs", "error log", views.Events, ("logCount",))
FILES: Final = Call("GET", f"{_HOST}/file-download/files", "files", views.StoredFiles)
LOGS_START: Final = Call("POST", f"{_HOST}/generate-logs", "logs", Document)
LOGS_STATUS: Final = Call("GET", f"{_HOST}/generate-logs-status", "logs", views.LogsStatus)
LIFECYCLE: Final = Call("GET", f"{_MGMT}/events/lifecycle", "lifecycle events", views.Lifecycle)
CLUSTER: Final = Call("GET", f"{_MGMT}/cluster/details", "cluster", views.Cluster)
APPLICATIONS: Final = Call("GET", f"{_MGMT}/cluster/applications", "applications", views.Applications)
CERTIFICATES: Final = Call("GET", f"{_MGMT}/cluster/certificates", "certificates", views.Certificates)
EVENTS: Final = Call("GET", f"{_MGMT}/cluster/events", "events", views.Events, ("namespace",))
REGISTRY: Final = Call("GET", f"{_MGMT}/cluster/registry/health", "registry", views.RegistryHealth)
CONTENT: Final = Call(
    "GET", f"{_MGMT}/cluster/registry/content/sync-status/details", "content of the registry", views.ContentSync
)
REACHES: Final = Call(
    "GET", f"{_MGMT}/edgehosts/connectivity/ping", "ping from the host", views.PingResult, ("endpoint",)
)
TRACES: Final = Call(
    "GET", f"{_MGMT}/edgehosts/connectivity/traceroute", "route from the host", views.TraceResult, ("endpoint",)
)

EVERY: Final = (
    PING, LOGIN, LOGOUT, SETTINGS, HOST, CONFIGURATIONS, CONFIGURED, UPLOADED, LINKS, ERRORS, FILES, LOGS_START,
    LOGS_STATUS, LIFECYCLE, CLUSTER, APPLICATIONS, CERTIFICATES, EVENTS, REGISTRY, CONTENT, REACHES, TRACES,
)  # fmt: skip
