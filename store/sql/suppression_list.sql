-- SPDX-License-Identifier: Apache-2.0
-- A page of live entries in the order of their ids, after $2. Empty and NULL filters let all pass.
SELECT suppression_id, stream, address, address_key, ref, reason, origin, policy, evidence,
	can_reactivate, change_number, created_at, updated_at, expires_at
FROM suppression
WHERE account_id = $1
	AND suppression_id > $2
	AND ($3 = '' OR stream = $3)
	AND ($4 = '' OR origin = $4)
	AND ($5 = '' OR reason = $5)
	AND ($6::timestamptz IS NULL OR created_at >= $6)
	AND ($7::timestamptz IS NULL OR created_at < $7)
	AND removed_at IS NULL AND (expires_at IS NULL OR expires_at > now())
ORDER BY suppression_id
LIMIT $8
