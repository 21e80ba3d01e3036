/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that storing a report takes: one connection inserts ingest_key, report and report_raw
 *rows of the service's own schema, 64 a batch, each batch one pipelined transaction of three
 *`unnest` inserts. All parameters are made before the clock starts. Prints one JSON object.
 *
 *	bare_insert DSN ACCOUNT SPOOL DETAIL	DETAIL: a file with one report as `bounced parse`
 *prints it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "bench/spool.h"
#include "core/arena.h"
#include "core/hash.h"
#include "core/slice.h"
#include "core/timestamp.h"
#include "core/uuid.h"
#include "store/pg.h"

#define BATCH 64

/* $1 account, $2 report ids, $3 times; then what the statement needs. */
static const char *const STATEMENTS[] = {
	"INSERT INTO ingest_key (account_id, key, report_id, received_at)"
	" SELECT $1, k, r, t FROM unnest($2::uuid[], $3::timestamptz[], $4::bytea[]) AS x (r, t, k)"
	" ON CONFLICT DO NOTHING",
	"INSERT INTO report (account_id, report_id, received_at, kind, format, trust, source, "
	"peer, helo,"
	" tls, mail_from, recipients, size, detail, quarantine, flags)"
	" SELECT $1, r, t, 'bounce', 'rfc3464', 'verified', 'smtp', '127.0.0.1', 'load.example', "
	"'', '',"
	" ARRAY[a], s, d::jsonb, '', ''"
	" FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::bigint[], $6::text[])"
	" AS x (r, t, a, s, d)",
	"INSERT INTO report_raw (account_id, report_id, received_at, raw)"
	" SELECT $1, r, t, b FROM unnest($2::uuid[], $3::timestamptz[], $4::bytea[]) AS x (r, t, "
	"b)",
};
#define STATEMENT_COUNT (sizeof(STATEMENTS) / sizeof(*STATEMENTS))
static const char *const NAMES[STATEMENT_COUNT] = { "key", "report", "raw" };

struct batch {
	struct pg_params params[STATEMENT_COUNT];
};

static void batch_make(struct batch *batch, int64_t account, const struct spool_message *messages,
		       size_t count, struct slice detail, struct arena *arena)
{
	int64_t now = time_now_ms();
	struct uuid ids[BATCH];
	int64_t times[BATCH];
	int64_t sizes[BATCH];
	uint8_t digests[BATCH][SHA256_LEN];
	struct slice keys[BATCH];
	struct slice raws[BATCH];
	struct slice recipients[BATCH];
	struct slice details[BATCH];
	for (size_t i = 0; i < count; i++) {
		ids[i] = uuid_v7(now);
		times[i] = now;
		sizes[i] = (int64_t)messages[i].wire.len;
		raws[i] = messages[i].wire;
		recipients[i] = messages[i].recipient;
		details[i] = detail;
		sha256(messages[i].wire, digests[i]);
		keys[i] = slice_from((const char *)digests[i], SHA256_LEN);
	}
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		pg_params_init(&batch->params[i], arena);
		pg_param_int8(&batch->params[i], account);
		pg_param_uuid_array(&batch->params[i], ids, count);
		pg_param_time_array(&batch->params[i], times, count);
	}
	pg_param_bytea_array(&batch->params[0], keys, count);
	pg_param_text_array(&batch->params[1], recipients, count);
	pg_param_int8_array(&batch->params[1], sizes, count);
	pg_param_text_array(&batch->params[1], details, count);
	pg_param_bytea_array(&batch->params[2], raws, count);
}

static void must(PGconn *connection, int ok)
{
	if (!ok)
		die("bare_insert", PQerrorMessage(connection));
}

/* Takes the results of one batch up to its Sync; every one must have succeeded. */
static void batch_finish(PGconn *connection)
{
	for (;;) {
		PGresult *result = PQgetResult(connection);
		if (!result)
			continue;
		ExecStatusType status = PQresultStatus(result);
		if (status != PGRES_COMMAND_OK && status != PGRES_PIPELINE_SYNC)
			die("bare_insert", PQresultErrorMessage(result));
		PQclear(result);
		if (status == PGRES_PIPELINE_SYNC)
			return;
	}
}

static void batch_run(PGconn *connection, const struct batch *batch)
{
	static const int BINARY[PG_PARAMS_MAX] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	must(connection, PQsendQueryPrepared(connection, "begin", 0, NULL, NULL, NULL, 0));
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		must(connection, PQsendQueryPrepared(connection, NAMES[i], batch->params[i].count,
						     batch->params[i].values,
						     batch->params[i].lengths, BINARY, 1));
	must(connection, PQsendQueryPrepared(connection, "commit", 0, NULL, NULL, NULL, 0));
	must(connection, PQpipelineSync(connection));
	batch_finish(connection);
}

static void prepare(PGconn *connection, const char *name, const char *sql,
		    const struct pg_params *params)
{
	PGresult *result = PQprepare(connection, name, sql, params ? params->count : 0,
				     params ? params->types : NULL);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die(name, PQresultErrorMessage(result));
	PQclear(result);
}

static struct slice read_detail(const char *path, struct arena *arena)
{
	char text[65536];
	FILE *file = fopen(path, "rb");
	size_t len = file ? fread(text, 1, sizeof(text), file) : 0;
	if (len == 0)
		die(path, "cannot be read");
	fclose(file);
	return arena_copy(arena, slice_from(text, len));
}

int main(int argc, char **argv)
{
	if (argc != 5)
		die("usage", "bare_insert DSN ACCOUNT SPOOL DETAIL");
	struct arena *arena = arena_new(0);
	struct spool spool = spool_read(argv[3], arena);
	struct slice detail = read_detail(argv[4], arena);
	size_t batch_count = (spool.count + BATCH - 1) / BATCH;
	struct batch *batches = ARENA_ARRAY(arena, struct batch, batch_count);
	for (size_t i = 0; i < batch_count; i++) {
		size_t left = spool.count - i * BATCH;
		batch_make(&batches[i], strtol(argv[2], NULL, 10), &spool.messages[i * BATCH],
			   left < BATCH ? left : BATCH, detail, arena);
	}

	PGconn *connection = PQconnectdb(argv[1]);
	must(connection, PQstatus(connection) == CONNECTION_OK);
	prepare(connection, "begin", "BEGIN", NULL);
	prepare(connection, "commit", "COMMIT", NULL);
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		prepare(connection, NAMES[i], STATEMENTS[i], &batches[0].params[i]);
	must(connection, PQenterPipelineMode(connection));
	double begin = seconds_now();
	for (size_t i = 0; i < batch_count; i++)
		batch_run(connection, &batches[i]);
	double seconds = seconds_now() - begin;
	printf("{\"messages\":%zu,\"seconds\":%.3f,\"rate\":%.1f}\n", spool.count, seconds,
	       (double)spool.count / seconds);
	PQfinish(connection);
	arena_free(arena);
	return 0;
}
