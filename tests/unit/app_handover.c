/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/handover.h"

#define RAW_MAX 100000

static const struct handover_request REQUEST = {
	.account_id = 0x0102030405060708,
	.peer = SLICE_LITERAL("192.0.2.1"),
	.raw = SLICE_LITERAL("From: <a@b.example>\r\n\r\nzero \0 inside\r\n"),
};

/* The bytes of REQUEST, written by hand. */
static const char WIRE[] = "bh1\n"
			   "\x01\x02\x03\x04\x05\x06\x07\x08"
			   "\x00\x00\x00\x26"
			   "\x09"
			   "192.0.2.1"
			   "From: <a@b.example>\r\n\r\nzero \0 inside\r\n";
#define WIRE_LEN (sizeof(WIRE) - 1)

static void assert_slice(struct slice got, struct slice expected)
{
	assert_int_equal(got.len, expected.len);
	assert_memory_equal(got.ptr, expected.ptr, got.len);
}

static void assert_is_request(const struct handover_reader *reader)
{
	struct handover_request got = handover_reader_request(reader);

	assert_int_equal(got.account_id, REQUEST.account_id);
	assert_slice(got.peer, REQUEST.peer);
	assert_slice(got.raw, REQUEST.raw);
}

/* In two pieces, split at every place; 0 and all included. */
static void reads_split_anywhere(void **state)
{
	(void)state;
	for (size_t at = 0; at <= WIRE_LEN; at++) {
		struct handover_reader reader;
		enum handover_progress progress;

		handover_reader_init(&reader, RAW_MAX);
		progress = handover_reader_push(&reader, slice_from(WIRE, at));
		assert_int_equal(progress, at < WIRE_LEN ? HANDOVER_NEED_MORE : HANDOVER_COMPLETE);
		if (at < WIRE_LEN) {
			progress =
				handover_reader_push(&reader, slice_from(WIRE + at, WIRE_LEN - at));
			assert_int_equal(progress, HANDOVER_COMPLETE);
		}
		assert_is_request(&reader);
		handover_reader_done(&reader);
	}
}

static void reads_byte_by_byte(void **state)
{
	struct handover_reader reader;

	(void)state;
	handover_reader_init(&reader, RAW_MAX);
	for (size_t i = 0; i < WIRE_LEN; i++)
		assert_int_equal(handover_reader_push(&reader, slice_from(WIRE + i, 1)),
				 i < WIRE_LEN - 1 ? HANDOVER_NEED_MORE : HANDOVER_COMPLETE);
	assert_is_request(&reader);
	handover_reader_done(&reader);
}

static void refuses_other_bytes(void **state)
{
	static const char empty_request[] = "bh1\n\0\0\0\0\0\0\0\1\0\0\0\0\0";
	char bytes[sizeof(WIRE)];
	struct handover_reader reader;

	(void)state;
	/* too large for this reader by one byte */
	handover_reader_init(&reader, REQUEST.raw.len - 1);
	assert_int_equal(handover_reader_push(&reader, slice_from(WIRE, WIRE_LEN)),
			 HANDOVER_BROKEN);
	handover_reader_done(&reader);

	/* another magic */
	memcpy(bytes, WIRE, sizeof(WIRE));
	bytes[2] = '2';
	handover_reader_init(&reader, RAW_MAX);
	assert_int_equal(handover_reader_push(&reader, slice_from(bytes, WIRE_LEN)),
			 HANDOVER_BROKEN);
	handover_reader_done(&reader);

	/* something behind the request: the NUL that ends the literal */
	handover_reader_init(&reader, RAW_MAX);
	assert_int_equal(handover_reader_push(&reader, slice_from(WIRE, WIRE_LEN + 1)),
			 HANDOVER_BROKEN);
	handover_reader_done(&reader);

	/* an empty message without peer is a request */
	handover_reader_init(&reader, RAW_MAX);
	assert_int_equal(
		handover_reader_push(&reader, slice_from(empty_request, sizeof(empty_request) - 1)),
		HANDOVER_COMPLETE);
	handover_reader_done(&reader);
}

static void replies_survive_the_wire(void **state)
{
	struct handover_reply reply = { .outcome = HANDOVER_STORED, .duplicate = true };
	struct handover_reply read = { 0 };
	uint8_t bytes[HANDOVER_REPLY_LEN];

	(void)state;
	memcpy(reply.report_id.bytes, "0123456789abcdef", 16);
	handover_reply_format(&reply, bytes);
	assert_true(handover_reply_parse(bytes, &read));
	assert_int_equal(read.outcome, HANDOVER_STORED);
	assert_true(read.duplicate);
	assert_memory_equal(read.report_id.bytes, reply.report_id.bytes, 16);
	bytes[0] = HANDOVER_NO_SPACE + 1;
	assert_false(handover_reply_parse(bytes, &read));
}

/* -- both ends -- */

struct server {
	int fd;
	bool answer; /* false: closes the stream instead */
	struct handover_request request;
	struct handover_reader reader;
};

static void wait_readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&pollfd, 1, 10000), 1);
}

static void *serve_one(void *context)
{
	struct server *server = context;
	enum handover_progress progress = HANDOVER_NEED_MORE;
	const struct handover_reply reply = { .outcome = HANDOVER_STORED, .report_id = { { 7 } } };
	uint8_t bytes[HANDOVER_REPLY_LEN];
	char piece[1000];

	wait_readable(server->fd);
	int stream = handover_accept(server->fd);

	assert_true(stream >= 0);
	handover_reader_init(&server->reader, RAW_MAX);
	while (progress == HANDOVER_NEED_MORE) {
		wait_readable(stream);
		ssize_t count = read(stream, piece, sizeof(piece));

		assert_true(count > 0);
		progress = handover_reader_push(&server->reader, slice_from(piece, (size_t)count));
	}
	assert_int_equal(progress, HANDOVER_COMPLETE);
	server->request = handover_reader_request(&server->reader);
	handover_reply_format(&reply, bytes);
	if (server->answer)
		assert_int_equal(send(stream, bytes, sizeof(bytes), 0), sizeof(bytes));
	close(stream);
	return NULL;
}

static enum err submit_to(struct server *server, const struct handover_request *request,
			  struct handover_reply *ret_reply)
{
	pthread_t thread;
	int client;

	assert_int_equal(handover_pair(&client, &server->fd), OK);
	assert_int_equal(pthread_create(&thread, NULL, serve_one, server), 0);
	enum err err = handover_submit(client, request, 10000, ret_reply);

	pthread_join(thread, NULL);
	close(client);
	close(server->fd);
	return err;
}

/* Larger than any socket buffer, so that both sides must go on in pieces. */
static void carries_a_message(void **state)
{
	static char raw[RAW_MAX];
	const struct handover_request request = { 42,
						  SLICE_LITERAL("2001:db8::1"),
						  { raw, sizeof(raw) } };
	struct server server = { .answer = true };
	struct handover_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (char)(i * 7 + i / 256);
	assert_int_equal(submit_to(&server, &request, &reply), OK);
	assert_int_equal(reply.outcome, HANDOVER_STORED);
	assert_int_equal(reply.report_id.bytes[0], 7);
	assert_int_equal(server.request.account_id, 42);
	assert_slice(server.request.peer, request.peer);
	assert_slice(server.request.raw, request.raw);
	handover_reader_done(&server.reader);
}

static void a_dead_server_means_try_again(void **state)
{
	struct server server = { .answer = false };
	struct handover_reply reply;

	(void)state;
	assert_int_equal(submit_to(&server, &REQUEST, &reply), ERR_RETRY);
	handover_reader_done(&server.reader);
}

static void nobody_there_means_try_again(void **state)
{
	struct handover_reply reply;
	int client;
	int server;

	(void)state;
	assert_int_equal(handover_pair(&client, &server), OK);
	assert_int_equal(handover_accept(server), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(handover_submit(client, &REQUEST, 50, &reply), ERR_RETRY);
	close(client);
	close(server);
}

static void refuses_what_does_not_fit(void **state)
{
	static char peer[HANDOVER_PEER_MAX + 1];
	const struct handover_request request = { .peer = { peer, sizeof(peer) },
						  .raw = SLICE_LITERAL("") };
	struct handover_reply reply;

	(void)state;
	assert_int_equal(handover_submit(-1, &request, 50, &reply), ERR_REFUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_split_anywhere),
		cmocka_unit_test(reads_byte_by_byte),
		cmocka_unit_test(refuses_other_bytes),
		cmocka_unit_test(replies_survive_the_wire),
		cmocka_unit_test(carries_a_message),
		cmocka_unit_test(a_dead_server_means_try_again),
		cmocka_unit_test(nobody_there_means_try_again),
		cmocka_unit_test(refuses_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
