-- SPDX-License-Identifier: Apache-2.0
-- The positions of those subjects, $3 addresses in normal form or else $4 refs, that somebody has taken
-- off the list after $2.
SELECT DISTINCT e.position
FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS e (address_key, ref, position)
JOIN suppression s ON s.account_id = $1 AND s.removed_at > $2
	AND (e.address_key <> '' AND s.address_key = e.address_key
		OR e.address_key = '' AND e.ref <> '' AND s.ref = e.ref)
WHERE s.evidence->'removal'->>'by' IS DISTINCT FROM 'expiry'
