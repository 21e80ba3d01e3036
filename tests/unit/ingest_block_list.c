/* SPDX-License-Identifier: Apache-2.0 */
/* DNS block lists without network: what is configured, asked, answered and remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/block_list.h"
#include "ingest/listing_cache.h"

#define CACHE_SIZE 64

static struct ip_address ip(const char *text)
{
	struct ip_address address;

	assert_true(ip_parse(slice_from_cstr(text), &address));
	return address;
}

static struct block_list list_of(const char *word)
{
	struct block_list list;

	assert_true(block_list_parse(slice_from_cstr(word), BLOCK_TAG, &list));
	return list;
}

#define assert_text(slice, text) assert_true(slice_equal(slice, slice_from_cstr(text)))

static void test_configured(void **state)
{
	static const struct {
		const char *word;
		const char *name; /* NULL: refused */
		const char *zone;
		size_t ranges;
	} cases[] = {
		{ "bl.example", "bl.example", "bl.example", 1 },
		{ "bl.example.", "bl.example", "bl.example", 1 },
		{ "short:0a1b2c.bl.example", "short", "0a1b2c.bl.example", 1 },
		{ "bl.example=127.0.0.2", "bl.example", "bl.example", 1 },
		{ "bl.example=127.0.0.2-127.0.0.11,127.0.1.4", "bl.example", "bl.example", 2 },
		{ "x:bl.example=127.0.0.1", "x", "bl.example", 1 },
		{ "", NULL, NULL, 0 },
		{ ":bl.example", NULL, NULL, 0 },
		{ "x:", NULL, NULL, 0 },
		{ "a..example", NULL, NULL, 0 },
		{ "bl.example=", NULL, NULL, 0 },
		{ "bl.example=127.0.0.2,", "bl.example", "bl.example", 1 },
		{ "bl.example=,127.0.0.2", NULL, NULL, 0 },
		{ "bl.example=127.0.0.9-127.0.0.2", NULL, NULL, 0 },
		{ "bl.example=127.0.0.2-", NULL, NULL, 0 },
		{ "bl.example=10.0.0.1", NULL, NULL, 0 },
		{ "bl.example=::1", NULL, NULL, 0 },
		/* error answers cannot be made to count */
		{ "bl.example=127.255.255.254", NULL, NULL, 0 },
		{ "bl.example=127.0.0.2-127.255.255.0", NULL, NULL, 0 },
		/* it is said to clients */
		{ "x\x1b:bl.example", NULL, NULL, 0 },
		{ "bl.ex\xc3\xa4mple", NULL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct block_list list;
		bool good = block_list_parse(slice_from_cstr(cases[i].word), BLOCK_REFUSE, &list);

		if (good != (cases[i].name != NULL))
			fail_msg("%s", cases[i].word);
		if (!good)
			continue;
		assert_text(list.name, cases[i].name);
		assert_text(list.zone, cases[i].zone);
		assert_int_equal(list.range_count, cases[i].ranges);
		assert_int_equal(list.action, BLOCK_REFUSE);
	}
}

static void test_questions(void **state)
{
	char buffer[BLOCK_LIST_NAME_MAX + 1];
	char longest[190];
	struct block_list list = list_of("BL.example");
	struct ip_address v4 = ip("192.0.2.99"), v6 = ip("2001:db8:1:2:3:4:567:89ab");

	(void)state;
	assert_text(block_list_question(&list, &v4, buffer), "99.2.0.192.bl.example");
	/* the example of RFC 5782 2.4 */
	assert_text(block_list_question(&list, &v6, buffer),
		    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example");
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 50; i < sizeof(longest); i += 50)
		longest[i] = '.';
	struct slice zone = slice_from(longest, 189);

	assert_true(block_list_parse(zone, BLOCK_TAG, &list));
	assert_int_equal(block_list_question(&list, &v6, buffer).len, BLOCK_LIST_NAME_MAX);
	assert_false(block_list_parse(slice_from(longest, 190), BLOCK_TAG, &list));
}

/* answers: addresses separated by blanks; "?": DNS failed */
static enum block_judgement judge(const char *word, const char *answers)
{
	struct block_list list = list_of(word);
	struct slice rest = slice_from_cstr(answers), one, records[8];
	struct ip_address addresses[8];
	struct dns_answer answer = { .records = records };

	answer.failed = strcmp(answers, "?") == 0;
	while (!answer.failed && slice_next_field(&rest, ' ', &one)) {
		assert_true(ip_parse(one, &addresses[answer.count]));
		records[answer.count] = slice_from((const char *)addresses[answer.count].bytes,
						   addresses[answer.count].v6 ? 16 : 4);
		answer.count++;
	}
	return block_list_judge(&list, &answer);
}

static void test_judgements(void **state)
{
	static const struct {
		const char *list;
		const char *answers;
		enum block_judgement judgement;
	} cases[] = {
		{ "bl.example", "", BLOCK_NOT_LISTED },
		{ "bl.example", "127.0.0.2", BLOCK_LISTED },
		{ "bl.example", "127.0.0.1", BLOCK_NOT_LISTED },
		{ "bl.example", "127.0.0.1 127.3.0.4", BLOCK_LISTED },
		{ "bl.example", "127.255.254.255", BLOCK_LISTED },
		{ "bl.example", "?", BLOCK_UNKNOWN },
		/* refused resolvers, whatever else is said */
		{ "bl.example", "127.255.255.254", BLOCK_ERROR },
		{ "bl.example", "127.255.255.0", BLOCK_ERROR },
		{ "bl.example", "127.0.0.2 127.255.255.255", BLOCK_ERROR },
		{ "bl.example", "127.255.255.252 127.0.0.2", BLOCK_ERROR },
		/* a domain that was sold answers everything */
		{ "bl.example", "192.0.2.1", BLOCK_ERROR },
		{ "bl.example", "126.255.255.255", BLOCK_ERROR },
		{ "bl.example", "128.0.0.0", BLOCK_ERROR },
		{ "bl.example", "2001:db8::1", BLOCK_ERROR },
		/* only some answers count */
		{ "bl.example=127.0.0.4-127.0.0.6", "127.0.0.3", BLOCK_NOT_LISTED },
		{ "bl.example=127.0.0.4-127.0.0.6", "127.0.0.4", BLOCK_LISTED },
		{ "bl.example=127.0.0.4-127.0.0.6", "127.0.0.6", BLOCK_LISTED },
		{ "bl.example=127.0.0.4-127.0.0.6", "127.0.0.7", BLOCK_NOT_LISTED },
		{ "bl.example=127.0.0.4-127.0.0.6,127.0.0.9", "127.0.0.9", BLOCK_LISTED },
		{ "bl.example=127.0.0.1", "127.0.0.1", BLOCK_LISTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (judge(cases[i].list, cases[i].answers) != cases[i].judgement)
			fail_msg("%s: %s", cases[i].list, cases[i].answers);
}

static void test_remembers(void **state)
{
	struct listing_cache *cache = listing_cache_new(CACHE_SIZE);
	struct ip_address v4 = ip("192.0.2.1"), other = ip("192.0.2.2"), v6 = ip("c000:201::");
	listing_bits listed = 99;

	(void)state;
	/* what is behind an IPv4 address means nothing */
	v4.bytes[15] = 7;
	assert_false(listing_cache_find(cache, &v4, 100, &listed));
	listing_cache_put(cache, &v4, 5, 100, 200);
	v4.bytes[15] = 8;
	assert_true(listing_cache_find(cache, &v4, 199, &listed));
	assert_int_equal(listed, 5);
	assert_false(listing_cache_find(cache, &other, 199, &listed));
	assert_false(listing_cache_find(cache, &v6, 199, &listed));
	assert_false(listing_cache_find(cache, &v4, 200, &listed));
	listing_cache_put(cache, &v4, 0, 150, 400);
	assert_true(listing_cache_find(cache, &v4, 200, &listed));
	assert_int_equal(listed, 0);
	listing_cache_free(cache);
}

static struct ip_address numbered(unsigned number)
{
	char text[32];

	snprintf(text, sizeof(text), "2001:db8::%x:%x", number >> 16, number & 0xffff);
	return ip(text);
}

static void test_forgets_who_was_not_asked_about(void **state)
{
	struct listing_cache *cache = listing_cache_new(CACHE_SIZE);
	struct ip_address regular = ip("192.0.2.1");
	listing_bits listed;
	unsigned known = 0;

	(void)state;
	listing_cache_put(cache, &regular, 1, 1, 1000000);
	for (unsigned i = 0; i < 10000; i++) {
		struct ip_address stranger = numbered(i);

		listing_cache_put(cache, &stranger, 0, 2 + i, 1000000);
		assert_true(listing_cache_find(cache, &regular, 2 + i, &listed));
	}
	for (unsigned i = 0; i < 10000; i++) {
		struct ip_address stranger = numbered(i);

		known += listing_cache_find(cache, &stranger, 20000, &listed);
	}
	assert_in_range(known, 1, CACHE_SIZE - 1);
	listing_cache_free(cache);
}

static void test_what_is_over_gives_way_first(void **state)
{
	/* one set of eight places */
	struct listing_cache *cache = listing_cache_new(8);
	struct ip_address old = numbered(100), newest = numbered(200);
	listing_bits listed;

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		struct ip_address client = numbered(i);

		listing_cache_put(cache, &client, 1, 10 + i, 1000);
	}
	listing_cache_put(cache, &old, 1, 50, 60);
	listing_cache_put(cache, &newest, 1, 70, 1000);
	for (unsigned i = 0; i < 7; i++) {
		struct ip_address client = numbered(i);

		assert_true(listing_cache_find(cache, &client, 70, &listed));
	}
	assert_true(listing_cache_find(cache, &newest, 70, &listed));
	listing_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_judgements),
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_forgets_who_was_not_asked_about),
		cmocka_unit_test(test_what_is_over_gives_way_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
