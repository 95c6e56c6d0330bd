"""Names and limits that the plane, the agent and the clients must spell alike: paths, headers, codes, kinds.

Standard library only, Python 3.9. The rules behind the names are in `docs/protocol.md`, numbered P1 to Pn; Palette's
own paths come from its public API description 4.8.
"""

from __future__ import annotations

from typing import Tuple
from urllib.parse import quote

API_VERSION = 1
"""Version of the extension part of the protocol (`/edgewright/v1`)."""
PREFIX = "/edgewright/v1"
"""Everything that Palette has no public path for lives below this prefix."""
EXTENSION = "edgewright"
"""The one key under metadata, spec or status that contains our own properties of a document."""

# --- Palette's paths -------------------------------------------------------------------------------------------
AUTHENTICATE = "/v1/auth/authenticate"
REFRESH = "/v1/auth/refresh/{token}"
API_KEYS = "/v1/apiKeys"
API_KEY = "/v1/apiKeys/{uid}"
API_KEY_STATE = "/v1/apiKeys/{uid}/state"
USERS_INFO = "/v1/users/info"
USERS_ME = "/v1/users/me"
USERS = "/v1/users"
USER = "/v1/users/{uid}"
USERS_META = "/v1/users/meta"
USERS_SUMMARY = "/v1/users/summary"
USER_PASSWORD_RESET = "/v1/users/{uid}/password/reset"  # noqa: S105 - a path
USER_ROLES = "/v1/users/{uid}/roles"
USER_PROJECTS = "/v1/users/{uid}/projects"
USER_RESOURCE_ROLES = "/v1/users/{uid}/resourceRoles"
USER_WORKSPACE_ROLES = "/v1/workspaces/users/{userUid}/roles"
SSH_KEYS = "/v1/users/assets/sshkeys"
SSH_KEY = "/v1/users/assets/sshkeys/{uid}"
ROLES = "/v1/roles"
ROLE = "/v1/roles/{uid}"
FILTERS = "/v1/filters"
FILTERS_METADATA = "/v1/filters/metadata"
TAG_FILTERS = "/v1/filters/tag"
TAG_FILTER = "/v1/filters/tag/{uid}"
REGISTRIES_METADATA = "/v1/registries/metadata"
HELM_REGISTRIES = "/v1/registries/helm"
HELM_REGISTRIES_SUMMARY = "/v1/registries/helm/summary"
HELM_REGISTRIES_VALIDATE = "/v1/registries/helm/validate"
HELM_REGISTRY = "/v1/registries/helm/{uid}"
HELM_REGISTRY_SYNC = "/v1/registries/helm/{uid}/sync"
HELM_REGISTRY_STATUS = "/v1/registries/helm/{uid}/sync/status"
OCI_REGISTRIES = "/v1/registries/oci/basic"
OCI_REGISTRIES_SUMMARY = "/v1/registries/oci/summary"
OCI_REGISTRIES_VALIDATE = "/v1/registries/oci/basic/validate"
OCI_REGISTRY_SHORT = "/v1/registries/oci/{uid}"
OCI_REGISTRY = "/v1/registries/oci/{uid}/basic"
OCI_REGISTRY_SYNC = "/v1/registries/oci/{uid}/basic/sync"
OCI_REGISTRY_STATUS = "/v1/registries/oci/{uid}/basic/sync/status"
PACK_REGISTRIES = "/v1/registries/pack"
PACK_REGISTRIES_SUMMARY = "/v1/registries/pack/summary"
PACK_REGISTRY = "/v1/registries/pack/{uid}"
PACK_REGISTRY_STATUS = "/v1/registries/pack/{uid}/sync/status"
PALETTE_REGISTRY = "/v1/registries/{uid}"
PACKS = "/v1/packs"
PACKS_SEARCH = "/v1/packs/search"
PACK_VERSIONS = "/v1/packs/{packName}/registries/{registryUid}"
PACK = "/v1/packs/{uid}"
PACK_README = "/v1/packs/{uid}/readme"
PROJECTS = "/v1/projects"
PROJECT = "/v1/projects/{uid}"
PROFILES = "/v1/clusterprofiles"
PROFILES_BULK = "/v1/clusterprofiles/bulk"
PROFILES_IMPORT = "/v1/clusterprofiles/import"
PROFILES_IMPORT_FILE = "/v1/clusterprofiles/import/file"
PROFILES_IMPORT_VALIDATE = "/v1/clusterprofiles/import/validate"
PROFILES_MACROS = "/v1/clusterprofiles/macros"
PROFILES_VALIDATE_NAME = "/v1/clusterprofiles/validate/name"
PROFILES_VALIDATE_PACKS = "/v1/clusterprofiles/validate/packs"
PROFILE = "/v1/clusterprofiles/{uid}"
PROFILE_CLONE = "/v1/clusterprofiles/{uid}/clone"
PROFILE_CLONE_VALIDATE = "/v1/clusterprofiles/{uid}/clone/validate"
PROFILE_EXPORT = "/v1/clusterprofiles/{uid}/export"
PROFILE_METADATA = "/v1/clusterprofiles/{uid}/metadata"
PROFILE_PACKS = "/v1/clusterprofiles/{uid}/packs"
PROFILE_ALL_MANIFESTS = "/v1/clusterprofiles/{uid}/packs/manifests"
PROFILE_PACK = "/v1/clusterprofiles/{uid}/packs/{packName}"
PROFILE_PACK_CONFIG = "/v1/clusterprofiles/{uid}/packs/{packName}/config"
PROFILE_PACK_REFS = "/v1/clusterprofiles/{uid}/packRefs"
PROFILE_DEFINITION = "/v1/clusterprofiles/{uid}/spc/download"
PROFILE_MANIFESTS = "/v1/clusterprofiles/{uid}/packs/{packName}/manifests"
PROFILE_MANIFEST = "/v1/clusterprofiles/{uid}/packs/{packName}/manifests/{manifestUid}"
PROFILE_PUBLISH = "/v1/clusterprofiles/{uid}/publish"
PROFILE_VALIDATE_PACKS = "/v1/clusterprofiles/{uid}/validate/packs"
PROFILE_VARIABLES = "/v1/clusterprofiles/{uid}/variables"
PROFILES_SEARCH = "/v1/dashboard/clusterprofiles"
PROFILES_NAMES = "/v1/dashboard/clusterprofiles/metadata"
PROFILE_SUMMARY = "/v1/dashboard/clusterprofiles/{uid}"
PROJECT_MACROS = "/v1/projects/{uid}/macros"
TENANT_MACROS = "/v1/tenants/{tenantUid}/macros"
PROJECTS_METADATA = "/v1/dashboard/projects/metadata"
PROJECTS_SUMMARY = "/v1/dashboard/projects"
HOSTS_SEARCH = "/v1/dashboard/edgehosts/search"
HOSTS_SEARCH_SCHEMA = "/v1/dashboard/edgehosts/search/schema"
APPLIANCES_METADATA = "/v1/dashboard/appliances/metadata"
HOSTS = "/v1/edgehosts"
HOSTS_METADATA = "/v1/edgehosts/metadata"
HOSTS_TAGS = "/v1/edgehosts/tags"
HOST_REGISTER = "/v1/edgehosts/register"
HOST = "/v1/edgehosts/{uid}"
HOST_CONFIG = "/v1/edgehosts/{uid}/config"
HOST_HEALTH = "/v1/edgehosts/{uid}/health"
HOST_CHECKSUM = "/v1/edgehosts/{uid}/hostCheckSum"
HOST_PAIRING_KEY = "/v1/edgehosts/{uid}/hostPairingKey"
HOST_META = "/v1/edgehosts/{uid}/meta"
HOST_RESET = "/v1/edgehosts/{uid}/reset"
HOST_TUNNEL_CONFIG = "/v1/edgehosts/{uid}/tunnelConfig"
HOST_TUNNEL_STATUS = "/v1/edgehosts/{uid}/tunnelStatus"
TOKENS = "/v1/edgehosts/tokens"
TOKEN = "/v1/edgehosts/tokens/{uid}"  # noqa: S105 - a path
TOKEN_STATE = "/v1/edgehosts/tokens/{uid}/state"  # noqa: S105 - a path
EVENTS = "/v1/events/components"
EVENTS_BULK = "/v1/events/components/bulk"
EVENTS_OF = "/v1/events/components/{objectKind}/{objectUid}"
AUDITS = "/v1/audits"
AUDIT = "/v1/audits/{uid}"

# --- our own paths ---------------------------------------------------------------------------------------------
FEATURES = PREFIX + "/features"
CHANGES = PREFIX + "/changes"
HUB_STATUS = PREFIX + "/status"
OPENAPI = PREFIX + "/openapi.json"
HEALTH_PING = "/v1/health/ping"
"""Answers whoever asks, without a credential; Palette has it too."""
ALERTS = PREFIX + "/alerts"
ACTIVATIONS = PREFIX + "/activations"
HANDLING = PREFIX + "/handling"
HANDLING_ITEM = PREFIX + "/handling/{key}"
RECEIVERS = PREFIX + "/receivers"
RECEIVER = PREFIX + "/receivers/{uid}"
RECEIVER_TEST = PREFIX + "/receivers/{uid}/test"
HEARTBEAT_SHORT = "/ew/b"
"""The short form of a heartbeat (P75): the one path outside of `PREFIX`, since it is sent 43,200 times a month."""
BLOBS = PREFIX + "/blobs"
BLOB = PREFIX + "/blobs/{digest}"
REGISTRIES = PREFIX + "/registries"
REGISTRY = PREFIX + "/registries/{uid}"
OWN_MACROS = PREFIX + "/macros"
OWN_PROFILES = PREFIX + "/profiles"
OWN_PROFILES_APPLY = PREFIX + "/profiles/apply"
OWN_PROFILE_IMAGES = PREFIX + "/profiles/{uid}/images"
OWN_PACKS = PREFIX + "/packs"
OWN_PACK = PREFIX + "/packs/{uid}"
PACK_CONTENT = PREFIX + "/packs/{uid}/content"
BLOB_PIECE = 1024 * 1024
"""Bytes of each piece of a blob but the last one, when it is sent and as it is stored."""
MAX_BLOB = 32 * 1024 * 1024
FETCH_SECONDS = 150.0
"""How long a client waits where the plane fetches from a registry: one fetch ends after 120 s at most."""
OPERATIONS_ALL = PREFIX + "/operations"
OPERATIONS = PREFIX + "/hosts/{uid}/operations"
OPERATION = PREFIX + "/hosts/{uid}/operations/{operationId}"
OPERATION_RESULT = PREFIX + "/hosts/{uid}/operations/{operationId}/result"
INTENTS = PREFIX + "/hosts/{uid}/intents"
LOGS = PREFIX + "/hosts/{uid}/logs"
HOST_WAKE = PREFIX + "/hosts/{uid}/wake"

# --- headers (names are matched without case) ------------------------------------------------------------------
H_API_KEY = "ApiKey"
H_AUTHORIZATION = "Authorization"
H_PROJECT = "ProjectUid"
H_AUDIT = "AuditUid"
H_AGENT = "Edgewright-Agent"
H_GENERATION = "Edgewright-Generation"
H_INTERVAL = "Edgewright-Interval"
H_LINEAGE = "Edgewright-Lineage"
H_CLOCK = "Edgewright-Clock"
CLOCK_DOUBTED = "doubted"
"""The plane does not believe its own clock now (rule P41): a difference to it means nothing for the host."""
H_DUPLICATE = "Edgewright-Duplicate"
H_PAGE_LIMIT = "Edgewright-Page-Limit"
H_IDEMPOTENCY = "Idempotency-Key"
H_LAST_EVENT = "Last-Event-ID"

# --- how secrets look ------------------------------------------------------------------------------------------
TOKEN_PREFIX = "ewt_"  # noqa: S105 - the first letters of every registration token
API_KEY_PREFIX = "ewk_"
ACTIVATION_PREFIX = "ewa_"
HOST_CREDENTIAL_PREFIX = "ewh_"

# --- operations, intents, changes ------------------------------------------------------------------------------
OP_COLLECT_LOGS = "collect-logs"
OP_DISK_USAGE = "disk-usage"
OP_RESET = "reset"
OP_PREFLIGHT = "preflight"
OP_REBOOT = "reboot"
OP_RETRY = "retry"
OP_ACCEPT = "accept"
OP_TRIAL = "trial"
OP_KUBECONFIG = "kubeconfig"
"""Signs a certificate request (P136); the plane alone makes it, with the role of the user who asks."""
OPERATION_KINDS: Tuple[str, ...] = (
    *(OP_COLLECT_LOGS, OP_DISK_USAGE, OP_RESET, OP_PREFLIGHT, OP_REBOOT),
    *(OP_RETRY, OP_ACCEPT, OP_TRIAL),
)

OP_PENDING = "pending"
OP_SUCCEEDED = "succeeded"
OP_FAILED = "failed"
OP_REFUSED = "refused"
OP_EXPIRED = "expired"
OPERATION_RESULTS: Tuple[str, ...] = (OP_SUCCEEDED, OP_FAILED, OP_REFUSED)
OPERATION_STATES: Tuple[str, ...] = (OP_PENDING, OP_SUCCEEDED, OP_FAILED, OP_REFUSED, OP_EXPIRED)

INTENT_OFFERED = "offered"
INTENT_CONFLICT = "conflict"
INTENT_STATES: Tuple[str, ...] = (INTENT_OFFERED, INTENT_CONFLICT)

HOST_KINDS: Tuple[str, ...] = ("edge-native", "vsphere")
"""`spec.type` of a host (Palette's enum)."""
EVENT_KINDS: Tuple[str, ...] = ("spectrocluster", "edgehost")
"""What a component event can be about (Palette's enum)."""

CHANGE_KINDS: Tuple[str, ...] = (
    "host",
    "token",
    "event",
    "audit",
    "project",
    "operation",
    "alert",
    "handling",
    "user",
    "sshkey",
    "filter",
    "registry",
    "pack",
    "profile",
    "macro",
    "cluster",
)
CHANGE_RESYNC = "resync"
CHANGE_BEATS = "beats"
"""Kind of the event with the heartbeats of many hosts, for a reader that asked for it (P34)."""
PROGRESS = "progress"
"""Name of a host's progress in heartbeats, in the entries of `beats` and in the plane's part of a host (P69)."""
CHANGE_PUT = "put"
CHANGE_DELETE = "delete"

# --- who handles a problem -------------------------------------------------------------------------------------
MAX_PROBLEM_KEY = 512
"""Characters of the key of a problem."""
MAX_ASSIGNEE = 128
MAX_NOTE = 1000
MAX_SILENCE = 90 * 86_400.0
"""Seconds that a problem can be silenced at most."""

# --- error codes (the `code` word of an application error) -----------------------------------------------------
E_NOT_FOUND = "ResourceNotFound"
E_FORBIDDEN = "OperationForbidden"
E_UNAUTHORIZED = "UnAuthorizedAccess"
E_TOO_MANY = "TooManyRequests"
E_REQUEST = "RequestError"
E_TOO_LARGE = "RequestTooLarge"
E_DOCUMENT = "DocumentTooLarge"
E_INTERNAL = "InternalError"
E_UNAVAILABLE = "ServiceUnavailable"
E_BEHIND = "PlaneBehind"
E_NOT_IMPLEMENTED = "NotImplemented"
E_HOST_NOT_REGISTERED = "EdgeHostDeviceNotRegistered"
E_HOST_NOT_PREREGISTERED = "EdgeHostNotPreRegistered"
E_DUPLICATE_HOST = "DuplicateEdgeHostUid"
E_INVALID_TOKEN = "InvalidEdgeToken"  # noqa: S105 - an error code
E_TOKEN_EXPIRED = "EdgeTokenExpired"  # noqa: S105 - an error code
E_TOKEN_REVOKED = "EdgeTokenRevoked"  # noqa: S105 - an error code
E_PROJECT_REQUIRED = "ProjectRequired"
E_INVALID_PAIRING_KEY = "InvalidPairingKey"
E_FULL_HEARTBEAT = "FullHeartbeatNeeded"
E_HOST_DELETED = "HostGone"
E_OPERATION_REPORTED = "OperationAlreadyReported"
E_HOST_IN_USE = "EdgeHostInUse"
E_TOO_MANY_OPERATIONS = "TooManyOperations"
E_IDEMPOTENCY = "IdempotencyKeyReused"
E_TOO_MANY_HANDLED = "TooManyHandlingRecords"
E_TOO_MANY_RECEIVERS = "TooManyReceivers"

# --- limits ----------------------------------------------------------------------------------------------------
PAGE_LIMIT = 50
"""Palette's page size, default and maximum."""
PAGE_LIMIT_EXTENDED = 1000
"""The largest page that the hub gives when `Edgewright-Page-Limit` asks for it."""
MAX_BODY = 1024 * 1024
"""The largest request body in bytes that the hub reads unless it is set otherwise (413 above it)."""
MAX_LOG_LINES = 500
"""Lines that one `collect-logs` operation may ask for."""
LOG_OF_KERNEL = "kernel"
"""In place of a unit of `collect-logs`: the kernel's log of the present boot, after its command line."""
MAX_MOUNT = 1024
"""Characters of the mount point that a `disk-usage` operation may name."""
MAX_LOG_CHUNK = 100
"""Lines in one POST of a log."""
MAX_LOG_LINE = 4096
"""Longest stored log line, in characters."""
MAX_EVENTS = 100
"""Events in one bulk POST."""
AGENT_EVENT_BACKLOG = 500
"""Events that an agent stores while they are not acknowledged."""
REGISTER_RETRY_WAITING = 30.0
"""Seconds between two tries of an agent that waits for its approval, at most."""
ANSWER_TIMEOUT = 20.0
"""Seconds after which an agent takes an answer as lost."""
BACKOFF_BASE = 1.0
BACKOFF_CAP = 60.0
"""Seconds: the first and the greatest ceiling of the random wait between two tries (P4)."""
CLOCK_TOLERANCE = 60.0
"""Seconds that a host's clock may differ from the plane's before it is reported."""
MAX_MESSAGE = 1024
"""Longest stored message, in characters, that a host sends."""
HEARTBEAT_INTERVAL = 60.0
"""Seconds between two heartbeats unless the plane sets another."""
URGENT_INTERVAL = 2.0
"""Seconds between two heartbeats of a host that has an operation to run (P76)."""
WAKE_SECONDS = 600
"""Seconds that a request for work may wait for its answer (P77)."""
SILENCE_LIMIT = 600.0
"""Seconds of silence after which a host is unhealthy, unless the plane is set otherwise."""
OPERATION_DEADLINE = 900.0
"""Seconds that an operation may wait for its result, unless the plane sets another."""
LIVENESS_CHANGE_EVERY = 30.0
"""At most one change of a host in this many seconds when only its liveness moved, for a reader without `beats`."""
BEATS_EVERY = 1.0
"""Seconds between two events with heartbeats for a reader that asks for `beats`: what it shows is not older."""
STREAM_PING = 15.0
"""Seconds between two comment lines on an idle change stream."""
REGISTRATION_ID_LENGTH = 32
"""Hex digits of a registration id."""
UID_LENGTH = 24
"""Hex digits of every uid that the plane makes (hosts bring their own)."""


def path(template: str, **values: str) -> str:
    """Fill a path template; every value is percent-encoded completely, so that a uid can never name another path.

    Raises `KeyError` when the template names a value that was not given.
    """
    return template.format(**{name: quote(str(value), safe="") for name, value in values.items()})
