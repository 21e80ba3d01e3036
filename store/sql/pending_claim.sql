-- SPDX-License-Identifier: Apache-2.0
-- Takes reports that are due at $1 and were received after $2, $3 at most, and puts each off by the wait
-- of its attempt ($4, in ms; the last one goes on): whoever else looks meanwhile does not see them, and
-- who dies over them leaves them to the next.
WITH due AS MATERIALIZED (
	SELECT account_id, report_id
	FROM pending_authentication
	WHERE next_at <= $1 AND received_at > $2
	ORDER BY next_at
	LIMIT $3
	FOR UPDATE SKIP LOCKED
)
UPDATE pending_authentication p
SET attempts = p.attempts + 1,
	next_at = $1 + ($4::bigint[])[least(p.attempts + 1, cardinality($4::bigint[]))]
		* interval '1 millisecond'
FROM due
WHERE p.account_id = due.account_id AND p.report_id = due.report_id
RETURNING p.account_id, p.report_id, p.attempts
