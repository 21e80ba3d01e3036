/* SPDX-License-Identifier: Apache-2.0 */
#include "store/directory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "store/link.h"
#include "store/pg_connect.h"
#include "store/token_key.h"

/* Answers in the order in which they are asked for. */
enum answer {
	ANSWER_BEGIN,
	ANSWER_ACCOUNTS,
	ANSWER_DOMAINS,
	ANSWER_KEYS,
	ANSWER_API_KEYS,
	ANSWER_COMMIT,
	ANSWER_SYNC,
	ANSWER_COUNT
};

static const char *const QUESTIONS[ANSWER_SYNC] = {
	[ANSWER_BEGIN] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[ANSWER_ACCOUNTS] = "SELECT account_id, mode = 'observe' AS observe, accept_unverified"
			    " FROM account",
	[ANSWER_DOMAINS] = "SELECT name, account_id, reject_invalid = '550' AS reject"
			   " FROM bounce_domain",
	[ANSWER_KEYS] = "SELECT account_id, key_id, state, secret_box FROM token_key",
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
	size_t reported_keys; /* keys that do not open, as the log has it */
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
	link_done(&loader->link);
	free(loader);
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

static void load_begin(struct directory_loader *loader)
{
	struct arena *arena = arena_new(0);

	loader->directory = ARENA_NEW(arena, struct directory);
	loader->directory->arena = arena;
	for (int i = 0; i < ANSWER_SYNC; i++)
		link_send(&loader->link, QUESTIONS[i], NULL);
	link_send_sync(&loader->link);
	loader->answer = ANSWER_BEGIN;
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

/* A key that does not open is left out: its tokens are answered 451 as of an unknown key, and
 * nothing is lost meanwhile. */
static void take_keys(struct directory_loader *loader, const PGresult *result)
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
	if (closed != loader->reported_keys && closed > 0)
		log_event(LOG_ERROR, "token_keys_sealed_with_another_master_key",
			  LOG_INT("keys", (int64_t)closed));
	loader->reported_keys = closed;
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
	case ANSWER_KEYS:
		take_keys(loader, result);
		break;
	case ANSWER_API_KEYS:
		take_api_keys(loader->directory, result);
		break;
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

static enum directory_step load_finish(struct directory_loader *loader,
				       struct directory **ret_directory)
{
	directory_finish(loader->directory);
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
