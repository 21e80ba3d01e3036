-- SPDX-License-Identifier: Apache-2.0
-- The same event by another way counts once. $5, $6: key and id of its report, which must have won.
INSERT INTO event_key (account_id, key, event_id, received_at)
SELECT e.account_id, e.key, e.event_id, e.received_at
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::bytea[], $6::uuid[])
	AS e (account_id, key, event_id, received_at, report_key, report_id)
JOIN ingest_key k
	ON k.account_id = e.account_id AND k.key = e.report_key AND k.report_id = e.report_id
ON CONFLICT (account_id, key) DO NOTHING
