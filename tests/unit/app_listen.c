/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/listen.h"

#define COUNT 3

static void close_all(int *fds)
{
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
}

/* Port 0: one port, the same for all, and shared by nobody else. */
static void shares_one_port(void **state)
{
	char error[200];
	int fds[COUNT];
	int other[COUNT];

	(void)state;
	assert_true(listen_tcp("127.0.0.1", 0, fds, COUNT, error, sizeof(error)));
	int port = listen_port(fds[0]);

	assert_true(port > 0);
	for (int i = 1; i < COUNT; i++)
		assert_int_equal(listen_port(fds[i]), port);
	assert_false(listen_tcp("127.0.0.1", port, other, COUNT, error, sizeof(error)));
	assert_non_null(strstr(error, "Address already in use"));
	close_all(fds);
	assert_true(listen_tcp("127.0.0.1", port, fds, COUNT, error, sizeof(error)));
	close_all(fds);
}

static void accepts_connections(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int client = socket(AF_INET, SOCK_STREAM, 0);
	char error[200];
	int fd;

	(void)state;
	assert_true(listen_tcp("127.0.0.1", 0, &fd, 1, error, sizeof(error)));
	address.sin_port = htons((uint16_t)listen_port(fd));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(
		connect(client, (const struct sockaddr *)(const void *)&address, sizeof(address)),
		0);
	close(client);
	close(fd);
}

static void refuses_names(void **state)
{
	static const char *const names[] = { "localhost", "", "127.0.0.1.5", "::g" };
	char error[200];
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_false(listen_tcp(names[i], 0, &fd, 1, error, sizeof(error)));
		assert_non_null(strstr(error, "is not an IP address"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_one_port),
		cmocka_unit_test(accepts_connections),
		cmocka_unit_test(refuses_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
