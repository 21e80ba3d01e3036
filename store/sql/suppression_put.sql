-- SPDX-License-Identifier: Apache-2.0
-- Suppresses by hand. $2 id for a new row, $3 address, $4 address_key, $5 ref (address or ref is empty),
-- $6 stream, $7 reason, $8 policy, $9 evidence, $10 expires_at. A live entry of another origin stays
-- as it is, and so does one that already says the same: neither takes a number. Where a change came in
-- between there is no row, or SQLSTATE 23505: ask again.
WITH found AS (
	SELECT *, removed_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS live
	FROM suppression
	WHERE account_id = $1 AND stream = $6
		AND (address_key <> '' AND address_key = $4
			OR $4 = '' AND ref <> '' AND ref = $5
				AND (address_key = '' OR removed_at IS NULL AND (expires_at IS NULL OR expires_at > now())))
	ORDER BY live DESC, address_key
	LIMIT 1
), kept AS (
	SELECT * FROM found
	WHERE live AND (origin <> 'manual' OR address_key <> $4
		OR (reason = $7 AND expires_at IS NOT DISTINCT FROM $10 AND evidence = $9::text::jsonb))
), bump AS (
	UPDATE account SET change_number = change_number + 1
	WHERE account_id = $1 AND NOT EXISTS (SELECT FROM kept)
	RETURNING change_number
), updated AS (
	UPDATE suppression s
	SET address = $3, reason = $7, origin = 'manual', policy = $8, evidence = $9::text::jsonb,
		can_reactivate = true, change_number = bump.change_number, updated_at = now(),
		created_at = CASE WHEN found.live THEN s.created_at ELSE now() END,
		expires_at = $10, removed_at = NULL
	FROM found, bump
	WHERE s.account_id = $1 AND s.suppression_id = found.suppression_id
		AND (s.removed_at IS NOT NULL OR s.expires_at <= now() OR s.origin = 'manual')
	RETURNING s.*, found.live
), inserted AS (
	INSERT INTO suppression AS s (account_id, suppression_id, stream, address, address_key, ref,
		reason, origin, policy, evidence, can_reactivate, change_number, created_at, updated_at,
		expires_at)
	SELECT $1, $2, $6, $3, $4, $5, $7, 'manual', $8, $9::text::jsonb, true, bump.change_number,
		now(), now(), $10
	FROM bump
	WHERE NOT EXISTS (SELECT FROM found)
	RETURNING s.*, false AS live
), answer AS (
	SELECT * FROM updated UNION ALL SELECT * FROM inserted UNION ALL SELECT * FROM kept
)
SELECT suppression_id, stream, address, address_key, ref, reason, origin, policy, evidence,
	can_reactivate, change_number, created_at, updated_at, expires_at, NOT live AS created
FROM answer
