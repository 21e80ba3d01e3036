/* SPDX-License-Identifier: Apache-2.0 */
/* What a transcript holds of a session, and the file that it is written to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/transcript.h"
#include "tests/smtp_client.h"

/* -- what is told -- */

static void on_line(void *context, bool from_client, struct slice text)
{
	struct buf *told = context;

	buf_append_cstr(told, from_client ? "C: " : "S: ");
	buf_append(told, text);
	buf_append_byte(told, '\n');
}

static const char session_text[] = "S: 220 mx.example ESMTP bounced\n"
				   "C: EHLO c.example\n"
				   "S: 250-mx.example\n"
				   "S: 250-PIPELINING\n"
				   "S: 250-STARTTLS\n"
				   "S: 250-SIZE 10485760\n"
				   "S: 250-8BITMIME\n"
				   "S: 250-SMTPUTF8\n"
				   "S: 250 ENHANCEDSTATUSCODES\n"
				   "C: bad\tline\n"
				   "S: 500 5.5.1 Unknown command\n"
				   "C: AUTH ****\n"
				   "S: 538 5.7.11 Encryption required for authentication\n"
				   "C: ****\n"
				   "S: 500 5.5.1 Unknown command\n"
				   "C: STARTTLS\n"
				   "S: 220 2.0.0 Ready to start TLS\n"
				   "C: TLSv1.3\n"
				   "C: HELO c.example\n"
				   "S: 250 mx.example\n"
				   "C: AUTH ****\n"
				   "S: 334 VXNlcm5hbWU6\n"
				   "C: ****\n"
				   "S: 334 UGFzc3dvcmQ6\n"
				   "C: ****\n"
				   "S: 235 2.7.0 OK\n"
				   "C: MAIL FROM:<>\n"
				   "S: 250 2.1.0 OK\n"
				   "C: RCPT TO:<ok@bounce.example>\n"
				   "S: 250 2.1.5 OK\n"
				   "C: DATA\n"
				   "S: 354 End data with <CRLF>.<CRLF>\n"
				   "C: (the message)\n"
				   "S: 250 2.0.0 stored\n"
				   "C: (a broken line)\n"
				   "S: 500 5.5.2 Lines must end in CRLF\n";

static void test_neither_passwords_nor_messages_are_told(void **state)
{
	static const char *const said[] = {
		HELLO,
		"bad\tline\r\n",
		"AUTH LOGIN\r\n",
		"Z29vZA==\r\n",
		"STARTTLS\r\n",
		"HELO c.example\r\n",
		"AUTH LOGIN\r\n",
		"a2V5\r\n",
		"Z29vZA==\r\n",
		BEGIN,
		"Subject: x\r\n\r\nsecret\r\n.\r\n",
		"x\ny\r\n",
	};
	struct smtp_settings settings = smtp_settings_default();
	struct client client;
	struct buf told;

	(void)state;
	settings.hostname = SLICE("mx.example");
	settings.starttls = settings.auth = true;
	buf_init(&told, 1 << 16);
	client_init(&client, &settings);
	smtp_session_set_trace(client.session, &(struct smtp_trace){ on_line, &told });
	offer(&client, SLICE_NONE);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		say(&client, said[i]);
	buf_append_byte(&told, '\0');
	assert_string_equal(told.data, session_text);
	client_done(&client);
	buf_done(&told);
}

/* -- the file -- */

struct folder {
	char path[32];
	char file[64], old[64];
};

static int setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	assert_non_null(folder);
	snprintf(folder->path, sizeof(folder->path), "/tmp/bd-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->file, sizeof(folder->file), "%s/log", folder->path);
	snprintf(folder->old, sizeof(folder->old), "%s/log.1", folder->path);
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	struct folder *folder = *state;

	unlink(folder->file);
	unlink(folder->old);
	rmdir(folder->path);
	free(folder);
	return 0;
}

static size_t read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return 0;
	size_t len = fread(text, 1, size - 1, file);

	fclose(file);
	text[len] = '\0';
	return len;
}

static void test_lines_cannot_be_forged(void **state)
{
	const struct folder *folder = *state;
	struct transcript *transcript = transcript_new(folder->file, SLICE("192.0.2.7"), 1 << 20);
	struct stat status;
	char text[1024];

	transcript_write(transcript, 7, true, SLICE("NOOP a\r\nS: 250 \x1b[2J"));
	transcript_write(transcript, 7, false, SLICE("250 OK"));
	assert_true(read_file(folder->file, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "-7 C: NOOP a??S: 250 ?[2J\n"));
	assert_non_null(strstr(text, "-7 S: 250 OK\n"));
	assert_int_equal(stat(folder->file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	transcript_free(transcript);
}

/* Two writers, as two processes are: neither loses a line to the other's rotation. */
static void test_rotation(void **state)
{
	const struct folder *folder = *state;
	struct transcript *one = transcript_new(folder->file, SLICE("192.0.2.7"), 500);
	struct transcript *two = transcript_new(folder->file, SLICE("192.0.2.7"), 500);
	char now[2048], before[2048];

	for (int i = 0; i < 40; i++)
		transcript_write(i % 2 == 0 ? one : two, (uint64_t)i, true, SLICE("NOOP"));
	assert_true(read_file(folder->old, before, sizeof(before)) >= 500);
	assert_true(strlen(before) < 600);
	assert_true(read_file(folder->file, now, sizeof(now)) > 0);
	assert_non_null(strstr(now, "-39 C: NOOP\n"));
	/* the two follow each other without a gap */
	const char *last = strrchr(before, '-'), *first = strchr(now + 20, '-');

	assert_int_equal(strtol(last + 1, NULL, 10) + 1, strtol(first + 1, NULL, 10));
	transcript_free(one);
	transcript_free(two);
}

static void test_whose_sessions_are_wanted(void **state)
{
	const struct folder *folder = *state;
	struct transcript *transcript = transcript_new(folder->file, SLICE("2001:db8:0::7"), 1);

	assert_true(transcript_wants(transcript, SLICE("2001:db8::7")));
	assert_false(transcript_wants(transcript, SLICE("2001:db8::8")));
	assert_false(transcript_wants(transcript, SLICE("192.0.2.7")));
	assert_false(transcript_wants(transcript, SLICE("")));
	transcript_free(transcript);
}

/* What cannot be written stops nothing. */
static void test_no_folder(void **state)
{
	struct transcript *transcript =
		transcript_new("/nonexistent/log", SLICE("192.0.2.7"), 1 << 20);

	(void)state;
	transcript_write(transcript, 1, true, SLICE("NOOP"));
	transcript_write(transcript, 1, true, SLICE("NOOP"));
	transcript_free(transcript);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neither_passwords_nor_messages_are_told),
		cmocka_unit_test_setup_teardown(test_lines_cannot_be_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whose_sessions_are_wanted, setup, teardown),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
