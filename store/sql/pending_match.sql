-- SPDX-License-Identifier: Apache-2.0
-- The stored events of a report ($2, received at $3) by their keys ($4); of equal keys the first, as when
-- they were stored. A key that another report holds is not among them: that one counts.
SELECT min(e.position) AS position, v.event_id
FROM unnest($4::bytea[]) WITH ORDINALITY AS e (key, position)
JOIN event_key k ON k.account_id = $1 AND k.key = e.key
JOIN event v ON v.account_id = $1 AND v.received_at = $3 AND v.event_id = k.event_id
WHERE v.report_id = $2
GROUP BY v.event_id
ORDER BY 1
