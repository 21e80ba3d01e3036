/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A diagnostic through the built-in rules: the verdict is the same twice, and without the
 * prefilter; what matched lies in the text. And the same bytes as a rule file: refused with a
 * place, or compiled and usable.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "parser/rules.h"
#include "parser/rules_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Matching without the prefilter is slow: texts of every so many lengths will do. */
#define PLAIN_EVERY 32

static void check_reply(const struct rules *rules, const struct reply *reply)
{
	struct slice first, again, plain;
	size_t rule = rules_decide(rules, reply, true, &first);

	if (rules_decide(rules, reply, true, &again) != rule || !slice_equal(first, again))
		abort();
	if (reply->text.len % PLAIN_EVERY == 0 &&
	    (rules_decide(rules, reply, false, &plain) != rule || !slice_equal(first, plain)))
		abort();
	if (first.len > 0 && (first.ptr < reply->text.ptr ||
			      first.ptr + first.len > reply->text.ptr + reply->text.len))
		abort();
}

static void check_file(struct slice text, struct arena *arena)
{
	struct rules_source source = { SLICE("f"), text };
	struct rules *rules = NULL;
	struct slice error = SLICE_NONE;

	if (rules_compile(&source, 1, false, arena, &rules, &error) != OK) {
		if (rules != NULL || !slice_starts_with(error, SLICE("f:")))
			abort();
		return;
	}
	rules_lint(rules, false, arena);
	rules_free(rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules *builtin;
	struct arena *arena = arena_new(0);
	/* Of its own size, so that a byte too far is seen. */
	char *copy = malloc(size + 1);
	struct slice text = slice_from(copy, size);

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	if (builtin == NULL)
		builtin = rules_builtin();
	struct reply reply = { SLICE_NONE, SLICE_NONE, SLICE_NONE, text,
			       SLICE_NONE, SLICE_NONE, SLICE_NONE };
	check_reply(builtin, &reply);
	reply.command = SLICE("RCPT");
	reply.remote_host = SLICE("mx.google.com");
	check_reply(builtin, &reply);
	check_file(text, arena);
	free(copy);
	arena_free(arena);
	return 0;
}
