-- SPDX-License-Identifier: Apache-2.0
-- One report. $3: the time that its id names. Its events were received in the same millisecond.
SELECT report_id, received_at, trust, source, peer, helo, tls, mail_from, recipients, size, flags,
	detail, authentication,
	ARRAY(SELECT event_id::text FROM event
		WHERE account_id = $1 AND received_at = $3 AND report_id = $2
		ORDER BY event_id) AS events
FROM report
WHERE account_id = $1 AND report_id = $2 AND received_at = $3
