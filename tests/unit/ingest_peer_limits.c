/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/peer_limits.h"

#define NOW INT64_C(5000000)
/* Of who has the first seat; the next has the second. */
#define PID 100

/* Of the table that make() made. */
static int descriptor;

static struct peer_limits *make(unsigned connections, unsigned prefix_connections,
				unsigned prefix_rate)
{
	const struct peer_limits_options options = {
		.seats = 3,
		.connections = connections,
		.prefix_connections = prefix_connections,
		.prefix_rate = prefix_rate,
	};

	struct peer_limits *limits = peer_limits_new(&options, &descriptor);

	for (unsigned seat = 0; seat < options.seats; seat++)
		peer_limits_sit(limits, seat, PID + (pid_t)seat);
	return limits;
}

static void end(struct peer_limits *limits)
{
	peer_limits_free(limits);
	close(descriptor);
}

static struct ip_address ip(const char *text)
{
	struct ip_address address;

	assert_true(ip_parse(slice_from_cstr(text), &address));
	return address;
}

static bool enter(struct peer_limits *limits, unsigned process, const char *peer, int64_t now_ms,
		  struct peer_ticket *ticket)
{
	const struct ip_address address = ip(peer);

	return peer_limits_open(limits, process, &address, now_ms, ticket);
}

static uint64_t refused(struct peer_limits *limits, enum refusal refusal)
{
	return refusal_read(peer_limits_refusals(limits), refusal);
}

static void test_connections_of_a_prefix(void **state)
{
	static const struct {
		const char *first, *second;
		bool same;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true }, /* as a socket for both says it */
		{ "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true }, /* one /64 */
		{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
		{ "0.0.0.0", "::", false }, /* the same bytes, another family */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer_limits *limits = make(100, 1, 0);
		struct peer_ticket first, second;

		assert_true(enter(limits, 0, cases[i].first, NOW, &first));
		assert_int_equal(enter(limits, 1, cases[i].second, NOW, &second), !cases[i].same);
		assert_int_equal(refused(limits, REFUSED_PREFIX_CONNECTIONS), cases[i].same);
		peer_limits_close(limits, 0, &first);
		if (cases[i].same)
			assert_true(enter(limits, 2, cases[i].second, NOW, &second));
		end(limits);
	}
}

static void test_connections_of_all(void **state)
{
	struct peer_limits *limits = make(2, 0, 0);
	struct peer_ticket tickets[3];

	(void)state;
	assert_int_equal(peer_limits_capacity(limits), 2);
	assert_true(enter(limits, 0, "192.0.2.1", NOW, &tickets[0]));
	assert_true(peer_limits_open(limits, 1, NULL, NOW, &tickets[1]));
	assert_false(enter(limits, 2, "192.0.2.2", NOW, &tickets[2]));
	assert_false(peer_limits_open(limits, 2, NULL, NOW, &tickets[2]));
	assert_int_equal(refused(limits, REFUSED_CONNECTIONS), 2);
	assert_int_equal(peer_limits_connections(limits), 2);
	peer_limits_close(limits, 1, &tickets[1]);
	peer_limits_close(limits, 1, &tickets[1]); /* none any more */
	assert_int_equal(peer_limits_connections(limits), 1);
	assert_true(enter(limits, 2, "192.0.2.2", NOW, &tickets[2]));
	end(limits);
}

/* How many of `count` connections, closed at once, are let in. */
static unsigned burst(struct peer_limits *limits, const char *peer, unsigned count, int64_t now_ms)
{
	unsigned entered = 0;

	for (unsigned i = 0; i < count; i++) {
		struct peer_ticket ticket;

		if (enter(limits, i % 3, peer, now_ms, &ticket)) {
			peer_limits_close(limits, i % 3, &ticket);
			entered++;
		}
	}
	return entered;
}

static void test_rate_of_a_prefix(void **state)
{
	struct peer_limits *limits = make(100, 0, 60);

	(void)state;
	assert_int_equal(burst(limits, "192.0.2.1", 100, NOW), 60);
	assert_int_equal(refused(limits, REFUSED_PREFIX_RATE), 40);
	assert_int_equal(burst(limits, "192.0.2.2", 100, NOW), 60); /* another's is its own */
	assert_int_equal(burst(limits, "192.0.2.1", 100, NOW + 999), 0);
	assert_int_equal(burst(limits, "192.0.2.1", 100, NOW + 1000), 1);
	assert_int_equal(burst(limits, "192.0.2.1", 100, NOW + 11000), 10);
	assert_int_equal(burst(limits, "192.0.2.1", 100, NOW + 600000),
			 60); /* no more than a minute's */
	end(limits);
}

static void test_a_claim_behind_a_proxy(void **state)
{
	struct peer_limits *limits = make(100, 1, 0);
	const struct ip_address peer = ip("192.0.2.1");
	struct peer_ticket first, second;

	(void)state;
	assert_true(peer_limits_open(limits, 0, NULL, NOW, &first));
	assert_true(peer_limits_open(limits, 0, NULL, NOW, &second));
	assert_true(peer_limits_claim(limits, 0, &peer, NOW, &first));
	assert_false(peer_limits_claim(limits, 0, &peer, NOW, &second));
	assert_int_equal(refused(limits, REFUSED_PREFIX_CONNECTIONS), 1);
	/* Refused, it holds its connection until it closes it. */
	assert_int_equal(peer_limits_connections(limits), 2);
	peer_limits_close(limits, 0, &second);
	peer_limits_close(limits, 0, &first);
	assert_int_equal(peer_limits_connections(limits), 0);
	assert_true(peer_limits_open(limits, 0, &peer, NOW, &first));
	end(limits);
}

/* More prefixes than there are places: old ones give way, those with connections do not. */
static void test_a_full_table(void **state)
{
	struct peer_limits *limits = make(10, 1, 0);
	struct peer_ticket kept, other;

	(void)state;
	assert_true(enter(limits, 0, "198.51.100.1", NOW, &kept));
	for (unsigned i = 0; i < 100000; i++) {
		struct ip_address peer = { .bytes = { 203, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
						      (uint8_t)i } };

		assert_true(peer_limits_open(limits, 1, &peer, NOW + i, &other));
		peer_limits_close(limits, 1, &other);
	}
	assert_false(enter(limits, 0, "198.51.100.1", NOW + 200000, &other));
	end(limits);
}

/* As many prefixes as there may be connections, each with one: hardly any goes uncounted. */
static void test_many_prefixes_at_once(void **state)
{
	struct peer_limits *limits = make(10000, 1, 0);
	unsigned uncounted = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct ip_address peer = { .v6 = true, .bytes = { 0x20, 0x01, 0x0d, 0xb8 } };
		struct peer_ticket ticket;

		peer.bytes[6] = (uint8_t)(i >> 8);
		peer.bytes[7] = (uint8_t)i;
		assert_true(peer_limits_open(limits, 0, &peer, NOW, &ticket));
		uncounted += ticket.entry < 0;
	}
	assert_in_range(uncounted, 0, 10);
	end(limits);
}

static void test_a_process_is_forgotten(void **state)
{
	struct peer_limits *limits = make(100, 2, 0);
	struct peer_ticket dead, living, other;

	(void)state;
	assert_true(enter(limits, 0, "192.0.2.1", NOW, &dead));
	assert_true(enter(limits, 1, "192.0.2.1", NOW, &living));
	assert_false(enter(limits, 2, "192.0.2.1", NOW, &other));
	peer_limits_leave(limits, PID);
	assert_int_equal(peer_limits_connections(limits), 1);
	assert_true(enter(limits, 2, "192.0.2.1", NOW, &other));
	assert_false(enter(limits, 2, "192.0.2.1", NOW, &other));
	assert_int_equal(refused(limits, REFUSED_PREFIX_CONNECTIONS), 2); /* counted for good */
	end(limits);
}

static pid_t start_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	return pid;
}

/* What another process opens counts here, and what it refuses is summed up. */
static void test_two_processes(void **state)
{
	struct peer_limits *limits = make(100, 5, 0);
	struct peer_ticket ticket;
	int status;

	(void)state;
	assert_true(enter(limits, 0, "192.0.2.1", NOW, &ticket));
	pid_t pid = start_child();

	if (pid == 0) {
		unsigned entered = 0;

		for (unsigned i = 0; i < 6; i++)
			entered += enter(limits, 1, "192.0.2.1", NOW, &ticket);
		_exit(entered == 4 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(peer_limits_connections(limits), 5);
	assert_int_equal(refused(limits, REFUSED_PREFIX_CONNECTIONS), 2);
	assert_false(enter(limits, 0, "192.0.2.1", NOW, &ticket));
	peer_limits_leave(limits, PID + 1);
	assert_true(enter(limits, 0, "192.0.2.1", NOW, &ticket));
	end(limits);
}

static _Noreturn void open_and_close_for_ever(struct peer_limits *limits)
{
	struct ip_address peer = { .bytes = { 203, 0, 113 } };
	struct peer_ticket ticket;

	for (;;) {
		peer.bytes[3]++;
		if (peer_limits_open(limits, 1, &peer, NOW, &ticket))
			peer_limits_close(limits, 1, &ticket);
	}
}

/* Killed at any moment, also with the lock in its hands, it blocks nobody. */
static void test_a_process_is_killed(void **state)
{
	struct peer_limits *limits = make(100, 5, 0);
	struct peer_ticket ticket;

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		pid_t pid = start_child();

		if (pid == 0)
			open_and_close_for_ever(limits);
		while (peer_limits_connections(limits) == 0)
			;
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		peer_limits_leave(limits, PID + 1);
		peer_limits_sit(limits, 1, PID + 1);
		assert_int_equal(peer_limits_connections(limits), 0);
		assert_true(enter(limits, 0, "203.0.113.9", NOW, &ticket));
		peer_limits_close(limits, 0, &ticket);
	}
	end(limits);
}

static void test_seats(void **state)
{
	struct peer_limits *limits = make(100, 2, 0);
	unsigned seat = 99;

	(void)state;
	assert_int_equal(peer_limits_free_seats(limits), 0);
	assert_false(peer_limits_find_seat(limits, &seat));
	peer_limits_leave(limits, PID + 3); /* has none */
	assert_int_equal(peer_limits_free_seats(limits), 0);
	peer_limits_leave(limits, PID + 1);
	assert_int_equal(peer_limits_free_seats(limits), 1);
	assert_true(peer_limits_find_seat(limits, &seat));
	assert_int_equal(seat, 1);
	end(limits);
}

static void test_other_limits(void **state)
{
	struct peer_limits *limits = make(100, 2, 0);
	struct peer_limits_options options = { .connections = 4, .prefix_connections = 3 };
	struct peer_ticket tickets[5];

	(void)state;
	assert_true(enter(limits, 0, "192.0.2.1", NOW, &tickets[0]));
	assert_true(enter(limits, 0, "192.0.2.1", NOW, &tickets[1]));
	assert_false(enter(limits, 0, "192.0.2.1", NOW, &tickets[2]));
	assert_true(peer_limits_fit(limits, &options));
	peer_limits_configure(limits, &options);
	assert_true(enter(limits, 0, "192.0.2.1", NOW, &tickets[2]));
	assert_false(enter(limits, 0, "192.0.2.1", NOW, &tickets[3]));
	assert_int_equal(peer_limits_capacity(limits), 4);
	assert_true(enter(limits, 0, "192.0.2.2", NOW, &tickets[3]));
	assert_false(enter(limits, 0, "192.0.2.3", NOW, &tickets[4]));
	/* fewer than there are: nobody new */
	options.connections = 2;
	peer_limits_configure(limits, &options);
	peer_limits_close(limits, 0, &tickets[0]);
	assert_false(enter(limits, 0, "192.0.2.3", NOW, &tickets[4]));
	options.connections = 100000;
	assert_false(peer_limits_fit(limits, &options));
	options.connections = 100;
	options.seats = 4;
	assert_false(peer_limits_fit(limits, &options));
	end(limits);
}

static void test_another_program_finds_it(void **state)
{
	struct peer_limits *limits = make(100, 2, 0);
	struct peer_limits *other = peer_limits_adopt(descriptor);
	struct peer_ticket first, second, third;

	(void)state;
	assert_non_null(other);
	assert_true(enter(limits, 0, "192.0.2.1", NOW, &first));
	assert_true(enter(other, 1, "192.0.2.1", NOW, &second));
	assert_false(enter(other, 1, "192.0.2.1", NOW, &third));
	assert_int_equal(refused(limits, REFUSED_PREFIX_CONNECTIONS), 1);
	/* the first ends after its program was replaced */
	peer_limits_free(limits);
	peer_limits_leave(other, PID);
	assert_int_equal(peer_limits_connections(other), 1);
	assert_true(enter(other, 1, "192.0.2.1", NOW, &third));
	end(other);
}

static void test_what_is_no_table_is_not_taken_for_one(void **state)
{
	struct peer_limits *limits = make(100, 2, 0);
	uint64_t layout;
	off_t size = lseek(descriptor, 0, SEEK_END);
	int none = open("/dev/null", O_RDWR);

	(void)state;
	assert_null(peer_limits_adopt(-1));
	assert_null(peer_limits_adopt(none));
	close(none);
	peer_limits_free(limits);
	/* another size, another layout */
	assert_int_equal(ftruncate(descriptor, size + 1), 0);
	assert_null(peer_limits_adopt(descriptor));
	assert_int_equal(ftruncate(descriptor, size), 0);
	limits = peer_limits_adopt(descriptor);
	assert_non_null(limits);
	peer_limits_free(limits);
	assert_int_equal(pread(descriptor, &layout, sizeof(layout), 0), sizeof(layout));
	layout++;
	assert_int_equal(pwrite(descriptor, &layout, sizeof(layout), 0), sizeof(layout));
	assert_null(peer_limits_adopt(descriptor));
	assert_int_equal(ftruncate(descriptor, 16), 0);
	assert_null(peer_limits_adopt(descriptor));
	close(descriptor);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(refusal_word(REFUSED_CONNECTIONS), "connections");
	assert_string_equal(refusal_word(REFUSED_IN_FLIGHT), "in_flight");
	refusal_add(NULL, REFUSED_JUNK); /* counts nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections_of_a_prefix),
		cmocka_unit_test(test_connections_of_all),
		cmocka_unit_test(test_rate_of_a_prefix),
		cmocka_unit_test(test_a_claim_behind_a_proxy),
		cmocka_unit_test(test_a_full_table),
		cmocka_unit_test(test_many_prefixes_at_once),
		cmocka_unit_test(test_a_process_is_forgotten),
		cmocka_unit_test(test_two_processes),
		cmocka_unit_test(test_a_process_is_killed),
		cmocka_unit_test(test_seats),
		cmocka_unit_test(test_other_limits),
		cmocka_unit_test(test_another_program_finds_it),
		cmocka_unit_test(test_what_is_no_table_is_not_taken_for_one),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
