-- SPDX-License-Identifier: Apache-2.0
-- Keys that are past their time are found by account and age. A BRIN index does not find them for long:
-- pages that deleted keys leave are used again, so that soon each of its ranges spans all ages.
SET LOCAL ROLE bounced_owner;

CREATE INDEX ingest_key_age ON ingest_key (account_id, received_at);
CREATE INDEX event_key_age ON event_key (account_id, received_at);
DROP INDEX ingest_key_received_at, event_key_received_at;
