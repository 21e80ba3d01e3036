-- SPDX-License-Identifier: Apache-2.0
-- One event. $3: the time that its id names, which names its partition.
SELECT event_id, received_at, report_id, kind, trust, late, attributed, address, original_address,
	ref, campaign, recipient_domain, provider, action, status, reply_code, reason, severity, class,
	remote_mta, diagnostic, rule, matched, feedback_type, effect, policy
FROM event
WHERE account_id = $1 AND event_id = $2 AND received_at = $3
