-- SPDX-License-Identifier: Apache-2.0
-- Live entries of many subjects. $2 addresses in normal form, $3 SHA-256 of such, $4 refs; each array
-- goes with one of item numbers: $5, $6, $7.
SELECT item, stream, reason, origin, policy, created_at, expires_at,
	coalesce(evidence->>'diagnostic', '') AS diagnostic,
	coalesce(evidence->>'report_id', '') AS report_id
FROM (
	SELECT asked.item, s.*
	FROM unnest($2::text[], $5::bigint[]) AS asked (address_key, item)
	JOIN suppression s ON s.account_id = $1 AND s.address_key = asked.address_key
		AND s.address_key <> ''
	UNION ALL
	SELECT asked.item, s.*
	FROM unnest($3::bytea[], $6::bigint[]) AS asked (digest, item)
	JOIN suppression s ON s.account_id = $1 AND s.address_digest = asked.digest
		AND s.address_key <> ''
	UNION ALL
	SELECT asked.item, s.*
	FROM unnest($4::text[], $7::bigint[]) AS asked (ref, item)
	JOIN suppression s ON s.account_id = $1 AND s.ref = asked.ref AND s.ref <> ''
) AS hit
WHERE removed_at IS NULL AND (expires_at IS NULL OR expires_at > now())
ORDER BY item, suppression_id
