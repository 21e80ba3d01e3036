-- SPDX-License-Identifier: Apache-2.0
-- A live entry that stands on a ref gets its address where an event names it: $1, $2, $3: account, key and
-- id of the event, $4: when; $5: the ref, $6: its address, $7: in normal form. Not where two events name
-- different ones, nor where the address has, or had, an entry of its own in that stream.
WITH named AS (
	SELECT n.account_id, n.ref, min(n.address) AS address, min(n.address_key) AS address_key,
		max(n.received_at) AS received_at
	FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
		AS n (account_id, key, event_id, received_at, ref, address, address_key)
	JOIN event_key k ON k.account_id = n.account_id AND k.key = n.key AND k.event_id = n.event_id
	GROUP BY n.account_id, n.ref
	HAVING count(DISTINCT n.address_key) = 1
), entry AS (
	SELECT DISTINCT ON (s.account_id, n.address_key, s.stream) s.account_id, s.suppression_id, n.address,
		n.address_key, n.received_at
	FROM named n
	JOIN suppression s ON s.account_id = n.account_id AND s.ref = n.ref AND s.ref <> '' AND s.address_key = ''
	WHERE s.removed_at IS NULL AND coalesce(s.expires_at > n.received_at, true)
		-- OFFSET: looked up for each entry, not joined
		AND NOT EXISTS (SELECT FROM suppression a
			WHERE a.account_id = s.account_id AND a.address_key = n.address_key
				AND a.address_key <> '' AND a.stream = s.stream OFFSET 0)
	ORDER BY s.account_id, n.address_key, s.stream, s.ref
), bump AS (
	UPDATE account SET change_number = account.change_number + d.changes
	FROM (SELECT account_id, count(*) AS changes FROM entry GROUP BY account_id) d
	WHERE account.account_id = d.account_id
	RETURNING account.account_id, account.change_number - d.changes AS base
)
UPDATE suppression s
SET address = e.address, address_key = e.address_key, updated_at = e.received_at,
	change_number = bump.base + e.number
FROM (SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY suppression_id) AS number FROM entry) e
JOIN bump ON bump.account_id = e.account_id
WHERE s.account_id = e.account_id AND s.suppression_id = e.suppression_id
