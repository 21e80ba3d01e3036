-- SPDX-License-Identifier: Apache-2.0
-- An effect that may happen once: the first event that won takes its key. $1, $2: account and key of the
-- effect, sorted; $3, $4: event; $5: key of the event. The keys live among those of events, from which
-- they differ by how they are made.
INSERT INTO event_key (account_id, key, event_id, received_at)
SELECT e.account_id, e.effect_key, e.event_id, e.received_at
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::bytea[])
	AS e (account_id, effect_key, event_id, received_at, key)
JOIN event_key k ON k.account_id = e.account_id AND k.key = e.key AND k.event_id = e.event_id
ON CONFLICT (account_id, key) DO NOTHING
