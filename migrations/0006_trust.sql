-- SPDX-License-Identifier: Apache-2.0
-- Legacy return paths, and which ingest process can verify which token key.
SET LOCAL ROLE bounced_owner;

CREATE TABLE legacy_pattern (
	domain text NOT NULL,
	pattern_id smallint NOT NULL CHECK (pattern_id BETWEEN 1 AND 8),
	template text NOT NULL,
	algorithm text NOT NULL DEFAULT '' CHECK (algorithm IN ('', 'sha256', 'sha1')),
	covers text NOT NULL DEFAULT '',
	mac_digits smallint NOT NULL DEFAULT 0,
	secret_box bytea,
	expires_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (domain, pattern_id),
	UNIQUE (domain, template),
	CHECK ((algorithm = '') = (secret_box IS NULL)),
	CHECK (algorithm <> '' OR expires_at IS NOT NULL)
);
COMMENT ON TABLE legacy_pattern IS 'Return paths of other systems that a bounce domain takes. Unsigned ones always end at a date.';
COMMENT ON COLUMN legacy_pattern.covers IS 'What the HMAC is made over, as a template.';
COMMENT ON COLUMN legacy_pattern.secret_box IS 'The secret, sealed with the master key (AES-256-GCM; context: "legacy_pattern", domain, pattern_id).';

CREATE TABLE ingest_process (
	process_id uuid PRIMARY KEY,
	host text NOT NULL,
	pid integer NOT NULL,
	seen_at timestamptz NOT NULL,
	next_keys text[] NOT NULL
);
COMMENT ON TABLE ingest_process IS 'Each ingest process says every few seconds what it knows. A row that is old is of one that ended.';
COMMENT ON COLUMN ingest_process.next_keys IS 'Token keys in state next that it has loaded and opened, as "account_id/key_id".';

GRANT SELECT ON legacy_pattern TO bounced_ingest, bounced_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest_process TO bounced_ingest;
