-- SPDX-License-Identifier: Apache-2.0
-- Who sent a report, as far as that was found out.
SET LOCAL ROLE bounced_owner;

ALTER TABLE report ADD COLUMN authentication jsonb;
COMMENT ON COLUMN report.authentication IS 'Results of SPF, DKIM and DMARC and the allow-listed reporter that they prove; NULL where nothing depended on them.';
