-- The schema that release v0.1.0 makes in SQLite.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	applied_at FLOAT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO schema_version VALUES(1,1795844964.7028944492);
INSERT INTO schema_version VALUES(2,1795844964.704531908);
CREATE TABLE settings (
	"key" VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE projects (
	uid VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	doc TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	modified FLOAT NOT NULL, 
	PRIMARY KEY (uid), 
	UNIQUE (name)
);
CREATE TABLE users (
	uid VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	first_name VARCHAR NOT NULL, 
	last_name VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	created FLOAT NOT NULL, 
	PRIMARY KEY (uid), 
	UNIQUE (email)
);
CREATE TABLE api_keys (
	uid VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	key_hash VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	user_uid VARCHAR NOT NULL, 
	active BOOLEAN NOT NULL, 
	expiry FLOAT, 
	doc TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	modified FLOAT NOT NULL, 
	PRIMARY KEY (uid), 
	UNIQUE (key_hash)
);
CREATE TABLE tokens (
	uid VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	secret_hash VARCHAR NOT NULL, 
	secret_encrypted TEXT NOT NULL, 
	project_uid VARCHAR, 
	active BOOLEAN NOT NULL, 
	expiry FLOAT, 
	doc TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	modified FLOAT NOT NULL, 
	PRIMARY KEY (uid), 
	UNIQUE (secret_hash)
);
CREATE TABLE hosts (
	uid VARCHAR NOT NULL, 
	project_uid VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	doc TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	modified FLOAT NOT NULL, 
	generation INTEGER NOT NULL, 
	registered_at FLOAT, 
	registration_hash VARCHAR, 
	credential_hash VARCHAR, 
	pending_hash VARCHAR, 
	pairing_hash VARCHAR, 
	token_uid VARCHAR, 
	address VARCHAR NOT NULL, 
	PRIMARY KEY (uid)
);
CREATE TABLE heartbeats (
	uid VARCHAR NOT NULL, 
	at FLOAT, 
	count INTEGER NOT NULL, 
	boot_id VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	message TEXT NOT NULL, 
	agent_version VARCHAR NOT NULL, 
	observed_generation INTEGER NOT NULL, 
	vitals TEXT NOT NULL, 
	PRIMARY KEY (uid)
);
CREATE TABLE gone_credentials (
	hash VARCHAR NOT NULL, 
	host_uid VARCHAR NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (hash)
);
CREATE TABLE host_fields (
	host_uid VARCHAR NOT NULL, 
	field VARCHAR NOT NULL, 
	generation INTEGER NOT NULL, 
	PRIMARY KEY (host_uid, field)
);
CREATE TABLE operations (
	id VARCHAR NOT NULL, 
	host_uid VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	params TEXT NOT NULL, 
	state VARCHAR NOT NULL, 
	generation INTEGER NOT NULL, 
	created FLOAT NOT NULL, 
	deadline FLOAT, 
	actor VARCHAR NOT NULL, 
	idempotency_key VARCHAR, 
	result TEXT, 
	finished FLOAT, 
	PRIMARY KEY (id)
);
CREATE TABLE intents (
	host_uid VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	field VARCHAR NOT NULL, 
	base_generation INTEGER NOT NULL, 
	base_value TEXT NOT NULL, 
	value TEXT NOT NULL, 
	actor VARCHAR NOT NULL, 
	at FLOAT, 
	note TEXT NOT NULL, 
	state VARCHAR NOT NULL, 
	received FLOAT NOT NULL, 
	PRIMARY KEY (host_uid, id)
);
CREATE TABLE logs (
	host_uid VARCHAR NOT NULL, 
	operation_id VARCHAR NOT NULL, 
	"offset" INTEGER NOT NULL, 
	lines TEXT NOT NULL, 
	last BOOLEAN NOT NULL, 
	received FLOAT NOT NULL, 
	PRIMARY KEY (host_uid, operation_id, "offset")
);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	uid VARCHAR NOT NULL, 
	project_uid VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	object_uid VARCHAR NOT NULL, 
	severity VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	at FLOAT NOT NULL, 
	doc TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (uid)
);
CREATE TABLE audits (
	id INTEGER NOT NULL, 
	uid VARCHAR NOT NULL, 
	project_uid VARCHAR NOT NULL, 
	user_uid VARCHAR NOT NULL, 
	action_type VARCHAR NOT NULL, 
	resource_kind VARCHAR NOT NULL, 
	resource_uid VARCHAR NOT NULL, 
	at FLOAT NOT NULL, 
	doc TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (uid)
);
CREATE INDEX hosts_token ON hosts (token_uid);
CREATE UNIQUE INDEX operations_key ON operations (host_uid, idempotency_key);
CREATE INDEX operations_state ON operations (state, deadline);
CREATE INDEX operations_host ON operations (host_uid, state);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_object ON events (kind, object_uid, at);
CREATE INDEX audits_at ON audits (at);
COMMIT;
