/* SPDX-License-Identifier: Apache-2.0 */
/* Loading certificates, choosing among them, and the transport over a pair of sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/tls.h"
#include "ingest/transport.h"
#include "tests/certificates.h"

enum file { CERTIFICATE_1, KEY_1, CERTIFICATE_2, KEY_2, RUBBISH, MISSING, FILE_COUNT };

static const char *const contents[] = { TEST_CERTIFICATE_1, TEST_KEY_1, TEST_CERTIFICATE_2,
					TEST_KEY_2, "rubbish\n" };

struct world {
	char folder[32];
	char files[FILE_COUNT][64];
	struct tls *tls;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	char folder[] = "/tmp/bd-XXXXXX";

	assert_non_null(world);
	assert_non_null(mkdtemp(folder));
	memcpy(world->folder, folder, sizeof(folder));
	for (int i = 0; i < FILE_COUNT; i++) {
		snprintf(world->files[i], sizeof(world->files[i]), "%s/%d", folder, i);
		if (i == MISSING)
			continue;
		FILE *file = fopen(world->files[i], "w");

		assert_non_null(file);
		fputs(contents[i], file);
		fclose(file);
	}
	world->tls = tls_new();
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	tls_free(world->tls);
	for (int i = 0; i < FILE_COUNT; i++)
		unlink(world->files[i]);
	rmdir(world->folder);
	free(world);
	return 0;
}

/* -1: no second file */
static enum err load(struct world *world, const int certificates[2], const int keys[2],
		     char error[300])
{
	char left[200], right[200];

	snprintf(left, sizeof(left), "%s  %s", world->files[certificates[0]],
		 certificates[1] < 0 ? "" : world->files[certificates[1]]);
	snprintf(right, sizeof(right), "%s %s ", world->files[keys[0]],
		 keys[1] < 0 ? "" : world->files[keys[1]]);
	return tls_load(world->tls, left, right, error, 300);
}

/* -- a client and a server in one thread -- */

struct pair {
	struct transport server;
	SSL_CTX *context;
	SSL *client;
	int fd;
};

static void pair_connect(struct world *world, struct pair *pair, const char *name)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	transport_init(&pair->server, fds[0]);
	transport_start_tls(&pair->server, tls_accept(world->tls));
	pair->fd = fds[1];
	pair->context = SSL_CTX_new(TLS_client_method());
	pair->client = SSL_new(pair->context);
	assert_int_equal(SSL_set_fd(pair->client, pair->fd), 1);
	if (name != NULL)
		assert_int_equal(SSL_set_tlsext_host_name(pair->client, name), 1);
	SSL_set_connect_state(pair->client);
}

static void pair_handshake(struct pair *pair)
{
	bool client = false;
	int server = TRANSPORT_BLOCKED;

	for (int i = 0; i < 100 && (!client || server != 1); i++) {
		client = client || SSL_do_handshake(pair->client) == 1;
		if (server != 1)
			server = transport_handshake(&pair->server);
		assert_int_not_equal(server, TRANSPORT_OVER);
	}
	assert_true(client && server == 1);
}

static void pair_done(struct pair *pair)
{
	transport_done(&pair->server);
	SSL_free(pair->client);
	SSL_CTX_free(pair->context);
	if (pair->fd >= 0)
		close(pair->fd);
}

/* The common name that a client asking for the name is shown; static. */
static const char *shown(struct world *world, const char *name)
{
	static char common_name[64];
	struct pair pair;

	pair_connect(world, &pair, name);
	pair_handshake(&pair);
	X509 *certificate = SSL_get1_peer_certificate(pair.client);

	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common_name,
				  sizeof(common_name));
	X509_free(certificate);
	pair_done(&pair);
	return common_name;
}

/* -- tests -- */

static void test_certificate_by_name(void **state)
{
	struct world *world = *state;
	char error[300];

	assert_false(tls_loaded(world->tls));
	assert_int_equal(load(world, (int[]){ CERTIFICATE_1, CERTIFICATE_2 },
			      (int[]){ KEY_1, KEY_2 }, error),
			 OK);
	assert_string_equal(shown(world, NULL), "mx.example");
	assert_string_equal(shown(world, "mx.example"), "mx.example");
	assert_string_equal(shown(world, "other.example"), "other.example");
	assert_string_equal(shown(world, "OTHER.example"), "other.example");
	assert_string_equal(shown(world, "a.wild.example"), "mx.example");
	assert_string_equal(shown(world, "unknown.example"), "mx.example");
}

static void test_bad_ones_change_nothing(void **state)
{
	static const struct {
		int certificates[2], keys[2];
		enum file named;
	} cases[] = {
		{ { CERTIFICATE_2, -1 }, { KEY_1, -1 }, KEY_1 }, /* the key of another */
		{ { CERTIFICATE_2, -1 }, { RUBBISH, -1 }, RUBBISH },
		{ { CERTIFICATE_2, -1 }, { MISSING, -1 }, MISSING },
		{ { RUBBISH, -1 }, { KEY_2, -1 }, RUBBISH },
		{ { MISSING, -1 }, { KEY_2, -1 }, MISSING },
		{ { CERTIFICATE_2, CERTIFICATE_1 }, { KEY_2, KEY_2 }, KEY_2 },
		{ { CERTIFICATE_2, CERTIFICATE_1 }, { KEY_2, -1 }, CERTIFICATE_1 },
		{ { CERTIFICATE_2, -1 }, { KEY_2, KEY_1 }, KEY_1 },
	};
	struct world *world = *state;
	char error[300];

	assert_int_equal(load(world, (int[]){ CERTIFICATE_1, -1 }, (int[]){ KEY_1, -1 }, error),
			 OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load(world, cases[i].certificates, cases[i].keys, error),
				 ERR_REFUSE);
		assert_ptr_equal(strstr(error, world->files[cases[i].named]), error);
		assert_string_equal(shown(world, NULL), "mx.example");
	}
	assert_int_equal(load(world, (int[]){ CERTIFICATE_2, -1 }, (int[]){ KEY_2, -1 }, error),
			 OK);
	assert_string_equal(shown(world, NULL), "other.example");
	assert_int_equal(tls_load(world->tls, "", " ", error, sizeof(error)), OK);
	assert_false(tls_loaded(world->tls));
}

/* A connection that began before goes on with what it began with. */
static void test_loading_within_a_handshake(void **state)
{
	struct world *world = *state;
	struct pair pair;
	char error[300];

	assert_int_equal(load(world, (int[]){ CERTIFICATE_1, -1 }, (int[]){ KEY_1, -1 }, error),
			 OK);
	pair_connect(world, &pair, "mx.example");
	assert_int_equal(transport_handshake(&pair.server), TRANSPORT_BLOCKED);
	assert_int_equal(load(world, (int[]){ CERTIFICATE_2, -1 }, (int[]){ KEY_2, -1 }, error),
			 OK);
	pair_handshake(&pair);
	pair_done(&pair);
	pair_connect(world, &pair, NULL);
	assert_int_equal(tls_load(world->tls, "", "", error, sizeof(error)), OK);
	pair_handshake(&pair);
	pair_done(&pair);
}

static void start(struct world *world, struct pair *pair)
{
	char error[300];

	assert_int_equal(load(world, (int[]){ CERTIFICATE_1, -1 }, (int[]){ KEY_1, -1 }, error),
			 OK);
	pair_connect(world, pair, NULL);
	pair_handshake(pair);
}

static void test_bytes_both_ways(void **state)
{
	struct pair pair;
	char bytes[16384];

	start(*state, &pair);
	assert_true(slice_equal(transport_tls_version(&pair.server), SLICE("TLSv1.3")));
	assert_int_equal(transport_read(&pair.server, bytes, sizeof(bytes)), TRANSPORT_BLOCKED);
	assert_int_equal(SSL_write(pair.client, "hello", 5), 5);
	/* what a small read leaves is not to be waited for */
	assert_int_equal(transport_read(&pair.server, bytes, 2), 2);
	assert_true(transport_has_pending(&pair.server));
	assert_int_equal(transport_read(&pair.server, bytes, sizeof(bytes)), 3);
	assert_false(transport_has_pending(&pair.server));
	assert_int_equal(transport_write(&pair.server, "250 OK", 6), 6);
	assert_int_equal(SSL_read(pair.client, bytes, sizeof(bytes)), 6);
	transport_finish(&pair.server);
	assert_int_equal(SSL_read(pair.client, bytes, sizeof(bytes)), 0);
	assert_int_equal(SSL_get_error(pair.client, 0), SSL_ERROR_ZERO_RETURN);
	pair_done(&pair);
}

/* However TLS ends, nothing is read or written afterwards. */
static void test_ends(void **state)
{
	enum { CLOSE_NOTIFY, END_OF_STREAM, CLEAR_TEXT, WAY_COUNT };
	char bytes[100];

	for (int way = 0; way < WAY_COUNT; way++) {
		struct pair pair;

		start(*state, &pair);
		if (way == CLOSE_NOTIFY)
			assert_int_equal(SSL_shutdown(pair.client), 0);
		if (way == END_OF_STREAM) {
			close(pair.fd);
			pair.fd = -1;
		} else {
			assert_int_equal(send(pair.fd, "QUIT\r\n", 6, MSG_NOSIGNAL), 6);
		}
		assert_int_equal(transport_read(&pair.server, bytes, sizeof(bytes)),
				 TRANSPORT_OVER);
		assert_int_equal(transport_read(&pair.server, bytes, sizeof(bytes)),
				 TRANSPORT_OVER);
		assert_int_equal(transport_write(&pair.server, "250", 3), TRANSPORT_OVER);
		pair_done(&pair);
	}
}

/* Writing stops where the socket is full, and goes on with more than it began with. */
static void test_a_full_socket(void **state)
{
	static char sent[1 << 20], received[1 << 20];
	struct pair pair;
	size_t written = 0, read_count = 0;

	start(*state, &pair);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7);
	while (read_count < sizeof(sent)) {
		size_t offer = sizeof(sent) - written < 50000 ? sizeof(sent) - written : 50000;
		ssize_t count =
			offer == 0 ? 0 : transport_write(&pair.server, sent + written, offer);

		assert_int_not_equal(count, TRANSPORT_OVER);
		if (count > 0) {
			written += (size_t)count;
			continue;
		}
		assert_true(offer == 0 || pair.server.wants_write);
		int got = SSL_read(pair.client, received + read_count,
				   (int)(sizeof(received) - read_count));

		if (got > 0)
			read_count += (size_t)got;
	}
	assert_memory_equal(sent, received, sizeof(sent));
	pair_done(&pair);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_certificate_by_name),
		TEST(test_bad_ones_change_nothing),
		TEST(test_loading_within_a_handshake),
		TEST(test_bytes_both_ways),
		TEST(test_ends),
		TEST(test_a_full_socket),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
