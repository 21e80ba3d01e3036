-- SPDX-License-Identifier: Apache-2.0
INSERT INTO report_raw (account_id, report_id, received_at, raw)
SELECT r.account_id, r.report_id, r.received_at, r.raw
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::bytea[])
	AS r (account_id, key, report_id, received_at, raw)
JOIN ingest_key k ON k.account_id = r.account_id AND k.key = r.key AND k.report_id = r.report_id
