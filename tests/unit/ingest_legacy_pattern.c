/* SPDX-License-Identifier: Apache-2.0 */
/* Return paths of other systems, well made and forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/timestamp.h"
#include "ingest/legacy_pattern.h"

#define NOW   INT64_C(1790000000000)
#define UNTIL (NOW + 45 * TIME_DAY_MS)

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static struct directory_pattern unsigned_pattern(const char *template)
{
	return (struct directory_pattern){ .template_ = slice_from_cstr(template),
					   .expires_at = UNTIL };
}

static struct directory_pattern signed_pattern(const char *template, const char *covers,
					       enum pattern_algorithm algorithm, uint8_t digits)
{
	struct directory_pattern pattern = { .template_ = slice_from_cstr(template),
					     .covers = slice_from_cstr(covers),
					     .algorithm = algorithm,
					     .mac_digits = digits,
					     .secret_len = 6,
					     .expires_at = TIME_NONE };

	memcpy(pattern.secret, "secret", 6);
	return pattern;
}

static struct legacy_match match_at(struct arena *arena, const struct directory_pattern *patterns,
				    size_t count, const char *local, int64_t now)
{
	struct directory_domain domain = { .patterns = patterns, .pattern_count = count };

	return legacy_pattern_match(&domain, slice_from_cstr(local), now, arena);
}

static void assert_slice(struct slice s, const char *expected)
{
	assert_int_equal(s.len, strlen(expected));
	assert_memory_equal(s.ptr, expected, s.len);
}

static void test_what_a_template_takes(void **state)
{
	static const struct {
		const char *template, *local;
		bool fits;
		const char *address, *ref;
	} cases[] = {
		{ "news-bounces+{local}={domain}", "news-bounces+Ann.Lee=Shop.example", true,
		  "ann.lee@shop.example", "" },
		/* an = in the local part: {local} is as long as can be */
		{ "b+{local}={domain}", "b+a=b=shop.example", true, "a=b@shop.example", "" },
		/* ezmlm */
		{ "list-return-{ref}-{local}={domain}", "list-return-12-some-body=my-shop.example",
		  true, "some-body@my-shop.example", "12" },
		{ "{local}={domain}-{ref}", "ann=my-shop.example-12", true, "ann@my-shop.example",
		  "12" },
		{ "bounce-{ref}", "BOUNCE-Ab_9.x", true, "", "Ab_9.x" },
		{ "bounce-{ref}", "bounce-", false, "", "" },
		{ "bounce-{ref}", "xbounce-1", false, "", "" },
		{ "bounce-{ref}", "bounce-1+tag", false, "", "" },
		{ "bounce-{ref}-x", "bounce-1", false, "", "" },
		{ "b+{local}={domain}", "b+ann", false, "", "" },
		{ "b+{local}={domain}", "b+=shop.example", false, "", "" },
		{ "b+{local}={domain}", "b+ann=shop..example", false, "", "" },
		/* wrapped by forwarders */
		{ "bounce-{ref}", "prvs=1234abcdef=bounce-77", true, "", "77" },
		{ "bounce-{ref}", "SRS0=hhhh=tt=bounce.example=bounce-77", true, "", "77" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct directory_pattern pattern = unsigned_pattern(cases[i].template);
		struct legacy_match match = match_at(*state, &pattern, 1, cases[i].local, NOW);

		assert_int_equal(legacy_pattern_problem(&pattern).len, 0);
		assert_int_equal(match.verdict, cases[i].fits ? LEGACY_UNSIGNED : LEGACY_NONE);
		assert_slice(match.address, cases[i].address);
		assert_slice(match.ref, cases[i].ref);
	}
}

/* The digests are those of `openssl dgst -hmac secret`. */
static void test_an_hmac_proves(void **state)
{
	static const struct {
		const char *template, *covers;
		enum pattern_algorithm algorithm;
		uint8_t digits;
		const char *local;
		enum legacy_verdict verdict;
	} cases[] = {
		{ "b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 16, "b-12345-f88c7ebe4740db59",
		  LEGACY_VERIFIED },
		{ "b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 16, "B-12345-F88C7EBE4740DB59",
		  LEGACY_VERIFIED },
		{ "b-{ref}-{hmac}", "v1:{ref}", PATTERN_HMAC_SHA256, 8, "b-12345-8beb6613",
		  LEGACY_VERIFIED },
		{ "b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA1, 40,
		  "b-12345-3beb4dcd4d5276a3107ef503d83c8ea978e4fe1b", LEGACY_VERIFIED },
		{ "{hmac}-{local}={domain}", "{local}@{domain}", PATTERN_HMAC_SHA256, 10,
		  "e9a9739ec7-ann=shop.example", LEGACY_VERIFIED },
		{ "b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 16, "b-12346-f88c7ebe4740db59",
		  LEGACY_BAD_MAC },
		{ "b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA1, 16, "b-12345-f88c7ebe4740db59",
		  LEGACY_BAD_MAC },
		/* too few digits, or too many, are another ref's at most */
		{ "b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 16, "b-12345-f88c7ebe4740db5",
		  LEGACY_NONE },
		{ "b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 16, "b-12345-f88c7ebe4740db595",
		  LEGACY_NONE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct directory_pattern pattern = signed_pattern(
			cases[i].template, cases[i].covers, cases[i].algorithm, cases[i].digits);

		assert_int_equal(legacy_pattern_problem(&pattern).len, 0);
		assert_int_equal(match_at(*state, &pattern, 1, cases[i].local, NOW).verdict,
				 cases[i].verdict);
	}
}

static void test_every_changed_character_is_noticed(void **state)
{
	struct directory_pattern pattern =
		signed_pattern("b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 16);
	char local[] = "b-12345-f88c7ebe4740db59";

	for (size_t at = 0; at < sizeof(local) - 1; at++) {
		char kept = local[at];

		local[at] = kept == '7' ? '8' : '7';
		assert_int_not_equal(match_at(*state, &pattern, 1, local, NOW).verdict,
				     LEGACY_VERIFIED);
		local[at] = kept;
	}
}

static void test_the_date_ends_it(void **state)
{
	struct directory_pattern pattern = unsigned_pattern("b-{ref}");

	assert_int_equal(match_at(*state, &pattern, 1, "b-1", UNTIL - 1).verdict, LEGACY_UNSIGNED);
	assert_int_equal(match_at(*state, &pattern, 1, "b-1", UNTIL).verdict, LEGACY_NONE);
}

/* A wrong HMAC does not fall through to a pattern that asks for none. */
static void test_the_first_that_fits_decides(void **state)
{
	const struct directory_pattern patterns[] = {
		signed_pattern("b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 16),
		unsigned_pattern("b-{ref}"),
	};

	assert_int_equal(match_at(*state, patterns, 2, "b-12345-f88c7ebe4740db59", NOW).verdict,
			 LEGACY_VERIFIED);
	assert_int_equal(match_at(*state, patterns, 2, "b-12346-f88c7ebe4740db59", NOW).verdict,
			 LEGACY_BAD_MAC);
	assert_int_equal(match_at(*state, patterns, 2, "b-12345", NOW).verdict, LEGACY_UNSIGNED);
	assert_int_equal(match_at(*state, patterns, 0, "b-12345", NOW).verdict, LEGACY_NONE);
}

static void test_hostile_length(void **state)
{
	struct directory_pattern pattern = unsigned_pattern("{local}={domain}-{ref}-");
	char local[2000];

	memset(local, '-', sizeof(local));
	local[1] = '=';
	local[sizeof(local) - 1] = '\0';
	assert_int_equal(match_at(*state, &pattern, 1, local, NOW).verdict, LEGACY_NONE);
	local[LEGACY_TEXT_MAX] = '\0';
	local[LEGACY_TEXT_MAX - 1] = 'x';
	assert_int_equal(match_at(*state, &pattern, 1, local, NOW).verdict, LEGACY_NONE);
}

static void test_patterns_that_cannot_stand(void **state)
{
	const struct directory_pattern bad[] = {
		unsigned_pattern(""),
		unsigned_pattern("bounces"),
		unsigned_pattern("{ref}"),
		unsigned_pattern("b-{ref}{local}={domain}"),
		unsigned_pattern("b-{ref}-{ref}"),
		unsigned_pattern("b-{local}"),
		unsigned_pattern("b-{id}"),
		unsigned_pattern("b-{ref"),
		unsigned_pattern("b {ref}"),
		unsigned_pattern("b-{ref}@bounce.example"),
		unsigned_pattern("b-{ref}-{hmac}"),
		{ .template_ = SLICE("b-{ref}"), .expires_at = TIME_NONE },
		signed_pattern("b-{ref}", "{ref}", PATTERN_HMAC_SHA256, 16),
		signed_pattern("b-{ref}-{hmac}", "", PATTERN_HMAC_SHA256, 16),
		/* the address could be exchanged */
		signed_pattern("b-{ref}-{hmac}-{local}={domain}", "{ref}", PATTERN_HMAC_SHA256, 16),
		signed_pattern("b-{ref}-{hmac}", "{ref}{hmac}", PATTERN_HMAC_SHA256, 16),
		signed_pattern("b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 7),
		signed_pattern("b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA256, 65),
		signed_pattern("b-{ref}-{hmac}", "{ref}", PATTERN_HMAC_SHA1, 41),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(legacy_pattern_problem(&bad[i]).len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_template_takes),
		TEST(test_an_hmac_proves),
		TEST(test_every_changed_character_is_noticed),
		TEST(test_the_date_ends_it),
		TEST(test_the_first_that_fits_decides),
		TEST(test_hostile_length),
		TEST(test_patterns_that_cannot_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
