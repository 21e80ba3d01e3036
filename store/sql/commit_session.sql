-- SPDX-License-Identifier: Apache-2.0
-- Once per connection of a committer. Its statements touch a batch of rows by index; plans are kept
-- for as long as the connection lives, so the choice must not hang on how small a new table is.
SELECT set_config('enable_seqscan', 'off', false),
	set_config('enable_hashjoin', 'off', false),
	set_config('enable_mergejoin', 'off', false),
	set_config('plan_cache_mode', 'force_generic_plan', false),
	set_config('jit', 'off', false),
	set_config('statement_timeout', $1, false),
	set_config('idle_in_transaction_session_timeout', $1, false),
	current_setting('fsync') = 'off' OR current_setting('full_page_writes') = 'off'
		OR current_setting('synchronous_commit') = 'off' AS unsafe
