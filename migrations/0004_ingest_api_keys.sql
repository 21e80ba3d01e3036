-- SPDX-License-Identifier: Apache-2.0
-- API keys of scope ingest are the passwords of SMTP AUTH, so ingest reads what it checks them with.
SET LOCAL ROLE bounced_owner;

GRANT SELECT (key_id, account_id, scopes, secret_sha256, expires_at, revoked_at) ON api_key
	TO bounced_ingest;
