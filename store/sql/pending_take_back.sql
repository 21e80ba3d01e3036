-- SPDX-License-Identifier: Apache-2.0
-- Takes events ($3, received at $2) out of the events and out of the counts, to be filed anew. The counts
-- of the processes that filed them are theirs; ours ($4: our slot) goes below zero instead.
WITH gone AS (
	DELETE FROM event
	WHERE account_id = $1 AND received_at = $2 AND event_id = ANY ($3::uuid[])
	RETURNING account_id, received_at, kind, class, reason, severity, trust, campaign,
		recipient_domain, provider, effect
)
INSERT INTO rollup_hour AS h (account_id, hour, slot, kind, class, reason, severity, trust, campaign,
	recipient_domain, provider, events, suppressed)
SELECT account_id, date_trunc('hour', received_at, 'UTC'), $4::bigint, kind, class, reason, severity,
	trust, campaign, recipient_domain, provider, -count(*), -count(*) FILTER (WHERE effect = 'suppress')
FROM gone
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
ON CONFLICT (account_id, hour, slot, kind, class, reason, severity, trust, campaign,
	recipient_domain, provider)
DO UPDATE SET events = h.events + excluded.events, suppressed = h.suppressed + excluded.suppressed
