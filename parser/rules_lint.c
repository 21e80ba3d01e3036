/* SPDX-License-Identifier: Apache-2.0 */
/* Does each rule do what its examples say? */
#include "parser/rules_private.h"

struct reply rule_example_reply(const struct rules *rules, const struct rule *rule,
				struct slice text)
{
	struct reply reply = { .text = text,
			       .status = SLICE_NONE,
			       .reply_code = SLICE_NONE,
			       .remote_host = SLICE_NONE,
			       .agent = SLICE_NONE,
			       .domain = SLICE_NONE,
			       .command = SLICE_NONE };

	if (rule->provider != RULE_NONE) {
		const struct rule_provider *provider = &rules->book.providers[rule->provider];

		if (provider->hosts.count > 0)
			reply.remote_host = provider->hosts.items[0];
		else
			reply.domain = provider->domains.items[0];
	}
	if (rule->commands.count > 0 && !slice_equal(rule->commands.items[0], SLICE("NONE")))
		reply.command = rule->commands.items[0];
	if (rule->agents.count > 0)
		reply.agent = rule->agents.items[0];
	return reply;
}

static void add_finding(struct rules_findings *findings, const struct rule *rule, unsigned line,
			struct slice text)
{
	findings->items[findings->count++] =
		(struct rules_finding){ .file = rule->file, .line = line, .text = text };
}

/* The rule that decides an example, in words. */
static struct slice decider(const struct rules *rules, size_t index, struct arena *arena)
{
	if (index == RULE_NONE)
		return SLICE("no rule");
	const struct rule *rule = &rules->book.rules[index];

	return arena_printf(arena, "%.*s (%.*s:%u)", SLICE_ARG(rule->id), SLICE_ARG(rule->file),
			    rule->line);
}

static void lint_rule(const struct rules *rules, size_t index, struct arena *arena,
		      struct rules_findings *findings)
{
	const struct rule *rule = &rules->book.rules[index];
	size_t examples = 0;
	size_t taken = 0;
	size_t taker = RULE_NONE;

	for (size_t i = 0; i < rule->example_count; i++) {
		const struct rule_example *example = &rule->examples[i];
		struct reply reply = rule_example_reply(rules, rule, example->text);
		struct slice matched;
		size_t got = rules_decide(rules, &reply, true, &matched);

		examples += example->matches;
		if (example->matches && got != index) {
			taken += got < index;
			taker = got;
			add_finding(findings, rule, example->line,
				    arena_printf(arena,
						 "the example is decided by %.*s, not by %.*s",
						 SLICE_ARG(decider(rules, got, arena)),
						 SLICE_ARG(rule->id)));
		} else if (!example->matches && got == index) {
			add_finding(findings, rule, example->line,
				    arena_printf(arena, "this line shall not match %.*s",
						 SLICE_ARG(rule->id)));
		}
	}
	if (taken == examples)
		add_finding(findings, rule, rule->line,
			    arena_printf(arena,
					 "%.*s is unreachable: an earlier rule takes every "
					 "example, e.g. %.*s",
					 SLICE_ARG(rule->id),
					 SLICE_ARG(decider(rules, taker, arena))));
}

struct rules_findings rules_lint(const struct rules *rules, bool own_only, struct arena *arena)
{
	const struct rule_book *book = &rules->book;
	size_t count = own_only ? rules->own_rules : book->rule_count;
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		most += book->rules[i].example_count + 1;

	struct rules_findings findings = { ARENA_ARRAY(arena, struct rules_finding, most + 1), 0 };

	for (size_t i = 0; i < count; i++)
		lint_rule(rules, i, arena, &findings);
	return findings;
}
