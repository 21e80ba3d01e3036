/* SPDX-License-Identifier: Apache-2.0 */
/* Each call by which a batch is given to libpq fails in turn, as when memory runs out: either all
 * of the batch is committed or nothing, and what is handed in again is stored whole. */
#include "tests/db/filings.h"

#include <dlfcn.h>

#include <libpq-fe.h>

/* The calls until one fails; 0: none will. */
static unsigned calls_left;

static bool fails(void)
{
	return calls_left > 0 && --calls_left == 0;
}

/* These stand before libpq's. */
#define FAILING(name, parameters, arguments)                                                      \
	int name parameters                                                                       \
	{                                                                                         \
		int(*real) parameters = __extension__(int(*) parameters) dlsym(RTLD_NEXT, #name); \
                                                                                                  \
		return fails() ? 0 : real arguments;                                              \
	}

FAILING(PQsendQueryParams,
	(PGconn * conn, const char *sql, int count, const Oid *types, const char *const *values,
	 const int *lengths, const int *formats, int binary),
	(conn, sql, count, types, values, lengths, formats, binary))
FAILING(PQsendQueryPrepared,
	(PGconn * conn, const char *name, int count, const char *const *values, const int *lengths,
	 const int *formats, int binary),
	(conn, name, count, values, lengths, formats, binary))
FAILING(PQpipelineSync, (PGconn * conn), (conn))

/* A bounce, and a complaint of somebody else: what each statement inserts has a row of its own. */
static void make_filings(struct database *database, unsigned number, struct filing *filings[2])
{
	struct arena *arena = database->arena;

	filings[0] = filing_bounce(arena, arena_printf(arena, "bounce %u", number).ptr,
				   arena_printf(arena, "u%u@example.test", number).ptr);
	filings[1] = filing_complaint(arena, arena_printf(arena, "complaint %u", number).ptr,
				      arena_printf(arena, "%u", 1000 + number).ptr);
}

static void check_whole(struct database *database, unsigned batches)
{
	static const char *const tables[] = { "report", "report_raw", "event", "suppression" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const char *query =
			arena_printf(database->arena, "SELECT count(*) FROM %s", tables[i]).ptr;
		int64_t rows = database_number(database, query);

		if (rows != 2 * batches)
			fail_msg("%s: %lld rows after %u batches", tables[i], (long long)rows,
				 batches);
	}
	assert_int_equal(database_number(database, "SELECT sum(events) FROM rollup_hour"),
			 2 * batches);
}

static void a_refused_call_commits_nothing(void **state)
{
	struct database *database = database_new();
	struct committer *committer =
		committer_new(database_dsn_as(database, "bounced_ingest"), 0, false);
	unsigned number = 0;
	bool failed = true;

	(void)state;
	while (failed) {
		struct filing *filings[2];
		struct commit_item items[2];

		make_filings(database, ++number, filings);
		if (!committer_wait_ready(committer))
			fail_msg("the committer does not become ready");
		calls_left = number;
		commit(committer, items, filings, 2);
		failed = calls_left == 0;
		calls_left = 0;
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(items[i].outcome, failed ? COMMIT_LATER : COMMIT_DONE);
		make_filings(database, number, filings); /* the same messages, under new ids */
		commit(committer, items, filings, 2);
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(items[i].outcome, COMMIT_DONE);
		check_whole(database, number);
	}
	assert_in_range(number, 10, 40); /* calls that there are, and one more */
	committer_free(committer);
	database_free(database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_call_commits_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
