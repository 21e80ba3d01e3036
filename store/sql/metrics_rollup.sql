-- SPDX-License-Identifier: Apache-2.0
-- Counts from the hourly roll-ups. $2 inclusive, $3 exclusive, $4 'hour' or 'day' (UTC); $5..$12: whether
-- to group by kind, class, reason, severity, trust, campaign, recipient_domain, provider; $13..$20: what
-- these must be, where not empty (campaign: not negative); $21: rows at most.
SELECT date_trunc($4, hour, 'UTC') AS bucket,
	CASE WHEN $5 THEN kind END AS kind,
	CASE WHEN $6 THEN class END AS class,
	CASE WHEN $7 THEN reason END AS reason,
	CASE WHEN $8 THEN severity END AS severity,
	CASE WHEN $9 THEN trust END AS trust,
	CASE WHEN $10 THEN campaign END AS campaign,
	CASE WHEN $11 THEN recipient_domain END AS recipient_domain,
	CASE WHEN $12 THEN provider END AS provider,
	sum(events)::bigint AS events,
	sum(suppressed)::bigint AS suppressed
FROM rollup_hour
WHERE account_id = $1 AND hour >= $2 AND hour < $3
	AND ($13 = '' OR kind = $13)
	AND ($14 = '' OR class = $14)
	AND ($15 = '' OR reason = $15)
	AND ($16 = '' OR severity = $16)
	AND ($17 = '' OR trust = $17)
	AND ($18::bigint < 0 OR campaign = $18)
	AND ($19 = '' OR recipient_domain = $19)
	AND ($20 = '' OR provider = $20)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
HAVING sum(events) <> 0 -- of what was counted elsewhere since
ORDER BY 1, events DESC, 2, 3, 4, 5, 6, 7, 8, 9
LIMIT $21
