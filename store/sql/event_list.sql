-- SPDX-License-Identifier: Apache-2.0
-- A page of events, newest first, older than ($2, $3). Empty, zero and NULL filters let all pass.
SELECT event_id, received_at, report_id, kind, trust, late, attributed, address, original_address,
	ref, campaign, recipient_domain, provider, action, status, reply_code, reason, severity, class,
	remote_mta, diagnostic, rule, matched, feedback_type, effect, policy
FROM event
WHERE account_id = $1
	AND ($2::timestamptz IS NULL OR (received_at, event_id) < ($2, $3::uuid))
	AND ($4 = '' OR (address_key = $4 AND address_key <> ''))
	AND ($5 = '' OR (ref = $5 AND ref <> ''))
	AND ($6 = '' OR kind = $6)
	AND ($7 = '' OR reason = $7)
	AND ($8 = '' OR class = $8)
	AND ($9::bigint = 0 OR campaign = $9)
	AND ($10::timestamptz IS NULL OR received_at >= $10)
	AND ($11::timestamptz IS NULL OR received_at < $11)
ORDER BY received_at DESC, event_id DESC
LIMIT $12
