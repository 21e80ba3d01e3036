/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/proxy_protocol.h"

#define V2      "\r\n\r\n\0\r\nQUIT\n"
#define IPV4    "\xc0\0\2\7\xc0\0\2\1\x9c\x40\0\x19"
#define S(text) SLICE_LITERAL(text)

static const struct {
	struct slice text;
	enum proxy_result result;
	const char *source; /* NULL: none */
	size_t behind;      /* bytes that are not the header's */
} cases[] = {
	{ S("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n"), PROXY_DONE, "192.0.2.7", 0 },
	{ S("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\nEHLO x\r\n"), PROXY_DONE, "192.0.2.7", 8 },
	{ S("PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n"), PROXY_DONE, "2001:db8::7", 0 },
	{ S("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"), PROXY_DONE, "192.0.2.7", 0 },
	{ S("PROXY UNKNOWN\r\n"), PROXY_DONE, NULL, 0 },
	{ S("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), PROXY_DONE, NULL, 0 },
	{ S(""), PROXY_MORE, NULL, 0 },
	{ S("PRO"), PROXY_MORE, NULL, 0 },
	{ S("PROXY TCP4 192.0.2.7"), PROXY_MORE, NULL, 0 },
	{ S("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r"), PROXY_MORE, NULL, 0 },
	{ S("EHLO x\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("proxy TCP4 192.0.2.7 192.0.2.1 40000 25\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY TCP4 192.0.2.7 192.0.2.1 40000\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25 x\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY TCP4 192.0.2.7 192.0.2.1 40000 65536\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY TCP4  192.0.2.7 192.0.2.1 40000 25\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY TCP4 192.0.2 192.0.2.1 40000 25\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY UNKNOWNX\r\n"), PROXY_BROKEN, NULL, 0 },
	{ S("PROXY \r\n"), PROXY_BROKEN, NULL, 0 },
	{ S(V2 "\x21\x11\0\x0c" IPV4), PROXY_DONE, "192.0.2.7", 0 },
	/* an extension, and the client's first byte */
	{ S(V2 "\x21\x11\0\x0f" IPV4 "\4\0\0E"), PROXY_DONE, "192.0.2.7", 1 },
	{ S(V2 "\x20\0\0\0"), PROXY_DONE, NULL, 0 },
	{ S(V2 "\x20\x11\0\x0c" IPV4), PROXY_DONE, NULL, 0 },
	/* datagrams and sockets of the proxy's own machine */
	{ S(V2 "\x21\x12\0\x0c" IPV4), PROXY_DONE, NULL, 0 },
	{ S(V2 "\x21\x00\0\0"), PROXY_DONE, NULL, 0 },
	{ S("\r\n\r\n"), PROXY_MORE, NULL, 0 },
	{ S(V2 "\x21\x11\0\x0c"
	       "\xc0\0\2\7"),
	  PROXY_MORE, NULL, 0 },
	{ S(V2 "\x11\x11\0\x0c" IPV4), PROXY_BROKEN, NULL, 0 }, /* no version 2 */
	{ S(V2 "\x22\x11\0\x0c" IPV4), PROXY_BROKEN, NULL, 0 }, /* no command */
	{ S(V2 "\x21\x11\0\x08" IPV4), PROXY_BROKEN, NULL, 0 }, /* too short for the addresses */
	{ S(V2 "\x21\x11\x08\0" IPV4), PROXY_BROKEN, NULL, 0 }, /* longer than we take */
};

static void check_source(const struct proxy_header *header, const char *source)
{
	struct ip_address wanted = { 0 };

	assert_int_equal(header->has_source, source != NULL);
	if (source == NULL)
		return;
	assert_true(ip_parse(slice_from_cstr(source), &wanted));
	assert_int_equal(header->source.v6, wanted.v6);
	assert_memory_equal(header->source.bytes, wanted.bytes, wanted.v6 ? 16 : 4);
}

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct proxy_header header = { .len = 4711 };
		enum proxy_result result = proxy_protocol_parse(cases[i].text, &header);

		if (result != cases[i].result)
			fail_msg("case %zu: %d", i, (int)result);
		if (result != PROXY_DONE) {
			assert_int_equal(header.len, 4711); /* untouched */
			continue;
		}
		assert_int_equal(header.len, cases[i].text.len - cases[i].behind);
		check_source(&header, cases[i].source);
		for (size_t len = 0; len < header.len; len++)
			assert_int_equal(
				proxy_protocol_parse(slice_head(cases[i].text, len), &header),
				PROXY_MORE);
	}
}

/* A line of version 1 has at most 107 bytes. */
static void test_a_line_that_does_not_end(void **state)
{
	char line[107];
	struct proxy_header header;

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "PROXY UNKNOWN", 13);
	assert_int_equal(proxy_protocol_parse(slice_from(line, 106), &header), PROXY_MORE);
	assert_int_equal(proxy_protocol_parse(slice_from(line, 107), &header), PROXY_BROKEN);
	line[105] = '\r';
	line[106] = '\n';
	assert_int_equal(proxy_protocol_parse(slice_from(line, 107), &header), PROXY_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_a_line_that_does_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
