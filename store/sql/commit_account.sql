-- SPDX-License-Identifier: Apache-2.0
-- Locks the accounts whose suppressions may change, in order. A statement sees what was committed before
-- it began: what comes after this one sees all that others have done to these suppressions, and nobody
-- does more. $1, $2, $3: account, key and event of effects; $4, $5: account and ref of events that name
-- the address of a ref.
SELECT a.account_id
FROM account a
WHERE a.account_id IN (
	SELECT e.account_id
	FROM unnest($1::bigint[], $2::bytea[], $3::uuid[]) AS e (account_id, key, event_id)
	JOIN event_key k ON k.account_id = e.account_id AND k.key = e.key AND k.event_id = e.event_id
	UNION
	SELECT s.account_id
	FROM unnest($4::bigint[], $5::text[]) AS n (account_id, ref)
	JOIN suppression s ON s.account_id = n.account_id AND s.ref = n.ref AND s.ref <> '' AND s.address_key = '')
ORDER BY a.account_id
FOR NO KEY UPDATE OF a
