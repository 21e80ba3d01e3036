-- SPDX-License-Identifier: Apache-2.0
-- The first of equal messages wins; all that follows joins ingest_key, so that only winners act.
INSERT INTO ingest_key (account_id, key, report_id, received_at)
SELECT r.account_id, r.key, r.report_id, r.received_at
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[])
	AS r (account_id, key, report_id, received_at)
ON CONFLICT (account_id, key) DO NOTHING
