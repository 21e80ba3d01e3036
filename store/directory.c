/* SPDX-License-Identifier: Apache-2.0 */
#include "store/directory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "core/uuid.h"
#include "store/link.h"
#include "store/pattern_secret.h"
#include "store/pg_connect.h"
#include "store/token_key.h"

/* Answers in the order in which they are asked for. */
enum answer {
	ANSWER_ANNOUNCE, /* these two only from a loader that announces itself */
	ANSWER_ANNOUNCE_SYNC,
	ANSWER_BEGIN,
	ANSWER_ACCOUNTS,
	ANSWER_DOMAINS,
	ANSWER_PATTERNS,
	ANSWER_KEYS,
	ANSWER_API_KEYS,
	ANSWER_COMMIT,
	ANSWER_SYNC,
	ANSWER_COUNT
};

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)
#define RETIRED_DAYS    TEXT(TOKEN_KEY_RETIRED_DAYS)

static const char ANNOUNCE[] =
	"WITH gone AS (DELETE FROM ingest_process WHERE seen_at < now() - interval '1 day')"
	" INSERT INTO ingest_process (process_id, host, pid, seen_at, next_keys)"
	" VALUES ($1, $2, $3, now(), $4)"
	" ON CONFLICT (process_id) DO UPDATE"
	" SET seen_at = excluded.seen_at, next_keys = excluded.next_keys";

static const char *const QUESTIONS[ANSWER_SYNC] = {
	[ANSWER_BEGIN] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[ANSWER_ACCOUNTS] = "SELECT account_id, mode = 'observe' AS observe, accept_unverified"
			    " FROM account",
	[ANSWER_DOMAINS] = "SELECT name, account_id, reject_invalid = '550' AS reject"
			   " FROM bounce_domain",
	[ANSWER_PATTERNS] = "SELECT domain, pattern_id, template, algorithm, covers, mac_digits,"
			    " secret_box, expires_at FROM legacy_pattern",
	[ANSWER_KEYS] = "SELECT account_id, key_id, secret_box, CASE WHEN state = 'retired'"
			"  AND retired_at < now() - make_interval(days => " RETIRED_DAYS ")"
			"  THEN 'revoked' ELSE state END AS state"
			" FROM token_key",
	[ANSWER_API_KEYS] = "SELECT key_id, account_id, secret_sha256, expires_at FROM api_key"
			    " WHERE 'ingest' = ANY (scopes) AND revoked_at IS NULL",
	[ANSWER_COMMIT] = "COMMIT",
};

struct directory_loader {
	struct pg_link link;
	const uint8_t *master_key;
	bool requested;
	int answer; /* the next one; -1: nothing is being loaded */
	int64_t deadline;
	struct directory *directory; /* being filled */
	bool reported_down;
	size_t closed;          /* keys and secrets that do not open */
	size_t reported_closed; /* as the log has it */

	struct arena *announcement; /* NULL: this loader announces nothing */
	struct uuid process_id;
	struct slice *next_keys; /* of the last directory, in that arena */
	size_t next_key_count;
};

struct directory_loader *directory_loader_new(const char *dsn,
					      const uint8_t master_key[SECRETBOX_KEY_LEN])
{
	struct directory_loader *loader = calloc(1, sizeof(*loader));

	if (!loader)
		abort();
	link_init(&loader->link, dsn);
	loader->master_key = master_key;
	loader->answer = -1;
	return loader;
}

void directory_loader_free(struct directory_loader *loader)
{
	if (!loader)
		return;
	directory_free(loader->directory);
	arena_free(loader->announcement);
	link_done(&loader->link);
	free(loader);
}

void directory_loader_announce(struct directory_loader *loader)
{
	loader->announcement = arena_new(0);
	loader->process_id = uuid_v7(time_now_ms());
}

int directory_loader_fd(const struct directory_loader *loader)
{
	return link_fd(&loader->link);
}

bool directory_loader_wants_write(const struct directory_loader *loader)
{
	return link_wants_write(&loader->link);
}

int64_t directory_loader_deadline(const struct directory_loader *loader)
{
	int64_t connecting = link_deadline(&loader->link);

	if (!loader->requested)
		return INT64_MAX;
	return connecting < loader->deadline ? connecting : loader->deadline;
}

void directory_loader_request(struct directory_loader *loader)
{
	if (loader->requested)
		return;
	loader->requested = true;
	loader->deadline = time_monotonic_ms() + LIMIT_CONNECT_MS;
}

/* In a transaction of its own: what follows is read only. */
static void send_announcement(struct directory_loader *loader)
{
	struct arena *arena = arena_new(0);
	struct pg_params params;
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	pg_params_init(&params, arena);
	pg_param_uuid(&params, &loader->process_id);
	pg_param_text(&params, slice_from_cstr(host));
	pg_param_int8(&params, getpid());
	pg_param_text_array(&params, loader->next_keys, loader->next_key_count);
	link_send(&loader->link, ANNOUNCE, &params);
	link_send_sync(&loader->link);
	arena_free(arena);
}

/* Remembers what the next load will announce: keys in state next that this process can use. */
static void prepare_announcement(struct directory_loader *loader)
{
	const struct directory *directory = loader->directory;

	arena_reset(loader->announcement);
	loader->next_keys = ARENA_ARRAY(loader->announcement, struct slice, directory->key_count);
	loader->next_key_count = 0;
	for (size_t i = 0; i < directory->key_count; i++) {
		const struct directory_token_key *key = &directory->keys[i];

		if (key->state == TOKEN_KEY_NEXT)
			loader->next_keys[loader->next_key_count++] =
				arena_printf(loader->announcement, "%" PRIu64 "/%u",
					     key->account_id, key->key_id);
	}
}

static void load_begin(struct directory_loader *loader)
{
	struct arena *arena = arena_new(0);

	loader->directory = ARENA_NEW(arena, struct directory);
	loader->directory->arena = arena;
	if (loader->announcement != NULL)
		send_announcement(loader);
	for (int i = ANSWER_BEGIN; i < ANSWER_SYNC; i++)
		link_send(&loader->link, QUESTIONS[i], NULL);
	link_send_sync(&loader->link);
	loader->answer = loader->announcement != NULL ? ANSWER_ANNOUNCE : ANSWER_BEGIN;
}

static enum directory_step load_failed(struct directory_loader *loader, const char *event,
				       const char *error)
{
	if (!loader->reported_down)
		log_event(LOG_ERROR, event, LOG_STR("error", error));
	loader->reported_down = true;
	loader->requested = false;
	loader->answer = -1;
	directory_free(loader->directory);
	loader->directory = NULL;
	return DIRECTORY_FAILED;
}

/* -- rows -- */

static void take_accounts(struct directory *directory, const PGresult *result)
{
	directory->account_count = (size_t)pg_rows(result);
	directory->accounts =
		ARENA_ARRAY(directory->arena, struct directory_account, directory->account_count);
	for (int row = 0; row < pg_rows(result); row++) {
		directory->accounts[row] = (struct directory_account){
			.id = (uint64_t)pg_int(result, row, "account_id"),
			.mode = pg_bool(result, row, "observe") ? ACCOUNT_OBSERVE : ACCOUNT_ENFORCE,
			.accept_unverified = pg_bool(result, row, "accept_unverified"),
		};
	}
}

static void take_domains(struct directory *directory, const PGresult *result)
{
	directory->domain_count = (size_t)pg_rows(result);
	directory->domains =
		ARENA_ARRAY(directory->arena, struct directory_domain, directory->domain_count);
	for (int row = 0; row < pg_rows(result); row++) {
		directory->domains[row] = (struct directory_domain){
			.name = arena_copy(directory->arena, pg_text(result, row, "name")),
			.account_id = (uint64_t)pg_int(result, row, "account_id"),
			.reject_invalid = pg_bool(result, row, "reject") ? REJECT_INVALID_550
									 : REJECT_INVALID_ACCEPT,
		};
	}
}

/* A signed one that does not open is left out, like a key. */
static size_t take_patterns(struct directory_loader *loader, const PGresult *result)
{
	struct directory *directory = loader->directory;
	struct arena *arena = directory->arena;
	size_t closed = 0;

	directory->patterns = ARENA_ARRAY(arena, struct directory_pattern, (size_t)pg_rows(result));
	for (int row = 0; row < pg_rows(result); row++) {
		struct directory_pattern *pattern = &directory->patterns[directory->pattern_count];

		*pattern = (struct directory_pattern){
			.domain = arena_copy(arena, pg_text(result, row, "domain")),
			.number = (uint8_t)pg_int(result, row, "pattern_id"),
			.template_ = arena_copy(arena, pg_text(result, row, "template")),
			.covers = arena_copy(arena, pg_text(result, row, "covers")),
			.mac_digits = (uint8_t)pg_int(result, row, "mac_digits"),
			.expires_at = pg_time(result, row, "expires_at"),
		};
		if (pattern_algorithm_from_word(pg_text(result, row, "algorithm"),
						&pattern->algorithm) &&
		    (pattern->algorithm == PATTERN_UNSIGNED ||
		     pattern_secret_open(loader->master_key, pg_bytes(result, row, "secret_box"),
					 pattern) == OK))
			directory->pattern_count++;
		else
			closed++;
	}
	return closed;
}

/* A key that does not open is left out: its tokens are answered 451 as of an unknown key, and
 * nothing is lost meanwhile. */
static size_t take_keys(struct directory_loader *loader, const PGresult *result)
{
	struct directory *directory = loader->directory;
	int rows = pg_rows(result);
	size_t closed = 0;

	directory->keys = ARENA_ARRAY(directory->arena, struct directory_token_key, (size_t)rows);
	for (int row = 0; row < rows; row++) {
		struct directory_token_key *key = &directory->keys[directory->key_count];
		struct token_key_place place = {
			.account_id = (uint64_t)pg_int(result, row, "account_id"),
			.key_id = (uint8_t)pg_int(result, row, "key_id"),
		};

		key->account_id = place.account_id;
		key->key_id = place.key_id;
		if (token_key_state_from_word(pg_text(result, row, "state"), &key->state) &&
		    token_key_open(loader->master_key, place, pg_bytes(result, row, "secret_box"),
				   key->secret) == OK)
			directory->key_count++;
		else
			closed++;
	}
	return closed;
}

static void take_api_keys(struct directory *directory, const PGresult *result)
{
	int rows = pg_rows(result);

	directory->api_keys = ARENA_ARRAY(directory->arena, struct directory_api_key, (size_t)rows);
	for (int row = 0; row < rows; row++) {
		struct directory_api_key *key = &directory->api_keys[directory->api_key_count];
		struct slice digest = pg_bytes(result, row, "secret_sha256");

		if (digest.len != SHA256_LEN)
			continue;
		directory->api_key_count++;
		key->id = arena_copy(directory->arena, pg_text(result, row, "key_id"));
		key->account_id = (uint64_t)pg_int(result, row, "account_id");
		key->expires_at = pg_is_null(result, row, "expires_at")
					  ? INT64_MAX
					  : pg_time(result, row, "expires_at");
		memcpy(key->secret_sha256, digest.ptr, SHA256_LEN);
	}
}

static void take_answer(struct directory_loader *loader, const PGresult *result)
{
	switch ((enum answer)loader->answer) {
	case ANSWER_ACCOUNTS:
		take_accounts(loader->directory, result);
		break;
	case ANSWER_DOMAINS:
		take_domains(loader->directory, result);
		break;
	case ANSWER_PATTERNS:
		loader->closed = take_patterns(loader, result);
		break;
	case ANSWER_KEYS:
		loader->closed += take_keys(loader, result);
		break;
	case ANSWER_API_KEYS:
		take_api_keys(loader->directory, result);
		break;
	case ANSWER_ANNOUNCE:
	case ANSWER_ANNOUNCE_SYNC:
	case ANSWER_BEGIN:
	case ANSWER_COMMIT:
	case ANSWER_SYNC:
	case ANSWER_COUNT:
		break;
	}
	loader->answer++;
}

/* -- steps -- */

static enum directory_step load_broken(struct directory_loader *loader, int64_t now_ms)
{
	link_fail(&loader->link, now_ms);
	return load_failed(loader, "directory_lost", link_error(&loader->link));
}

/* A statement failed: missing table or privilege. Ends the connection, so that nothing is left of
 * the pipeline. */
static enum directory_step load_refused(struct directory_loader *loader, PGresult *result,
					int64_t now_ms)
{
	enum directory_step step =
		load_failed(loader, "directory_failed", PQresultErrorMessage(result));

	PQclear(result);
	link_fail(&loader->link, now_ms);
	return step;
}

/* Once for each number of them. */
static void report_closed(struct directory_loader *loader)
{
	if (loader->closed != loader->reported_closed && loader->closed > 0)
		log_event(LOG_ERROR, "token_keys_sealed_with_another_master_key",
			  LOG_INT("keys", (int64_t)loader->closed));
	loader->reported_closed = loader->closed;
}

static enum directory_step load_finish(struct directory_loader *loader,
				       struct directory **ret_directory)
{
	report_closed(loader);
	directory_finish(loader->directory);
	if (loader->announcement != NULL)
		prepare_announcement(loader);
	loader->directory->loaded_at = time_monotonic_ms();
	*ret_directory = loader->directory;
	loader->directory = NULL;
	loader->requested = false;
	loader->reported_down = false;
	loader->answer = -1;
	link_settle(&loader->link);
	return DIRECTORY_LOADED;
}

static enum directory_step load_receive(struct directory_loader *loader, int64_t now_ms,
					struct directory **ret_directory)
{
	for (;;) {
		PGresult *result;

		switch (link_next(&loader->link, &result)) {
		case LINK_WAIT:
			return DIRECTORY_WAIT;
		case LINK_BROKEN:
			return load_broken(loader, now_ms);
		case LINK_RESULT:
			break;
		}
		if (PQresultStatus(result) == PGRES_FATAL_ERROR)
			return load_refused(loader, result, now_ms);
		take_answer(loader, result);
		PQclear(result);
		if (loader->answer == ANSWER_COUNT)
			return load_finish(loader, ret_directory);
	}
}

/* An idle connection that was lost is made anew at the next request. */
static void idle_step(struct directory_loader *loader, int64_t now_ms)
{
	PGresult *result = NULL;

	if (loader->link.state == LINK_OPEN && link_next(&loader->link, &result) == LINK_BROKEN)
		link_fail(&loader->link, now_ms);
}

enum directory_step directory_loader_step(struct directory_loader *loader, int64_t now_ms,
					  struct directory **ret_directory)
{
	if (!loader->requested) {
		idle_step(loader, now_ms);
		return DIRECTORY_WAIT;
	}
	if (link_step(&loader->link, now_ms) == LINK_FAILED)
		return load_failed(loader, "directory_away", link_error(&loader->link));
	if (loader->link.state == LINK_OPEN) {
		if (loader->answer < 0)
			load_begin(loader);
		enum directory_step step = load_receive(loader, now_ms, ret_directory);
		if (step != DIRECTORY_WAIT)
			return step;
	}
	if (now_ms < loader->deadline)
		return DIRECTORY_WAIT;
	if (loader->link.state == LINK_OPEN)
		return load_broken(loader, now_ms);
	return load_failed(loader, "directory_away", link_error(&loader->link));
}
