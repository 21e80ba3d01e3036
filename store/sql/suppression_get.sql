-- SPDX-License-Identifier: Apache-2.0
-- Live entries of one subject. $2 address_key or empty, $3 ref or empty, $4 stream or empty for any.
SELECT suppression_id, stream, address, address_key, ref, reason, origin, policy, evidence,
	can_reactivate, change_number, created_at, updated_at, expires_at
FROM suppression
WHERE account_id = $1
	AND (address_key <> '' AND address_key = $2 OR ref <> '' AND ref = $3)
	AND ($4 = '' OR stream = $4)
	AND removed_at IS NULL AND (expires_at IS NULL OR expires_at > now())
ORDER BY suppression_id
