-- SPDX-License-Identifier: Apache-2.0
-- Takes the live entries of one subject off the list: each becomes a tombstone with a number of its
-- own. $2 address_key or empty, $3 ref or empty, $4 stream or empty for all, $5 who, $6 the recipient's
-- consent or empty. Without consent nothing happens where one of them must not be reactivated.
WITH target AS MATERIALIZED (
	SELECT suppression_id, can_reactivate, row_number() OVER (ORDER BY suppression_id) AS n
	FROM suppression
	WHERE account_id = $1
		AND (address_key <> '' AND address_key = $2 OR ref <> '' AND ref = $3)
		AND ($4 = '' OR stream = $4)
		AND removed_at IS NULL AND (expires_at IS NULL OR expires_at > now())
), bump AS (
	UPDATE account SET change_number = change_number + (SELECT count(*) FROM target)
	WHERE account_id = $1 AND EXISTS (SELECT FROM target)
		AND ($6 <> '' OR NOT EXISTS (SELECT FROM target WHERE NOT can_reactivate))
	RETURNING change_number
), removed AS (
	UPDATE suppression s
	SET removed_at = now(), updated_at = now(), change_number = bump.change_number - target.n + 1,
		evidence = s.evidence || jsonb_build_object('removal',
			jsonb_build_object('by', $5, 'consent', $6))
	FROM target, bump
	WHERE s.account_id = $1 AND s.suppression_id = target.suppression_id AND s.removed_at IS NULL
	RETURNING s.suppression_id
)
SELECT (SELECT count(*) FROM target) AS found,
	(SELECT count(*) FROM target WHERE NOT can_reactivate) AS locked,
	(SELECT count(*) FROM removed) AS removed
