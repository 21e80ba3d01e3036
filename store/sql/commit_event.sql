-- SPDX-License-Identifier: Apache-2.0
-- An event_key that holds our event_id was won in this transaction, by a report that won. Where another
-- event has won the key of the effect, it has no effect.
INSERT INTO event (account_id, event_id, received_at, report_id, campaign, late, attributed, kind,
	class, reason, severity, trust, recipient_domain, provider, effect, address, original_address,
	address_key, ref, action, status, reply_code, remote_mta, diagnostic, rule, matched,
	feedback_type, policy)
SELECT e.account_id, e.event_id, e.received_at, e.report_id, e.campaign, e.late, e.attributed,
	e.kind, e.class, e.reason, e.severity, e.trust, e.recipient_domain, e.provider,
	CASE WHEN x.key IS NULL THEN 'none' ELSE e.effect END,
	e.address, e.original_address, e.address_key, e.ref, e.action, e.status, e.reply_code,
	e.remote_mta, e.diagnostic, e.rule, e.matched, e.feedback_type,
	CASE WHEN x.key IS NULL THEN 'cap/token' ELSE e.policy END
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::bytea[], $6::uuid[],
		$7::bytea[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
		$14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[],
		$21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], $27::text[],
		$28::text[], $29::text[], $30::boolean[], $31::boolean[])
	AS e (account_id, key, event_id, received_at, report_key, report_id, effect_key, campaign, kind,
		class, reason, severity, trust, recipient_domain, provider, effect, address,
		original_address, address_key, ref, action, status, reply_code, remote_mta, diagnostic, rule,
		matched, feedback_type, policy, late, attributed)
JOIN event_key k ON k.account_id = e.account_id AND k.key = e.key AND k.event_id = e.event_id
LEFT JOIN event_key x ON x.account_id = e.account_id AND x.key = e.effect_key AND x.event_id = e.event_id
WHERE e.kind <> 'delivered' OR e.account_id IN (SELECT account_id FROM account WHERE keep_delivered)
