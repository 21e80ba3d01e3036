-- SPDX-License-Identifier: Apache-2.0
-- Suppressions can be asked for by SHA-256 of an address, so that a list can be checked without being
-- handed over.
SET LOCAL ROLE bounced_owner;

-- A column and not an index on the expression: row-level security keeps functions that are not
-- leakproof away from an index, and only a superuser may call one leakproof. The cast takes the text's
-- bytes once its backslashes are doubled; convert_to() would say so more plainly, but counts as
-- stable, and to wrap it in a function costs ten times as much for every row written.
ALTER TABLE suppression ADD COLUMN address_digest bytea
	GENERATED ALWAYS AS (sha256(replace(address_key, '\', '\\')::bytea)) STORED;
COMMENT ON COLUMN suppression.address_digest IS 'SHA-256 of address_key, as clients compute it.';

CREATE INDEX suppression_digest ON suppression (account_id, address_digest) WHERE address_key <> '';
