/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API over a database of its own, with keys for accounts 1 and 2 and a service made up for
 * tests, and a client that speaks to it byte by byte.
 */
#ifndef BOUNCED_TESTS_DB_API_CLIENT_H
#define BOUNCED_TESTS_DB_API_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <json-c/json.h>

#include "api/server.h"
#include "core/encoding.h"
#include "core/log.h"
#include "store/admin.h"
#include "tests/db/database.h"

#define CLIENT_PATIENCE_MS 30000
#define ANSWER_MAX         (64 * 1024 * 1024)
#define MESSAGE_MAX        100000

static const uint8_t TEST_TOKEN_KEY[TOKEN_KEY_LEN] = { 7, 7, 7 };

struct fixture {
	struct database *database;
	struct arena *arena;
	struct api_server *server;
	struct api_service service;
	uint16_t port;
	/* The client calls from 127.0.0.1 + source: failures are counted by address. */
	uint32_t source;
	const char *key;        /* account 1, every scope */
	const char *other_key;  /* account 2, every scope */
	const char *reader_key; /* account 1, read only */
	const char *writer_key; /* account 1, write only */
	/* what the service was given last */
	struct api_submission submission;
};

struct answer {
	unsigned status;
	struct slice head; /* status line and header fields */
	struct slice body;
	bool closed; /* the server closed the connection behind it */
};

/* -- the service -- */

static inline enum err fake_parse(void *context, struct slice raw, bool explain,
				  struct arena *arena, struct report *ret_report)
{
	struct report_recipient *recipient = ARENA_NEW(arena, struct report_recipient);

	(void)context;
	recipient->address = arena_copy(arena, slice_head(raw, 20));
	recipient->reason = REASON_USERUNKNOWN;
	*ret_report = (struct report){ .kind = REPORT_BOUNCE,
				       .arrival_date = TIME_NONE,
				       .date = TIME_NONE,
				       .recipients = recipient,
				       .recipient_count = 1,
				       .trail = explain ? SLICE("first\nsecond\n") : SLICE_NONE };
	return OK;
}

static inline enum err fake_submit(void *context, const struct api_submission *submission,
				   struct arena *arena, struct api_receipt *ret_receipt)
{
	struct fixture *fixture = context;

	(void)arena;
	if (slice_starts_with(submission->raw, SLICE("later")))
		return ERR_RETRY;
	fixture->submission = *submission;
	fixture->submission.raw = arena_copy(fixture->arena, submission->raw);
	fixture->submission.peer = arena_copy(fixture->arena, submission->peer);
	ret_receipt->report_id = (struct uuid){ { 1, 2, 3, 4, 5, 6, 0x70, 8, 0x80 } };
	ret_receipt->duplicate = slice_starts_with(submission->raw, SLICE("again"));
	return OK;
}

static inline enum err fake_bounce_domain(void *context, uint64_t account_id, struct slice wanted,
					  struct arena *arena, struct slice *ret_domain)
{
	(void)context;
	(void)arena;
	if (account_id != 1 ||
	    (!slice_empty(wanted) && !slice_equal(wanted, SLICE("bounce.example"))))
		return ERR_MISSING;
	*ret_domain = SLICE("bounce.example");
	return OK;
}

static inline enum err fake_mint(void *context, struct token *token, struct slice address,
				 struct arena *arena, struct slice *ret_text)
{
	(void)context;
	token->key_id = 3;
	token->issue_day = 100;
	if (!slice_empty(address))
		token_commit(token, TEST_TOKEN_KEY, arena, address);
	return token_mint(token, TEST_TOKEN_KEY, arena, ret_text);
}

static inline enum err fake_verify(void *context, const struct token *token,
				   enum token_verdict *ret_verdict)
{
	(void)context;
	*ret_verdict = token->key_id != 3                       ? TOKEN_UNKNOWN_KEY
		       : token_mac_valid(token, TEST_TOKEN_KEY) ? TOKEN_VALID
								: TOKEN_BAD_MAC;
	return OK;
}

/* -- the fixture -- */

static inline const char *key_create(struct fixture *fixture, uint64_t account_id, unsigned scopes,
				     int64_t expires_at)
{
	struct admin admin = { fixture->database->pg, fixture->arena };
	const struct admin_api_key_spec spec = { account_id, SLICE("test"), scopes, expires_at };
	struct slice key, error;

	if (admin_api_key_create(&admin, &spec, &key, &error) != OK)
		fail_msg("key: %.*s", SLICE_ARG(error));
	return arena_cstr(fixture->arena, key);
}

static inline int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static inline void fixture_start(struct fixture *fixture)
{
	struct api_options options = {
		.listen_fd = listen_on_loopback(&fixture->port),
		.threads = 2,
		.dsn = database_dsn_as(fixture->database, "bounced_api"),
		.message_max = MESSAGE_MAX,
		.timeout_ms = 2000,
		.cursor_key = { 9 },
		.service = &fixture->service,
	};

	fixture->server = api_server_start(&options);
	assert_non_null(fixture->server);
}

static inline int fixture_setup(void **state)
{
	const unsigned all = API_SCOPE_READ | API_SCOPE_WRITE | API_SCOPE_INGEST;
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	log_init("test", 0, LOG_WARNING);
	fixture->database = database_new();
	fixture->arena = fixture->database->arena;
	fixture->key = key_create(fixture, 1, all, TIME_NONE);
	fixture->other_key = key_create(fixture, 2, all, TIME_NONE);
	fixture->reader_key = key_create(fixture, 1, API_SCOPE_READ, TIME_NONE);
	fixture->writer_key = key_create(fixture, 1, API_SCOPE_WRITE, TIME_NONE);
	fixture->service =
		(struct api_service){ fixture,   fake_parse, fake_submit, fake_bounce_domain,
				      fake_mint, fake_verify };
	fixture_start(fixture);
	*state = fixture;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	api_server_stop(fixture->server);
	database_free(fixture->database);
	free(fixture);
	return 0;
}

/* -- the client -- */

static inline int client_connect(const struct fixture *fixture)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(fixture->port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in source = { .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK + fixture->source) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&source, sizeof(source)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Sends what the server takes; it may close before it has taken all. */
static inline void client_send(int fd, struct slice bytes)
{
	while (!slice_empty(bytes)) {
		ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (sent < 0)
			return;
		bytes = slice_skip(bytes, (size_t)sent);
	}
}

/* Appends what comes within `wait_ms`. 1: something, 0: nothing, -1: the connection is closed. */
static inline int client_receive(int fd, struct buf *in, int wait_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char bytes[65536];
	ssize_t len;

	if (poll(&poll_fd, 1, wait_ms) == 0)
		return 0;
	len = recv(fd, bytes, sizeof(bytes), 0);
	if (len <= 0)
		return -1;
	buf_append(in, slice_from(bytes, (size_t)len));
	return 1;
}

/* A header's value in an answer, empty where absent. */
static inline struct slice answer_header(const struct answer *answer, const char *name)
{
	struct slice rest = answer->head, line;

	while (slice_next_line(&rest, &line)) {
		size_t len = strlen(name);

		if (line.len > len && line.ptr[len] == ':' &&
		    slice_equal_nocase(slice_head(line, len), slice_from_cstr(name)))
			return slice_trim(slice_skip(line, len + 1));
	}
	return SLICE_NONE;
}

/* Reads one answer off *in; false while it is incomplete. */
static inline bool answer_take(struct buf *in, struct arena *arena, bool is_head,
			       struct answer *ret_answer)
{
	struct slice all = buf_slice(in);
	ptrdiff_t end = slice_find(all, SLICE("\r\n\r\n"));
	uint64_t status = 0, len = 0;

	if (end < 0)
		return false;
	ret_answer->head = slice_head(all, (size_t)end + 2);
	assert_true(slice_starts_with(all, SLICE("HTTP/1.")));
	assert_true(slice_to_u64(slice_head(slice_skip(all, 9), 3), &status));
	if (!is_head && !slice_empty(answer_header(ret_answer, "Content-Length")))
		assert_true(slice_to_u64(answer_header(ret_answer, "Content-Length"), &len));
	if (all.len < (size_t)end + 4 + len)
		return false;
	ret_answer->status = (unsigned)status;
	ret_answer->head = arena_copy(arena, ret_answer->head);
	ret_answer->body = arena_copy(arena, slice_head(slice_skip(all, (size_t)end + 4), len));
	buf_consume(in, (size_t)end + 4 + len);
	return true;
}

static inline bool answer_closes(const struct answer *answer)
{
	return slice_equal_nocase(answer_header(answer, "Connection"), SLICE("close"));
}

/* Sends bytes as they are and reads the answer to them. No answer at all: status 0. */
static inline struct answer exchange(struct fixture *fixture, struct slice bytes)
{
	int64_t give_up = time_monotonic_ms() + CLIENT_PATIENCE_MS;
	bool is_head = slice_starts_with(bytes, SLICE("HEAD "));
	struct answer answer = { 0 };
	int fd = client_connect(fixture);
	struct buf in;
	int more = 1;

	buf_init(&in, ANSWER_MAX);
	client_send(fd, bytes);
	while (more >= 0 && !answer_take(&in, fixture->arena, is_head, &answer)) {
		more = client_receive(fd, &in, 1000);
		if (time_monotonic_ms() > give_up)
			fail_msg("no answer to %.*s", SLICE_ARG(slice_head(bytes, 200)));
	}
	/* Nothing may come behind it, be it an answer to bytes that were smuggled. */
	while (more >= 0 &&
	       (more = client_receive(fd, &in, answer_closes(&answer) ? 5000 : 10)) > 0)
		;
	answer.closed = more < 0;
	if (in.len != 0)
		fail_msg("behind the answer: %.*s", SLICE_ARG(buf_slice(&in)));
	buf_done(&in);
	close(fd);
	return answer;
}

/* A request as a client should write it. key, type and body may be NULL; extra: "Name: value\r\n".
 */
struct ask {
	const char *key;
	const char *method;
	const char *target;
	const char *type;
	const char *body;
	const char *extra;
};

static inline struct answer ask(struct fixture *fixture, const struct ask *ask)
{
	struct arena *arena = fixture->arena;
	struct slice bytes = arena_printf(arena, "%s %s HTTP/1.1\r\nHost: api.example\r\n%s",
					  ask->method, ask->target, ask->extra ? ask->extra : "");

	if (ask->key)
		bytes = arena_printf(arena, "%.*sAuthorization: Bearer %s\r\n", SLICE_ARG(bytes),
				     ask->key);
	if (ask->body)
		bytes = arena_printf(arena, "%.*sContent-Type: %s\r\nContent-Length: %zu\r\n",
				     SLICE_ARG(bytes), ask->type ? ask->type : "application/json",
				     strlen(ask->body));
	return exchange(fixture, arena_printf(arena, "%.*s\r\n%s", SLICE_ARG(bytes),
					      ask->body ? ask->body : ""));
}

static inline struct answer get(struct fixture *fixture, const char *target)
{
	return ask(fixture, &(struct ask){ fixture->key, "GET", target, NULL, NULL, NULL });
}

static inline struct answer get_as(struct fixture *fixture, const char *target, const char *accept)
{
	const char *extra = arena_printf(fixture->arena, "Accept: %s\r\n", accept).ptr;

	return ask(fixture, &(struct ask){ fixture->key, "GET", target, NULL, NULL, extra });
}

static inline struct answer send_json(struct fixture *fixture, const char *method,
				      const char *target, const char *body)
{
	return ask(fixture, &(struct ask){ fixture->key, method, target, NULL, body, NULL });
}

static inline void assert_status(struct answer answer, unsigned status)
{
	if (answer.status != status)
		fail_msg("%u, not %u: %.*s", answer.status, status, SLICE_ARG(answer.body));
	/* Whatever was refused is also cut off. */
	assert_true(answer.closed || (status >= 200 && status <= 299));
}

/* The body as JSON; json_text() and json_number() follow a pointer of names and indices. */
static inline struct json_object *answer_json(struct answer answer)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *json =
		json_tokener_parse_ex(tokener, answer.body.ptr, (int)answer.body.len);

	if (!json)
		fail_msg("no JSON: %.*s", SLICE_ARG(answer.body));
	json_tokener_free(tokener);
	return json;
}

/* Follows a JSON pointer in the answer; its text, "null" for null, in the arena. */
static inline const char *answer_at(struct fixture *fixture, struct answer answer,
				    const char *pointer)
{
	struct json_object *json = answer_json(answer), *found = NULL;
	const char *text;

	if (json_pointer_get(json, pointer, &found) != 0)
		fail_msg("no %s in %.*s", pointer, SLICE_ARG(answer.body));
	text = found ? json_object_get_string(found) : "null";
	text = arena_cstr(fixture->arena, slice_from_cstr(text));
	json_object_put(json);
	return text;
}

static inline size_t answer_count(struct answer answer)
{
	struct json_object *json = answer_json(answer), *results = NULL;
	size_t count;

	if (!json_object_object_get_ex(json, "results", &results))
		fail_msg("no results: %.*s", SLICE_ARG(answer.body));
	count = json_object_array_length(results);
	json_object_put(json);
	return count;
}

/* A problem: status, its code and the field it names ("" for none). */
static inline void assert_problem(struct fixture *fixture, struct answer answer, unsigned status,
				  const char *code, const char *field)
{
	struct json_object *json;

	assert_status(answer, status);
	assert_true(slice_equal(answer_header(&answer, "Content-Type"),
				SLICE("application/problem+json")));
	assert_string_equal(answer_at(fixture, answer, "/code"), code);
	assert_true(slice_equal(slice_from_cstr(answer_at(fixture, answer, "/request_id")),
				answer_header(&answer, "Request-Id")));
	if (*field)
		assert_string_equal(answer_at(fixture, answer, "/field"), field);
	json = answer_json(answer);
	assert_int_equal(json_object_get_int(json_object_object_get(json, "status")), status);
	json_object_put(json);
}

#endif
