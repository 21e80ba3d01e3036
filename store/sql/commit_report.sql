-- SPDX-License-Identifier: Apache-2.0
INSERT INTO report (account_id, report_id, received_at, size, kind, format, trust, source, peer,
	helo, tls, mail_from, recipients, detail, quarantine, flags, authentication)
SELECT r.account_id, r.report_id, r.received_at, r.size, r.kind, r.format, r.trust, r.source, r.peer,
	r.helo, r.tls, r.mail_from, r.recipients::text[], r.detail::jsonb, r.quarantine, r.flags,
	nullif(r.authentication, '')::jsonb
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::text[],
		$7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
		$14::text[], $15::text[], $16::text[], $17::text[], $18::text[])
	AS r (account_id, key, report_id, received_at, size, kind, format, trust, source, peer, helo, tls,
		mail_from, recipients, detail, quarantine, flags, authentication)
JOIN ingest_key k ON k.account_id = r.account_id AND k.key = r.key AND k.report_id = r.report_id
