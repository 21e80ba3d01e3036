-- SPDX-License-Identifier: Apache-2.0
-- The schema of bounced. Every table of an account has account_id first in its primary key; there are
-- no foreign keys across accounts and no sequences where order matters, so that the database can be
-- sharded by account_id.

CREATE TABLE account (
	account_id bigint PRIMARY KEY,
	name text NOT NULL UNIQUE,
	mode text NOT NULL DEFAULT 'enforce' CHECK (mode IN ('enforce', 'observe')),
	accept_unverified boolean NOT NULL DEFAULT false,
	change_number bigint NOT NULL DEFAULT 0,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE account IS 'A sender (tenant). Account 0 is the operator.';
COMMENT ON COLUMN account.change_number IS 'Number of the newest suppression change; raised in the statement that writes the change, so numbers are ordered by commit.';

INSERT INTO account (account_id, name) VALUES (0, 'operator');

-- Looked up before the account is known.
CREATE TABLE bounce_domain (
	name text PRIMARY KEY,
	account_id bigint NOT NULL,
	reject_invalid text NOT NULL DEFAULT 'accept' CHECK (reject_invalid IN ('accept', '550')),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE bounce_domain IS 'Domains that return paths point at, as A-labels. account_id 0: shared by all accounts.';

CREATE TABLE token_key (
	account_id bigint NOT NULL,
	key_id smallint NOT NULL CHECK (key_id BETWEEN 0 AND 255),
	state text NOT NULL CHECK (state IN ('next', 'current', 'retired', 'revoked')),
	secret_box bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	retired_at timestamptz,
	PRIMARY KEY (account_id, key_id)
);
CREATE UNIQUE INDEX token_key_current ON token_key (account_id) WHERE state = 'current';
COMMENT ON COLUMN token_key.secret_box IS 'The key, sealed with the master key, which the database never sees (AES-256-GCM; context: "token_key", account_id, key_id).';

CREATE TABLE api_key (
	key_id text PRIMARY KEY,
	account_id bigint NOT NULL,
	name text NOT NULL,
	scopes text[] NOT NULL,
	secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	revoked_at timestamptz
);

-- Once: the same message for the same recipient, and the same event by another way.
CREATE TABLE ingest_key (
	account_id bigint NOT NULL,
	key bytea NOT NULL,
	report_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	PRIMARY KEY (account_id, key)
);
CREATE INDEX ingest_key_received_at ON ingest_key USING brin (received_at);
COMMENT ON TABLE ingest_key IS 'Kept 14 days or longer. Not partitioned: a unique index on a partitioned table cannot span its partitions.';

CREATE TABLE event_key (
	account_id bigint NOT NULL,
	key bytea NOT NULL,
	event_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	PRIMARY KEY (account_id, key)
);
CREATE INDEX event_key_received_at ON event_key USING brin (received_at);

CREATE TABLE report (
	account_id bigint NOT NULL,
	report_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	kind text NOT NULL,
	format text NOT NULL,
	trust text NOT NULL,
	source text NOT NULL,
	peer text NOT NULL,
	helo text NOT NULL,
	tls text NOT NULL,
	mail_from text NOT NULL,
	recipients text[] NOT NULL,
	size integer NOT NULL,
	reporting_mta text NOT NULL,
	arrival_date timestamptz,
	feedback_type text NOT NULL,
	source_ip text NOT NULL,
	message_id text NOT NULL,
	header_from text NOT NULL,
	subject text NOT NULL,
	original jsonb,
	detail jsonb NOT NULL,
	quarantine text NOT NULL,
	flags text NOT NULL,
	PRIMARY KEY (account_id, report_id, received_at)
) PARTITION BY RANGE (received_at);
COMMENT ON COLUMN report.received_at IS 'Exactly the millisecond of report_id (UUIDv7), so that an id finds its partition.';
COMMENT ON COLUMN report.recipients IS 'Envelope recipients of this account.';
COMMENT ON COLUMN report.detail IS 'The report as `bounced parse` prints it.';
COMMENT ON COLUMN report.original IS 'The headers that were returned of the original message; NULL where none were.';

CREATE TABLE report_raw (
	account_id bigint NOT NULL,
	report_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	raw bytea COMPRESSION lz4 NOT NULL,
	PRIMARY KEY (account_id, report_id, received_at)
) PARTITION BY RANGE (received_at);

CREATE TABLE event (
	account_id bigint NOT NULL,
	event_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	report_id uuid NOT NULL,
	kind text NOT NULL,
	trust text NOT NULL,
	late boolean NOT NULL,
	attributed boolean NOT NULL,
	address text NOT NULL,
	original_address text NOT NULL,
	address_key text NOT NULL,
	ref text NOT NULL,
	campaign bigint NOT NULL,
	recipient_domain text NOT NULL,
	provider text NOT NULL,
	action text NOT NULL,
	status text NOT NULL,
	reply_code text NOT NULL,
	reason text NOT NULL,
	severity text NOT NULL,
	class text NOT NULL,
	remote_mta text NOT NULL,
	diagnostic text NOT NULL,
	rule text NOT NULL,
	matched text NOT NULL,
	feedback_type text NOT NULL,
	effect text NOT NULL CHECK (effect IN ('none', 'suppress', 'would_suppress')),
	policy text NOT NULL,
	PRIMARY KEY (account_id, event_id, received_at)
) PARTITION BY RANGE (received_at);
CREATE INDEX event_page ON event (account_id, received_at, event_id);
CREATE INDEX event_address ON event (account_id, address_key, received_at) WHERE address_key <> '';
CREATE INDEX event_ref ON event (account_id, ref, received_at) WHERE ref <> '';
COMMENT ON COLUMN event.address IS 'As the report wrote it.';
COMMENT ON COLUMN event.address_key IS 'Normal form, for matching; empty where the event names nobody.';

CREATE TABLE suppression (
	account_id bigint NOT NULL,
	suppression_id uuid NOT NULL,
	stream text NOT NULL CHECK (stream IN ('all', 'marketing', 'transactional')),
	address text NOT NULL,
	address_key text NOT NULL,
	ref text NOT NULL,
	reason text NOT NULL,
	origin text NOT NULL,
	policy text NOT NULL,
	evidence jsonb NOT NULL,
	can_reactivate boolean NOT NULL,
	change_number bigint NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	expires_at timestamptz,
	removed_at timestamptz,
	PRIMARY KEY (account_id, suppression_id),
	CHECK (address_key <> '' OR ref <> '')
);
-- A row is live or a tombstone (removed_at set); at most one row per subject and stream.
CREATE UNIQUE INDEX suppression_address ON suppression (account_id, address_key, stream) WHERE address_key <> '';
CREATE UNIQUE INDEX suppression_ref ON suppression (account_id, ref, stream) WHERE address_key = '';
CREATE INDEX suppression_by_ref ON suppression (account_id, ref) WHERE ref <> '';
CREATE UNIQUE INDEX suppression_change ON suppression (account_id, change_number);
COMMENT ON TABLE suppression IS 'Whom not to mail. The subject is an address, or a ref where the address is unknown, or both.';
COMMENT ON COLUMN suppression.evidence IS 'A frozen copy of what caused it; outlives the report.';

-- Hourly counts. slot: the ingest process, so that processes do not wait for one another's rows.
CREATE TABLE rollup_hour (
	account_id bigint NOT NULL,
	hour timestamptz NOT NULL,
	slot smallint NOT NULL,
	kind text NOT NULL,
	class text NOT NULL,
	reason text NOT NULL,
	severity text NOT NULL,
	trust text NOT NULL,
	campaign bigint NOT NULL,
	recipient_domain text NOT NULL,
	provider text NOT NULL,
	events bigint NOT NULL,
	suppressed bigint NOT NULL,
	PRIMARY KEY (account_id, hour, slot, kind, class, reason, severity, trust, campaign, recipient_domain, provider)
);
