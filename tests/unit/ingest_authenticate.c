/* SPDX-License-Identifier: Apache-2.0 */
/* The authenticator in an event loop, over a resolver that answers from a zone, late, or never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/timestamp.h"
#include "ingest/authenticate.h"
#include "tests/signer.h"
#include "tests/zone.h"

#define MESSAGE                                          \
	"From: Reporter <report@fbl.example>\r\n"        \
	"Subject: complaint\r\n"                         \
	"Content-Type: multipart/report; boundary=x\r\n" \
	"\r\n"                                           \
	"--x\r\n\r\nhello\r\n--x--\r\n"
#define TIMEOUT_MS 200

/* -- the resolver -- */

struct resolver_query {
	struct resolver_query *next;
	const struct dns_question *question;
	resolver_done *done;
	void *context;
};

static struct zone zone;
static bool silent; /* it never answers */
static bool broken; /* it cannot even be asked */
static struct resolver_query *open_queries;
static unsigned asked, cancelled;
static struct event_base *base;

static void remove_query(struct resolver_query *query)
{
	struct resolver_query **at = &open_queries;

	while (*at != query)
		at = &(*at)->next;
	*at = query->next;
}

static void answer_first(evutil_socket_t fd, short what, void *arg)
{
	struct resolver_query *query = open_queries;
	struct arena *scratch = arena_new(0);

	(void)fd;
	(void)what;
	(void)arg;
	if (query != NULL) {
		struct dns_answer answer = zone_answer(&zone, query->question, scratch);

		remove_query(query);
		query->done(query->context, query->question, &answer);
		free(query);
	}
	arena_free(scratch);
}

static struct resolver_query *ask(void *context, const struct dns_question *question,
				  resolver_done *done, void *done_context)
{
	const struct timeval at_once = { 0, 0 };
	struct resolver_query *query = calloc(1, sizeof(*query));

	(void)context;
	asked++;
	if (broken) {
		free(query);
		return NULL;
	}
	*query = (struct resolver_query){ open_queries, question, done, done_context };
	open_queries = query;
	if (!silent)
		assert_int_equal(
			event_base_once(base, -1, EV_TIMEOUT, answer_first, NULL, &at_once), 0);
	return query;
}

static void cancel(void *context, struct resolver_query *query)
{
	(void)context;
	cancelled++;
	remove_query(query);
	free(query);
}

/* -- a message -- */

static struct arena *arena;
static EVP_PKEY *key;
static struct reporters *reporters;
static const struct authentication *found;
static int64_t took_ms;
static unsigned calls;

static int group_setup(void **state)
{
	(void)state;
	key = signer_rsa_key(1024);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

static int setup(void **state)
{
	struct slice error;

	(void)state;
	arena = arena_new(0);
	base = event_base_new();
	zone.count = 0;
	silent = broken = false;
	asked = cancelled = calls = 0;
	found = NULL;
	zone_add(&zone, SLICE("s1._domainkey.fbl.example"), DNS_TXT, signer_record(key, "", arena));
	zone_add(&zone, SLICE("fbl.example"), DNS_TXT, SLICE("v=spf1 ip4:192.0.2.1 -all"));
	zone_add(&zone, SLICE("_dmarc.fbl.example"), DNS_TXT, SLICE("v=DMARC1; p=reject"));
	return reporters_parse(SLICE("provider dkim=fbl.example from=report@fbl.example\n"), "t",
			       arena, &reporters, &error) == OK
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	(void)state;
	assert_null(open_queries);
	event_base_free(base);
	arena_free(arena);
	return 0;
}

static struct slice signed_message(void)
{
	static const char *headers[] = { "From", "Subject", "Content-Type", NULL };
	const struct signing signing = { "fbl.example",       "s1",    key,
					 DKIM_SIGN_RSASHA256, headers, false };

	return signer_sign(&signing, SLICE(MESSAGE), arena);
}

static void on_done(void *context, const struct authentication *authentication)
{
	(void)context;
	found = authentication;
	calls++;
}

static void run(struct slice raw, const char *peer, const char *trusted)
{
	const struct authenticator_options options = {
		.base = base,
		.resolver = { NULL, ask, cancel },
		.reporters = reporters,
		.authserv_id = SLICE("mx.front.example"),
		.trusted_peers = slice_from_cstr(trusted),
		.timeout_ms = TIMEOUT_MS,
	};
	const struct report report = { .kind = REPORT_COMPLAINT, .feedback_type = SLICE("abuse") };
	struct inbound *inbound = inbound_new(65536);
	struct authenticator *authenticator;
	int64_t begin = time_monotonic_ms();

	calls = 0;
	assert_int_equal(authenticator_new(&options, &authenticator), OK);
	inbound->peer = slice_from_cstr(peer);
	inbound->helo = SLICE("mx.fbl.example");
	inbound->mail_from = SLICE("bounce@fbl.example");
	buf_append(&inbound->raw, raw);
	authenticator_start(authenticator, inbound, &report, arena, on_done, NULL);
	while (calls == 0)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	took_ms = time_monotonic_ms() - begin;
	assert_int_equal(calls, 1);
	authenticator_free(authenticator);
	inbound_free(inbound);
}

#define assert_word(result, word) assert_string_equal(auth_result_word(result), word)

static void test_all_is_found_out(void **state)
{
	(void)state;
	run(signed_message(), "192.0.2.1", "");
	assert_word(found->spf.result, "pass");
	assert_int_equal(found->dkim_count, 1);
	assert_word(found->dkim[0].result, "pass");
	assert_word(found->dmarc.result, "pass");
	assert_true(slice_equal(found->from, SLICE("report@fbl.example")));
	assert_true(slice_equal(found->reporter, SLICE("provider")));
	assert_false(found->undecided);
	assert_int_equal(asked, 3);
	assert_int_equal(cancelled, 0);
}

static void test_an_unsigned_message_proves_nobody(void **state)
{
	(void)state;
	run(SLICE(MESSAGE), "192.0.2.1", "");
	assert_word(found->spf.result, "pass");
	assert_int_equal(found->dkim_count, 0);
	assert_true(slice_empty(found->reporter));
	run(SLICE(""), "192.0.2.2", "");
	assert_word(found->spf.result, "fail");
}

static void test_silence_is_no_proof_and_takes_its_time_only(void **state)
{
	(void)state;
	silent = true;
	run(signed_message(), "192.0.2.1", "");
	assert_in_range(took_ms, TIMEOUT_MS - 20, TIMEOUT_MS + 1000);
	assert_word(found->spf.result, "temperror");
	assert_word(found->dkim[0].result, "temperror");
	assert_word(found->dmarc.result, "temperror");
	assert_true(slice_empty(found->reporter));
	assert_int_equal(cancelled, asked);
	assert_true(found->undecided);
	/* of this reporter SPF would prove nothing */
	run(SLICE(MESSAGE), "192.0.2.1", "");
	assert_word(found->spf.result, "temperror");
	assert_false(found->undecided);
}

static void test_a_resolver_that_is_broken(void **state)
{
	(void)state;
	broken = true;
	run(signed_message(), "192.0.2.1", "");
	assert_word(found->spf.result, "temperror");
	assert_word(found->dkim[0].result, "temperror");
	assert_true(slice_empty(found->reporter));
	assert_in_range(took_ms, 0, TIMEOUT_MS - 1);
}

static void test_a_trusted_hop_is_believed_and_nobody_else(void **state)
{
	struct slice raw = arena_printf(
		arena,
		"Authentication-Results: mx.front.example; spf=fail"
		" smtp.mailfrom=fbl.example; dkim=pass header.d=fbl.example header.s=s1\r\n"
		"%.*s",
		SLICE_ARG(signed_message()));

	(void)state;
	zone.count = 0; /* our own lookups find nothing */
	run(raw, "198.51.100.7", "203.0.113.0/24 198.51.100.0/24");
	assert_true(slice_equal(found->by, SLICE("mx.front.example")));
	assert_word(found->spf.result, "fail");
	assert_word(found->dkim[0].result, "pass");
	assert_true(slice_equal(found->reporter, SLICE("provider")));
	assert_int_equal(asked, 0);
	run(raw, "198.51.101.7", "203.0.113.0/24 198.51.100.0/24");
	assert_true(slice_empty(found->by));
	assert_true(slice_empty(found->reporter));
	/* What the hop could not find out is in the message for good. */
	raw = arena_printf(arena,
			   "Authentication-Results: mx.front.example; dkim=temperror"
			   " header.d=fbl.example header.s=s1\r\n%.*s",
			   SLICE_ARG(signed_message()));
	run(raw, "198.51.100.7", "198.51.100.0/24");
	assert_word(found->dkim[0].result, "temperror");
	assert_false(found->undecided);
}

/* The hop's own address says nothing about the sender. */
static void test_spf_is_not_asked_about_the_hop(void **state)
{
	(void)state;
	run(signed_message(), "192.0.2.1", "192.0.2.1");
	assert_word(found->spf.result, "none");
	assert_word(found->dkim[0].result, "pass");
}

static void test_networks_that_are_none(void **state)
{
	const struct authenticator_options options = { .trusted_peers = SLICE("10.0.0.0/8 front"),
						       .authserv_id = SLICE("x") };
	struct authenticator *authenticator;

	(void)state;
	assert_int_equal(authenticator_new(&options, &authenticator), ERR_REFUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_is_found_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_unsigned_message_proves_nobody, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_silence_is_no_proof_and_takes_its_time_only,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_resolver_that_is_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_trusted_hop_is_believed_and_nobody_else,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_spf_is_not_asked_about_the_hop, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_networks_that_are_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
