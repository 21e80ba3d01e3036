-- SPDX-License-Identifier: Apache-2.0
-- What the jobs process needs to let go of what is past its time.
SET LOCAL ROLE bounced_owner;

-- Drops one partition that ends at `before` or earlier, the oldest first; its name, or NULL where there
-- is none. DROP locks the parent against every commit: it gives up soon where somebody reads, and one
-- at a time lets commits in between.
CREATE FUNCTION drop_old_partition(parent text, before timestamptz)
	RETURNS text LANGUAGE plpgsql
	SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
	oldest text;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('bounced.partition'));
	SELECT inhrelid::regclass INTO oldest
	FROM (SELECT inhrelid, substring(pg_get_expr(c.relpartbound, c.oid)
			FROM 'TO \(''([^'']+)''\)')::timestamptz AS upper_bound
		FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
		WHERE inhparent = parent::regclass) p
	WHERE upper_bound <= before
	ORDER BY upper_bound
	LIMIT 1;
	IF oldest IS NOT NULL THEN
		EXECUTE 'DROP TABLE ' || oldest;
	END IF;
	RETURN oldest;
END
$$;
REVOKE ALL ON FUNCTION drop_old_partition(text, timestamptz) FROM PUBLIC;

-- Suppressions that end, and tombstones that are no longer told to anybody.
CREATE INDEX suppression_expires_at ON suppression (account_id, expires_at)
	WHERE expires_at IS NOT NULL AND removed_at IS NULL;
CREATE INDEX suppression_removed_at ON suppression (account_id, removed_at) WHERE removed_at IS NOT NULL;
