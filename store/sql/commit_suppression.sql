-- SPDX-License-Identifier: Apache-2.0
-- Suppresses the subjects of the events whose effect won ($2: its key): an address, or a ref where the
-- address is unknown. What names only a ref is about the address of an entry that has that ref, where that
-- is one. A tombstone or an expired entry is revived; a live one stays as it is, unless a complaint or an
-- unsubscribe meets an entry of weaker origin.
--
-- The account's counter is raised in this statement, and its row stays locked until COMMIT: whoever
-- can see change n never meets a number below n for the first time. Every candidate takes a number;
-- that of one that changes nothing stays unused. (To look first, whether an entry is live, would take
-- a join whose plan PostgreSQL may base on the wrong index while the table is new; ON CONFLICT always
-- takes the right one.)
WITH won AS (
	SELECT c.*
	FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::boolean[], $6::text[],
			$7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
		WITH ORDINALITY AS c (account_id, key, event_id, received_at, final, stream, address,
			address_key, ref, reason, origin, policy, evidence, position)
	JOIN event_key k ON k.account_id = c.account_id AND k.key = c.key AND k.event_id = c.event_id
), bearer AS MATERIALIZED (
	SELECT account_id, ref, min(address) AS address, min(address_key) AS address_key
	FROM (
		SELECT w.account_id, w.ref, s.address, s.address_key
		FROM won w
		JOIN suppression s ON s.account_id = w.account_id AND s.ref = w.ref AND s.ref <> ''
		WHERE w.address_key = '' AND s.address_key <> ''
		UNION ALL
		SELECT account_id, ref, address, address_key
		FROM won
		WHERE address_key <> '' AND ref <> ''
	) b
	GROUP BY account_id, ref
	HAVING count(DISTINCT address_key) = 1
), subject AS (
	SELECT w.account_id, w.event_id, w.received_at, w.stream, w.ref, w.reason, w.origin, w.policy,
		w.evidence, w.final, w.position,
		CASE WHEN w.address_key = '' THEN coalesce(b.address, '') ELSE w.address END AS address,
		CASE WHEN w.address_key = '' THEN coalesce(b.address_key, '') ELSE w.address_key END
			AS address_key
	FROM won w
	LEFT JOIN LATERAL (
		-- OFFSET: asked only for those without address, which are few
		SELECT address, address_key
		FROM bearer
		WHERE w.address_key = '' AND bearer.account_id = w.account_id AND bearer.ref = w.ref
		OFFSET 0
	) b ON true
), candidate AS (
	SELECT DISTINCT ON (account_id, address_key, only_ref, stream) *,
		CASE WHEN address_key = '' THEN ref ELSE '' END AS only_ref
	FROM subject
	ORDER BY account_id, address_key, only_ref, stream, final DESC, position
), bump AS (
	UPDATE account SET change_number = account.change_number + d.changes
	FROM (SELECT account_id, count(*) AS changes FROM candidate GROUP BY account_id ORDER BY account_id) d
	WHERE account.account_id = d.account_id
	RETURNING account.account_id, account.change_number - d.changes AS base
), numbered AS (
	SELECT c.*, bump.base + row_number() OVER (PARTITION BY c.account_id
		ORDER BY c.address_key, c.only_ref, c.stream) AS change_number
	FROM candidate c
	JOIN bump ON bump.account_id = c.account_id
), by_address AS (
	INSERT INTO suppression AS s (account_id, suppression_id, stream, address, address_key, ref,
		reason, origin, policy, evidence, can_reactivate, change_number, created_at, updated_at)
	SELECT account_id, event_id, stream, address, address_key, ref, reason, origin, policy,
		evidence::jsonb, NOT final, change_number, received_at, received_at
	FROM numbered
	WHERE address_key <> ''
	ORDER BY account_id, address_key, stream
	ON CONFLICT (account_id, address_key, stream) WHERE address_key <> '' DO UPDATE
	SET address = excluded.address,
		ref = CASE WHEN excluded.ref = '' THEN s.ref ELSE excluded.ref END,
		reason = excluded.reason, origin = excluded.origin, policy = excluded.policy,
		evidence = excluded.evidence, can_reactivate = excluded.can_reactivate,
		change_number = excluded.change_number, updated_at = excluded.updated_at,
		created_at = CASE WHEN s.removed_at IS NULL AND coalesce(s.expires_at > excluded.updated_at, true)
			THEN s.created_at ELSE excluded.created_at END,
		expires_at = NULL, removed_at = NULL
	WHERE s.removed_at IS NOT NULL OR s.expires_at <= excluded.updated_at
		OR NOT excluded.can_reactivate AND s.origin NOT IN ('complaint', 'unsubscribe')
)
INSERT INTO suppression AS s (account_id, suppression_id, stream, address, address_key, ref,
	reason, origin, policy, evidence, can_reactivate, change_number, created_at, updated_at)
SELECT account_id, event_id, stream, '', '', ref, reason, origin, policy,
	evidence::jsonb, NOT final, change_number, received_at, received_at
FROM numbered
WHERE address_key = ''
ORDER BY account_id, ref, stream
ON CONFLICT (account_id, ref, stream) WHERE address_key = '' DO UPDATE
SET reason = excluded.reason, origin = excluded.origin, policy = excluded.policy,
	evidence = excluded.evidence, can_reactivate = excluded.can_reactivate,
	change_number = excluded.change_number, updated_at = excluded.updated_at,
	created_at = CASE WHEN s.removed_at IS NULL AND coalesce(s.expires_at > excluded.updated_at, true)
		THEN s.created_at ELSE excluded.created_at END,
	expires_at = NULL, removed_at = NULL
WHERE s.removed_at IS NOT NULL OR s.expires_at <= excluded.updated_at
	OR NOT excluded.can_reactivate AND s.origin NOT IN ('complaint', 'unsubscribe')
