-- SPDX-License-Identifier: Apache-2.0
-- Database roles and row-level security. Roles belong to the whole cluster, so they are made only
-- where they are missing: by us where we may, else by whoever administers the cluster. They have no
-- password: whoever installs decides how they log in.
--
-- bounced_owner   owns the tables; later migrations begin with SET LOCAL ROLE bounced_owner
-- bounced_ingest  writes what comes in, of every account
-- bounced_api     sees only the account that the transaction names in app.account
-- bounced_jobs    may do what the owner may

DO $$
DECLARE
	role text;
BEGIN
	FOREACH role IN ARRAY ARRAY['bounced_owner', 'bounced_ingest', 'bounced_api', 'bounced_jobs'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
			BEGIN
				EXECUTE format('CREATE ROLE %I LOGIN', role);
			EXCEPTION WHEN duplicate_object OR unique_violation THEN
				NULL; -- another database of this cluster is being migrated as well
			END;
		END IF;
	END LOOP;
	IF NOT pg_has_role(current_user, 'bounced_owner', 'MEMBER') THEN
		EXECUTE format('GRANT bounced_owner TO %I', current_user);
	END IF;
	IF NOT pg_has_role('bounced_jobs', 'bounced_owner', 'MEMBER') THEN
		GRANT bounced_owner TO bounced_jobs;
	END IF;
END
$$;

-- Everything of ours changes hands, partitions included.
GRANT USAGE, CREATE ON SCHEMA public TO bounced_owner;
DO $$
DECLARE
	thing text;
BEGIN
	FOR thing IN
		SELECT format('TABLE %s', oid::regclass) FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
			AND pg_get_userbyid(relowner) = current_user
		UNION ALL
		SELECT format('FUNCTION %s', oid::regprocedure) FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace
			AND proname IN ('ensure_partition', 'ensure_partitions')
	LOOP
		EXECUTE format('ALTER %s OWNER TO bounced_owner', thing);
	END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO bounced_ingest, bounced_api;
GRANT SELECT ON schema_migration TO bounced_ingest, bounced_api;
GRANT SELECT ON account, bounce_domain, token_key TO bounced_ingest, bounced_api;
GRANT SELECT ON api_key TO bounced_api;
GRANT UPDATE (change_number) ON account TO bounced_ingest, bounced_api;
GRANT SELECT, INSERT ON ingest_key, event_key, report, report_raw, event TO bounced_ingest;
GRANT SELECT, INSERT, UPDATE ON rollup_hour, suppression TO bounced_ingest;
GRANT SELECT ON report, report_raw, event, rollup_hour TO bounced_api;
GRANT SELECT, INSERT, UPDATE ON suppression TO bounced_api;
REVOKE ALL ON FUNCTION ensure_partition(text, text, timestamptz, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION ensure_partitions(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions(timestamptz) TO bounced_ingest;

-- The second wall behind `account_id = $1`. What is looked up before the account is known
-- (bounce_domain, token_key, api_key) has none.
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['account', 'ingest_key', 'event_key', 'report', 'report_raw', 'event',
			'suppression', 'rollup_hour'] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY ingest_all ON %I TO bounced_ingest USING (true) WITH CHECK (true)', name);
		EXECUTE format('CREATE POLICY api_account ON %I TO bounced_api'
			' USING (account_id = nullif(current_setting(''app.account'', true), '''')::bigint)', name);
	END LOOP;
END
$$;
