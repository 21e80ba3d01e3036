-- SPDX-License-Identifier: Apache-2.0
-- Feedback reports of which DNS could not say who sent them.
SET LOCAL ROLE bounced_owner;

CREATE TABLE pending_authentication (
	account_id bigint NOT NULL,
	report_id uuid NOT NULL,
	received_at timestamptz NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	next_at timestamptz NOT NULL,
	PRIMARY KEY (account_id, report_id)
);
CREATE INDEX pending_authentication_next_at ON pending_authentication (next_at);
COMMENT ON TABLE pending_authentication IS 'Reports that jobs authenticate again, for a day. A row is deleted in the transaction that gives the report its effects, so that they happen once.';
COMMENT ON COLUMN pending_authentication.attempts IS 'Of jobs, begun.';

GRANT SELECT, INSERT ON pending_authentication TO bounced_ingest;
ALTER TABLE pending_authentication ENABLE ROW LEVEL SECURITY;
CREATE POLICY ingest_all ON pending_authentication TO bounced_ingest USING (true) WITH CHECK (true);
