-- The schema that release v0.1.0 makes in PostgreSQL, by pg_dump.
CREATE TABLE public.api_keys (
    uid character varying NOT NULL,
    name character varying NOT NULL,
    key_hash character varying NOT NULL,
    role character varying NOT NULL,
    user_uid character varying NOT NULL,
    active boolean NOT NULL,
    expiry double precision,
    doc text NOT NULL,
    created double precision NOT NULL,
    modified double precision NOT NULL
);
CREATE TABLE public.audits (
    id bigint NOT NULL,
    uid character varying NOT NULL,
    project_uid character varying NOT NULL,
    user_uid character varying NOT NULL,
    action_type character varying NOT NULL,
    resource_kind character varying NOT NULL,
    resource_uid character varying NOT NULL,
    at double precision NOT NULL,
    doc text NOT NULL
);
CREATE SEQUENCE public.audits_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audits_id_seq OWNED BY public.audits.id;
CREATE TABLE public.events (
    id bigint NOT NULL,
    uid character varying NOT NULL,
    project_uid character varying NOT NULL,
    kind character varying NOT NULL,
    object_uid character varying NOT NULL,
    severity character varying NOT NULL,
    reason character varying NOT NULL,
    at double precision NOT NULL,
    doc text NOT NULL
);
CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;
CREATE TABLE public.gone_credentials (
    hash character varying NOT NULL,
    host_uid character varying NOT NULL,
    at double precision NOT NULL
);
CREATE TABLE public.heartbeats (
    uid character varying NOT NULL,
    at double precision,
    count integer NOT NULL,
    boot_id character varying NOT NULL,
    seq bigint NOT NULL,
    state character varying NOT NULL,
    message text NOT NULL,
    agent_version character varying NOT NULL,
    observed_generation integer NOT NULL,
    vitals text NOT NULL
);
CREATE TABLE public.host_fields (
    host_uid character varying NOT NULL,
    field character varying NOT NULL,
    generation integer NOT NULL
);
CREATE TABLE public.hosts (
    uid character varying NOT NULL,
    project_uid character varying NOT NULL,
    state character varying NOT NULL,
    doc text NOT NULL,
    created double precision NOT NULL,
    modified double precision NOT NULL,
    generation integer NOT NULL,
    registered_at double precision,
    registration_hash character varying,
    credential_hash character varying,
    pending_hash character varying,
    pairing_hash character varying,
    token_uid character varying,
    address character varying NOT NULL
);
CREATE TABLE public.intents (
    host_uid character varying NOT NULL,
    id character varying NOT NULL,
    field character varying NOT NULL,
    base_generation integer NOT NULL,
    base_value text NOT NULL,
    value text NOT NULL,
    actor character varying NOT NULL,
    at double precision,
    note text NOT NULL,
    state character varying NOT NULL,
    received double precision NOT NULL
);
CREATE TABLE public.logs (
    host_uid character varying NOT NULL,
    operation_id character varying NOT NULL,
    "offset" integer NOT NULL,
    lines text NOT NULL,
    last boolean NOT NULL,
    received double precision NOT NULL
);
CREATE TABLE public.operations (
    id character varying NOT NULL,
    host_uid character varying NOT NULL,
    kind character varying NOT NULL,
    params text NOT NULL,
    state character varying NOT NULL,
    generation integer NOT NULL,
    created double precision NOT NULL,
    deadline double precision,
    actor character varying NOT NULL,
    idempotency_key character varying,
    result text,
    finished double precision
);
CREATE TABLE public.projects (
    uid character varying NOT NULL,
    name character varying NOT NULL,
    doc text NOT NULL,
    created double precision NOT NULL,
    modified double precision NOT NULL
);
CREATE TABLE public.schema_version (
    version integer NOT NULL,
    applied_at double precision NOT NULL
);
CREATE SEQUENCE public.schema_version_version_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.schema_version_version_seq OWNED BY public.schema_version.version;
CREATE TABLE public.settings (
    key character varying NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.tokens (
    uid character varying NOT NULL,
    name character varying NOT NULL,
    secret_hash character varying NOT NULL,
    secret_encrypted text NOT NULL,
    project_uid character varying,
    active boolean NOT NULL,
    expiry double precision,
    doc text NOT NULL,
    created double precision NOT NULL,
    modified double precision NOT NULL
);
CREATE TABLE public.users (
    uid character varying NOT NULL,
    email character varying NOT NULL,
    first_name character varying NOT NULL,
    last_name character varying NOT NULL,
    role character varying NOT NULL,
    created double precision NOT NULL
);
ALTER TABLE ONLY public.audits ALTER COLUMN id SET DEFAULT nextval('public.audits_id_seq'::regclass);
ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);
ALTER TABLE ONLY public.schema_version ALTER COLUMN version SET DEFAULT nextval('public.schema_version_version_seq'::regclass);
COPY public.schema_version (version, applied_at) FROM stdin;
1	1795844964.6753354
2	1795844964.6897388
\.
SELECT pg_catalog.setval('public.audits_id_seq', 1, false);
SELECT pg_catalog.setval('public.events_id_seq', 1, false);
SELECT pg_catalog.setval('public.schema_version_version_seq', 1, false);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (uid);
ALTER TABLE ONLY public.audits
    ADD CONSTRAINT audits_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audits
    ADD CONSTRAINT audits_uid_key UNIQUE (uid);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_uid_key UNIQUE (uid);
ALTER TABLE ONLY public.gone_credentials
    ADD CONSTRAINT gone_credentials_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.heartbeats
    ADD CONSTRAINT heartbeats_pkey PRIMARY KEY (uid);
ALTER TABLE ONLY public.host_fields
    ADD CONSTRAINT host_fields_pkey PRIMARY KEY (host_uid, field);
ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_pkey PRIMARY KEY (uid);
ALTER TABLE ONLY public.intents
    ADD CONSTRAINT intents_pkey PRIMARY KEY (host_uid, id);
ALTER TABLE ONLY public.logs
    ADD CONSTRAINT logs_pkey PRIMARY KEY (host_uid, operation_id, "offset");
ALTER TABLE ONLY public.operations
    ADD CONSTRAINT operations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_name_key UNIQUE (name);
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (uid);
ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (uid);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_secret_hash_key UNIQUE (secret_hash);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (uid);
CREATE INDEX audits_at ON public.audits USING btree (at);
CREATE INDEX events_at ON public.events USING btree (at);
CREATE INDEX events_object ON public.events USING btree (kind, object_uid, at);
CREATE INDEX hosts_token ON public.hosts USING btree (token_uid);
CREATE INDEX operations_host ON public.operations USING btree (host_uid, state);
CREATE UNIQUE INDEX operations_key ON public.operations USING btree (host_uid, idempotency_key);
CREATE INDEX operations_state ON public.operations USING btree (state, deadline);
