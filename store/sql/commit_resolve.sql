-- SPDX-License-Identifier: Apache-2.0
-- The report that stands for each message: its own, or that of the first equal one.
SELECT r.position, k.report_id
FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS r (account_id, key, position)
JOIN ingest_key k ON k.account_id = r.account_id AND k.key = r.key
