-- SPDX-License-Identifier: Apache-2.0
-- Suppressions can be asked for by SHA-256 of an address, so that a list can be checked without being
-- handed over.
SET LOCAL ROLE bounced_owner;

-- convert_to() counts as stable because it names its encoding; ours never changes.
CREATE FUNCTION address_sha256(address_key text) RETURNS bytea
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN sha256(convert_to(address_key, 'UTF8'));

-- A column and not an index on the expression: row-level security keeps functions that are not
-- leakproof away from an index, and only a superuser may call one leakproof.
ALTER TABLE suppression ADD COLUMN address_digest bytea GENERATED ALWAYS AS (address_sha256(address_key)) STORED;
COMMENT ON COLUMN suppression.address_digest IS 'SHA-256 of address_key, as clients compute it.';

CREATE INDEX suppression_digest ON suppression (account_id, address_digest) WHERE address_key <> '';
