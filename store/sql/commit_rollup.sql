-- SPDX-License-Identifier: Apache-2.0
-- Grouped first, so that no row is hit twice. $5, $6 are not needed here; $17: our slot.
INSERT INTO rollup_hour AS h (account_id, hour, slot, kind, class, reason, severity, trust, campaign,
	recipient_domain, provider, events, suppressed)
SELECT e.account_id, date_trunc('hour', e.received_at, 'UTC'), $17::bigint, e.kind, e.class,
	e.reason, e.severity, e.trust, e.campaign, e.recipient_domain, e.provider, count(*),
	count(x.key) FILTER (WHERE e.effect = 'suppress')
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::bytea[], $6::uuid[],
		$7::bytea[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
		$14::text[], $15::text[], $16::text[])
	AS e (account_id, key, event_id, received_at, report_key, report_id, effect_key, campaign, kind,
		class, reason, severity, trust, recipient_domain, provider, effect)
JOIN event_key k ON k.account_id = e.account_id AND k.key = e.key AND k.event_id = e.event_id
LEFT JOIN event_key x ON x.account_id = e.account_id AND x.key = e.effect_key AND x.event_id = e.event_id
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
ON CONFLICT (account_id, hour, slot, kind, class, reason, severity, trust, campaign,
	recipient_domain, provider)
DO UPDATE SET events = h.events + excluded.events, suppressed = h.suppressed + excluded.suppressed
