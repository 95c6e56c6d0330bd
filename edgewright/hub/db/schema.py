"""The tables of the hub, as the newest revision in `migrations/versions` leaves them; a test compares both.

Schema 1 already contains what plane and agent need to agree after a loss: generation, operation id and intent base.
Times are epoch seconds, documents are JSON texts, secrets are hashes or encrypted.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    true,
)

metadata = MetaData()
_SERIAL = BigInteger().with_variant(Integer, "sqlite")

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("applied_at", Float, nullable=False),
)
"""Read by v0.1.0 only: its third row makes an old hub refuse this database (revision 0003)."""

settings = Table("settings", metadata, Column("key", String, primary_key=True), Column("value", Text, nullable=False))

plane_keys = Table(
    "plane_keys", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False)
)
"""Keys of the plane, what is secret of them encrypted by the key file (`security/plane_keys.py`)."""

projects = Table(
    "projects",
    metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("doc", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("uid", String, primary_key=True),
    Column("email", String, nullable=False, unique=True),
    Column("first_name", String, nullable=False),
    Column("last_name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("doc", Text, nullable=False, server_default="{}"),
    Column("modified", Float),
    Column("last_sign_in", Float),
    Column("activation_hash", String),
    Column("activation_encrypted", Text),
    Column("activation_until", Float),
    Index("users_activation", "activation_hash", unique=True),
)
"""`role`: the roles for the tenant, separated by spaces."""
Index("users_email_lower", func.lower(users.c.email), unique=True)

project_roles = Table(
    "project_roles",
    metadata,
    Column("user_uid", String, primary_key=True),
    Column("project_uid", String, primary_key=True),
    Column("roles", String, nullable=False),
    Index("project_roles_project", "project_uid"),
)
"""Roles of users in single projects, separated by spaces."""

ssh_keys = Table(
    "ssh_keys",
    metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("project_uid", String, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("doc", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Index("ssh_keys_name", "project_uid", "name", unique=True),
    Index("ssh_keys_fingerprint", "project_uid", "fingerprint", unique=True),
)
"""SSH public keys of a project, or of the tenant (`project_uid` empty)."""

tag_filters = Table(
    "tag_filters",
    metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("doc", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("key_hash", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("user_uid", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("expiry", Float),
    Column("doc", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Index("api_keys_name", "user_uid", "name", unique=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("secret_hash", String, nullable=False, unique=True),
    Column("secret_encrypted", Text, nullable=False),
    Column("project_uid", String),
    Column("active", Boolean, nullable=False),
    Column("expiry", Float),
    Column("doc", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Index("tokens_name", "name", unique=True),
)

hosts = Table(
    "hosts",
    metadata,
    Column("uid", String, primary_key=True),
    Column("project_uid", String, nullable=False),
    Column("state", String, nullable=False),
    Column("doc", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("registered_at", Float),
    Column("registration_hash", String),
    Column("credential_hash", String),
    Column("pending_hash", String),
    Column("pairing_hash", String),
    Column("token_uid", String),
    Column("address", String, nullable=False),
    Index("hosts_token", "token_uid"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("uid", String, primary_key=True),
    Column("at", Float),
    Column("count", Integer, nullable=False),
    Column("boot_id", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("agent_version", String, nullable=False),
    Column("observed_generation", Integer, nullable=False),
    Column("vitals", Text, nullable=False),
    Column("gone_boots", Text, nullable=False, server_default="[]"),
    Column("health", String, nullable=False, server_default="unknown"),
    Column("stored_at", Float),
    Column("stored_by", String),
)
"""Apart from `hosts`, so that a heartbeat writes a short row and not a complete document. `health`: what was reported
of the host last (an event); `stored_at`, `stored_by`: when the row was written, by the database's clock, and by which
hub (PostgreSQL only)."""

leases = Table(
    "leases", metadata, Column("name", String, primary_key=True), Column("holder", String, nullable=False),
    Column("epoch", BigInteger, nullable=False), Column("until", Float, nullable=False),
)  # fmt: skip
"""Which hub process has which task, until when by the database's clock; `epoch` rises with each new holder."""

brakes = Table(
    "brakes", metadata, Column("name", String, primary_key=True), Column("minute", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
)  # fmt: skip
"""Wrong guesses within a minute (since the epoch), counted for all hubs together."""

hub_processes = Table(
    "hub_processes", metadata, Column("id", String, primary_key=True),
    Column("address", String, nullable=False), Column("version", String, nullable=False),
    Column("started", Float, nullable=False), Column("seen", Float, nullable=False),
    Column("ended", Boolean, nullable=False), Column("directory", String),
)  # fmt: skip
"""The hub processes on this database; times by the database's clock. `directory` names the data directory of one."""

controller_jobs = Table(
    "controller_jobs",
    metadata,
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("payload", Text, nullable=False),
    Column("due", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("holder", String, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", Float, nullable=False),
    Column("error", Text, nullable=False),
    Index("controller_jobs_due", "due"),
)
"""What controllers have to do: one hub at a time has a job, for as long as `until` by the database's clock."""

revoked_credentials = Table(
    "gone_credentials",
    metadata,
    Column("hash", String, primary_key=True),
    Column("host_uid", String, nullable=False),
    Column("at", Float, nullable=False),
)

host_fields = Table(
    "host_fields",
    metadata,
    Column("host_uid", String, primary_key=True),
    Column("field", String, primary_key=True),
    Column("generation", Integer, nullable=False),
)
"""The generation at which the plane last changed a field: what an intent's base is compared with."""

operations = Table(
    "operations",
    metadata,
    Column("id", String, primary_key=True),
    Column("host_uid", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("params", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("deadline", Float),
    Column("actor", String, nullable=False),
    Column("idempotency_key", String),
    Column("result", Text),
    Column("finished", Float),
    Index("operations_host", "host_uid", "state"),
    Index("operations_state", "state", "deadline"),
    Index("operations_key", "host_uid", "idempotency_key", unique=True),
)

intents = Table(
    "intents",
    metadata,
    Column("host_uid", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("field", String, nullable=False),
    Column("base_generation", Integer, nullable=False),
    Column("base_value", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("actor", String, nullable=False),
    Column("at", Float),
    Column("note", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("received", Float, nullable=False),
)

logs = Table(
    "logs",
    metadata,
    Column("host_uid", String, primary_key=True),
    Column("operation_id", String, primary_key=True),
    Column("offset", Integer, primary_key=True),
    Column("lines", Text, nullable=False),
    Column("last", Boolean, nullable=False),
    Column("received", Float, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("uid", String, nullable=False, unique=True),
    Column("project_uid", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("object_uid", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("doc", Text, nullable=False),
    Index("events_object", "kind", "object_uid", "at"),
    Index("events_at", "at"),
)

audits = Table(
    "audits",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("uid", String, nullable=False, unique=True),
    Column("project_uid", String, nullable=False),
    Column("user_uid", String, nullable=False),
    Column("action_type", String, nullable=False),
    Column("resource_kind", String, nullable=False),
    Column("resource_uid", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("doc", Text, nullable=False),
    Index("audits_at", "at"),
)

handling = Table(
    "handling",
    metadata,
    Column("key", String, primary_key=True),
    Column("project_uid", String, nullable=False),
    Column("acknowledged_by", String, nullable=False),
    Column("acknowledged_at", Float),
    Column("assignee", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("silenced_until", Float),
    Column("updated_by", String, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("gone_at", Float),
)
"""Who handles a problem, by the problem's key. `gone_at`: since when there is no such problem."""

alert_receivers = Table(
    "alert_receivers",
    metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("project_uid", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("doc", Text, nullable=False),
    Column("secret_encrypted", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Column("last_success", Float),
    Column("last_failure", Float),
    Column("last_error", Text, nullable=False),
    Column("dropped", Integer, nullable=False),
    Index("alert_receivers_name", "project_uid", "name", unique=True),
)
"""Where alerts are sent. URL, headers and passwords are in `secret_encrypted` only."""

alert_problems = Table(
    "alert_problems",
    metadata,
    Column("key", String, primary_key=True),
    Column("project_uid", String, nullable=False),
    Column("opened", Float, nullable=False),
    Column("doc", Text, nullable=False),
    Column("notified", Text, nullable=False),
    Column("gone_at", Float),
)
"""The problems that receivers know of; `notified` is a JSON object: uid of the receiver -> time of the last message."""

alert_outbox = Table(
    "alert_outbox",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("uid", String, nullable=False, unique=True),
    Column("receiver_uid", String, nullable=False),
    Column("key", String, nullable=False),
    Column("event", String, nullable=False),
    Column("doc", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Float, nullable=False),
    Index("alert_outbox_receiver", "receiver_uid", "id"),
)
"""Messages that wait for a receiver, in order; a row is deleted once the receiver has accepted it."""
