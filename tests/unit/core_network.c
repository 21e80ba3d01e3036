/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks: what is one, and what lies in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/network.h"

static void test_what_is_no_address(void **state)
{
	static const struct slice texts[] = {
		SLICE_LITERAL(""),
		SLICE_LITERAL("192.0.2"),
		SLICE_LITERAL("192.0.2.01"),
		SLICE_LITERAL("192.0.2.256"),
		SLICE_LITERAL("192.0.2.1 "),
		SLICE_LITERAL("192.0.2.1\0"),
		SLICE_LITERAL("::1%lo"),
		SLICE_LITERAL("1:2:3:4:5:6:7:8:9"),
		SLICE_LITERAL("fe80:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"),
	};
	struct ip_address address;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(ip_parse(texts[i], &address));
}

static void test_what_lies_in_a_network(void **state)
{
	static const struct {
		const char *network, *address;
		bool holds;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.6", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "192.0.2.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_network network;
		struct ip_address address;

		assert_true(ip_network_parse(slice_from_cstr(cases[i].network), &network));
		assert_true(ip_parse(slice_from_cstr(cases[i].address), &address));
		if (ip_network_holds(&network, &address) != cases[i].holds)
			fail_msg("%s in %s", cases[i].address, cases[i].network);
	}
}

static void test_what_is_no_network(void **state)
{
	static const char *const texts[] = { "192.0.2.0/33", "192.0.2.0/",   "192.0.2.0/08",   "/8",
					     "::/129",       "192.0.2.0/-1", "192.0.2.0/24/24" };
	struct ip_network network;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(ip_network_parse(slice_from_cstr(texts[i]), &network));
}

static void test_mapped_addresses(void **state)
{
	struct ip_address mapped, plain, other;

	(void)state;
	assert_true(ip_parse(SLICE("::ffff:192.0.2.7"), &mapped));
	assert_true(ip_parse(SLICE("192.0.2.7"), &plain));
	assert_true(ip_parse(SLICE("::192.0.2.7"), &other));
	assert_true(mapped.v6);
	mapped = ip_unmap(mapped);
	assert_false(mapped.v6);
	assert_memory_equal(mapped.bytes, plain.bytes, sizeof(plain.bytes));
	assert_true(ip_unmap(other).v6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_no_address),
		cmocka_unit_test(test_what_lies_in_a_network),
		cmocka_unit_test(test_what_is_no_network),
		cmocka_unit_test(test_mapped_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
