-- SPDX-License-Identifier: Apache-2.0
-- Reports to be authenticated again, as soon as jobs come by.
INSERT INTO pending_authentication (account_id, report_id, received_at, next_at)
SELECT r.account_id, r.report_id, r.received_at, r.received_at
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[])
	AS r (account_id, key, report_id, received_at)
JOIN ingest_key k ON k.account_id = r.account_id AND k.key = r.key AND k.report_id = r.report_id
