-- SPDX-License-Identifier: Apache-2.0
-- Suppressions can be asked for by SHA-256 of an address, so that a list can be checked without being
-- handed over.
SET LOCAL ROLE bounced_owner;

-- convert_to() counts as stable because it names its encoding; ours never changes.
CREATE FUNCTION address_sha256(address_key text) RETURNS bytea
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN sha256(convert_to(address_key, 'UTF8'));
COMMENT ON FUNCTION address_sha256 IS 'Of the normal form of an address, as clients compute it.';

CREATE INDEX suppression_digest ON suppression (account_id, address_sha256(address_key)) WHERE address_key <> '';
