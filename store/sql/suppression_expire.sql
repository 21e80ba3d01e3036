-- SPDX-License-Identifier: Apache-2.0
-- Takes the entries of an account off the list that have ended by $2, $3 at most: each becomes a
-- tombstone with a number of its own. Who else does the same waits for the account's row, and finds
-- them gone.
WITH target AS MATERIALIZED (
	SELECT suppression_id, row_number() OVER (ORDER BY suppression_id) AS n
	FROM (SELECT suppression_id FROM suppression
		WHERE account_id = $1 AND removed_at IS NULL AND expires_at <= $2
		ORDER BY expires_at
		LIMIT $3) AS ended
), bump AS (
	UPDATE account SET change_number = change_number + (SELECT count(*) FROM target)
	WHERE account_id = $1 AND EXISTS (SELECT FROM target)
	RETURNING change_number
)
UPDATE suppression s
SET removed_at = $2, updated_at = $2, change_number = bump.change_number - target.n + 1,
	evidence = s.evidence || jsonb_build_object('removal',
		jsonb_build_object('by', 'expiry', 'consent', ''))
FROM target, bump
WHERE s.account_id = $1 AND s.suppression_id = target.suppression_id
	AND s.removed_at IS NULL AND s.expires_at <= $2
