/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's side of a parser child, against real children. This program is its own child:
 * started as `parser-child` it serves either the real parser, or, with rules=script, a function
 * that dies, hangs or breaks out of the sandbox as its message says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/timestamp.h"
#include "parser/child.h"
#include "parser/client.h"
#include "parser/rules.h"

/* Longer than any of this takes, so that a lost answer fails the test and does not hang it. */
#define PATIENCE_MS 30000

/* -- the child of the tests -- */

static void try_to_open(struct report *report)
{
	int fd = open("/etc/passwd", O_RDONLY);
	report->kind = fd < 0 && errno == EACCES ? REPORT_NONE : REPORT_BOUNCE;
}

static void try_to_execute(struct report *report)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	report->kind = page == MAP_FAILED ? REPORT_NONE : REPORT_BOUNCE;
}

static void act(void *context, struct slice raw, struct arena *arena, struct report *ret_report)
{
	(void)context;
	*ret_report = (struct report){ .arrival_date = TIME_NONE, .date = TIME_NONE };
	ret_report->subject = arena_copy(arena, slice_head(raw, LIMIT_REPORT_TEXT));
	if (slice_equal(raw, SLICE("die")))
		raise(SIGKILL);
	if (slice_equal(raw, SLICE("exit")))
		_exit(0);
	if (slice_equal(raw, SLICE("hang"))) {
		for (volatile unsigned spin = 0;; spin++)
			;
	}
	if (slice_equal(raw, SLICE("lie"))) {
		static const char answer[16] = { 77 };
		if (write(CHILD_FD, answer, sizeof(answer)) < 0)
			_exit(1);
	}
	if (slice_equal(raw, SLICE("socket")))
		ret_report->kind =
			socket(AF_INET, SOCK_STREAM, 0) < 0 ? REPORT_DELAY : REPORT_BOUNCE;
	if (slice_equal(raw, SLICE("open")))
		try_to_open(ret_report);
	if (slice_equal(raw, SLICE("execute")))
		try_to_execute(ret_report);
}

/* -- the parent -- */

struct answer {
	uintptr_t tag;
	enum report_kind kind;
	char text[64]; /* the subject, or why it is quarantined */
};

#define MAX_ANSWERS 64

struct talk {
	struct parser_client *client;
	int rules_fd;
	struct answer answers[MAX_ANSWERS];
	size_t count;
	unsigned replaced;
};

/* Which child it is stands where a real one finds the operator's rules. */
static int role_fd(const char *role)
{
	int memory = memfd_create("role", MFD_CLOEXEC);
	int fd = fcntl(memory, F_DUPFD_CLOEXEC, CHILD_RULES_FD + 1);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, role, strlen(role)), strlen(role));
	close(memory);
	return fd;
}

static bool role_is(const char *role)
{
	char text[16] = { 0 };

	return pread(CHILD_RULES_FD, text, sizeof(text) - 1, 0) > 0 && strcmp(text, role) == 0;
}

/* role: NULL for the real parser. */
static struct talk talk_begin(const char *role, unsigned parse_ms)
{
	const struct parser_options options = {
		.rules_fd = role != NULL ? role_fd(role) : RULES_NO_SNAPSHOT,
		.parse_ms = parse_ms,
	};
	struct talk talk = { .rules_fd = options.rules_fd };

	assert_int_equal(parser_client_new(&options, &talk.client), OK);
	return talk;
}

static void take_answers(struct talk *talk)
{
	struct arena *arena = arena_new(0);
	struct report report;
	void *tag;

	while (parser_client_next(talk->client, arena, &tag, &report)) {
		assert_true(talk->count < MAX_ANSWERS);
		struct answer *answer = &talk->answers[talk->count++];
		struct slice text = report.quarantine.len > 0 ? report.quarantine : report.subject;
		answer->tag = (uintptr_t)tag;
		answer->kind = report.kind;
		text = slice_head(text, sizeof(answer->text) - 1);
		memcpy(answer->text, text.ptr, text.len);
		answer->text[text.len] = '\0';
		arena_reset(arena);
	}
	arena_free(arena);
}

/* Until everything that was sent is answered. */
static void talk_finish(struct talk *talk)
{
	int64_t end = time_monotonic_ms() + PATIENCE_MS;

	while (parser_client_pending(talk->client) > 0) {
		int64_t now = time_monotonic_ms();
		assert_true(now < end);
		if (parser_client_pump(talk->client, now) != OK) {
			talk->replaced++;
			assert_int_equal(parser_client_replace(talk->client, now), OK);
		}
		take_answers(talk);
		struct pollfd wait = { .fd = parser_client_fd(talk->client), .events = POLLIN };
		if (parser_client_wants_write(talk->client))
			wait.events |= POLLOUT;
		int64_t left = parser_client_deadline(talk->client) - now;
		if (parser_client_pending(talk->client) > 0)
			poll(&wait, 1, left > 1000 ? 1000 : left < 0 ? 0 : (int)left);
	}
}

static void talk_end(struct talk *talk)
{
	parser_client_free(talk->client);
	if (talk->rules_fd != RULES_NO_SNAPSHOT)
		close(talk->rules_fd);
}

static void say(struct talk *talk, uintptr_t tag, const char *text)
{
	parser_client_send(talk->client, (void *)tag, slice_from_cstr(text));
}

static void assert_answer(const struct talk *talk, size_t index, uintptr_t tag,
			  enum report_kind kind, const char *text)
{
	assert_true(index < talk->count);
	assert_int_equal(talk->answers[index].tag, tag);
	assert_int_equal(talk->answers[index].kind, kind);
	assert_string_equal(talk->answers[index].text, text);
}

#define DEAD "the parser died or took too long"

static void test_answers_in_order(void **state)
{
	struct talk talk = talk_begin("script", 0);

	(void)state;
	for (uintptr_t i = 1; i <= 50; i++)
		say(&talk, i, i % 2 ? "odd" : "even");
	talk_finish(&talk);
	assert_int_equal(talk.count, 50);
	for (uintptr_t i = 1; i <= 50; i++)
		assert_answer(&talk, i - 1, i, REPORT_NONE, i % 2 ? "odd" : "even");
	assert_int_equal(talk.replaced, 0);
	talk_end(&talk);
}

/* What waited behind the one that killed the child is sent again and answered. */
static void test_death(void **state)
{
	static const char *const WAYS[] = { "die", "exit", "lie" };

	(void)state;
	for (size_t i = 0; i < sizeof(WAYS) / sizeof(WAYS[0]); i++) {
		struct talk talk = talk_begin("script", 0);
		say(&talk, 1, "before");
		say(&talk, 2, WAYS[i]);
		say(&talk, 3, "behind");
		say(&talk, 4, "last");
		talk_finish(&talk);
		assert_int_equal(talk.count, 4);
		assert_answer(&talk, 0, 1, REPORT_NONE, "before");
		assert_answer(&talk, 1, 2, REPORT_QUARANTINED, DEAD);
		assert_answer(&talk, 2, 3, REPORT_NONE, "behind");
		assert_answer(&talk, 3, 4, REPORT_NONE, "last");
		assert_int_equal(talk.replaced, 1);
		talk_end(&talk);
	}
}

static void test_every_one_dies(void **state)
{
	struct talk talk = talk_begin("script", 0);

	(void)state;
	for (uintptr_t i = 1; i <= 5; i++)
		say(&talk, i, "die");
	talk_finish(&talk);
	assert_int_equal(talk.count, 5);
	assert_int_equal(talk.replaced, 5);
	for (uintptr_t i = 1; i <= 5; i++)
		assert_answer(&talk, i - 1, i, REPORT_QUARANTINED, DEAD);
	talk_end(&talk);
}

static void test_hang(void **state)
{
	struct talk talk = talk_begin("script", 200);

	(void)state;
	say(&talk, 1, "before");
	say(&talk, 2, "hang");
	say(&talk, 3, "behind");
	talk_finish(&talk);
	assert_int_equal(talk.replaced, 1);
	assert_answer(&talk, 0, 1, REPORT_NONE, "before");
	assert_answer(&talk, 1, 2, REPORT_QUARANTINED, DEAD);
	assert_answer(&talk, 2, 3, REPORT_NONE, "behind");
	talk_end(&talk);
}

/* A child that dies between two messages did so for no fault of theirs. */
static void test_killed_while_idle(void **state)
{
	struct talk talk = talk_begin("script", 0);

	(void)state;
	say(&talk, 1, "one");
	talk_finish(&talk);
	assert_int_equal(parser_client_deadline(talk.client), INT64_MAX);
	kill(parser_client_pid(talk.client), SIGKILL);
	struct pollfd gone = { .fd = parser_client_fd(talk.client), .events = POLLIN };
	assert_int_equal(poll(&gone, 1, PATIENCE_MS), 1);
	say(&talk, 2, "two");
	talk_finish(&talk);
	assert_int_equal(talk.replaced, 1);
	assert_answer(&talk, 1, 2, REPORT_NONE, "two");
	talk_end(&talk);
}

/* A child that never gets ready is the fault of no message: none is quarantined. */
static void test_cannot_start(void **state)
{
	struct talk talk = talk_begin("stillborn", 0);
	int64_t end = time_monotonic_ms() + PATIENCE_MS;
	unsigned failures = 0;

	(void)state;
	say(&talk, 1, "one");
	while (failures < 3 && time_monotonic_ms() < end) {
		int64_t now = time_monotonic_ms();
		if (parser_client_pump(talk.client, now) != OK) {
			failures++;
			assert_int_equal(parser_client_replace(talk.client, now), OK);
		}
		struct pollfd wait = { .fd = parser_client_fd(talk.client), .events = POLLIN };
		poll(&wait, 1, 1000);
		take_answers(&talk);
	}
	assert_int_equal(failures, 3);
	assert_int_equal(talk.count, 0);
	assert_int_equal(parser_client_pending(talk.client), 1);
	talk_end(&talk);
}

static void test_sandbox(void **state)
{
	struct talk talk = talk_begin("script", 0);

	(void)state;
	say(&talk, 1, "open");
	say(&talk, 2, "execute");
	say(&talk, 3, "socket");
	talk_finish(&talk);
	assert_answer(&talk, 0, 1, REPORT_NONE, "open");
	assert_answer(&talk, 1, 2, REPORT_NONE, "execute");
	assert_answer(&talk, 2, 3, REPORT_QUARANTINED, DEAD);
	talk_end(&talk);
}

static void test_sizes(void **state)
{
	struct talk talk = talk_begin("script", 0);
	size_t large = 5 * 1024 * 1024;
	char *text = calloc(1, LIMIT_PARSER_MESSAGE + 1);

	(void)state;
	memset(text, 'x', LIMIT_PARSER_MESSAGE + 1);
	parser_client_send(talk.client, (void *)1, SLICE_NONE);
	parser_client_send(talk.client, (void *)2, slice_from(text, large));
	parser_client_send(talk.client, (void *)3, slice_from(text, LIMIT_PARSER_MESSAGE + 1));
	say(&talk, 4, "small");
	talk_finish(&talk);
	assert_answer(&talk, 0, 1, REPORT_NONE, "");
	assert_int_equal(talk.answers[1].kind, REPORT_NONE);
	assert_answer(&talk, 2, 3, REPORT_QUARANTINED, "message too large");
	assert_answer(&talk, 3, 4, REPORT_NONE, "small");
	assert_int_equal(talk.replaced, 0);
	talk_end(&talk);
	free(text);
}

static const char DSN[] =
	"From: MAILER-DAEMON@mx.example\r\n"
	"Subject: =?iso-2022-jp?B?GyRCRz0bKEI=?= failed\r\n"
	"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
	"\r\n"
	"--b\r\n"
	"Content-Type: message/delivery-status\r\n"
	"\r\n"
	"Reporting-MTA: dns; mx.example\r\n"
	"\r\n"
	"Final-Recipient: rfc822; user@example.com\r\n"
	"Action: failed\r\n"
	"Status: 5.1.1\r\n"
	"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
	"\r\n"
	"--b--\r\n";

/* The real parser inside its sandbox, charsets included. */
static void test_real_parser(void **state)
{
	struct talk talk = talk_begin(NULL, 0);

	(void)state;
	say(&talk, 1, DSN);
	say(&talk, 2, "To: x@y.example\r\nSubject: hello\r\n\r\nhello\r\n");
	talk_finish(&talk);
	assert_answer(&talk, 0, 1, REPORT_BOUNCE, "能 failed");
	assert_answer(&talk, 1, 2, REPORT_NONE, "hello");
	assert_int_equal(talk.replaced, 0);
	talk_end(&talk);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_in_order),  cmocka_unit_test(test_death),
		cmocka_unit_test(test_every_one_dies),    cmocka_unit_test(test_hang),
		cmocka_unit_test(test_killed_while_idle), cmocka_unit_test(test_cannot_start),
		cmocka_unit_test(test_sandbox),           cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_real_parser),
	};

	if (argc > 1 && strcmp(argv[1], "parser-child") == 0) {
		if (argc > 2 && role_is("script"))
			child_serve(act, NULL);
		if (argc > 2 && role_is("stillborn"))
			_exit(1);
		parser_child_main(argc - 1, argv + 1);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
