/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/resolver.h"

#include <stdlib.h>
#include <string.h>

#include <unbound.h>

#include "core/limits.h"

#define CLASS_IN 1
/* A byte of a name as "\DDD" at worst. */
#define NAME_TEXT_MAX (4 * 253 + 1)

struct resolver {
	struct ub_ctx *unbound;
	struct event *event;
};

struct resolver_query {
	struct resolver *resolver;
	const struct dns_question *question;
	resolver_done *done;
	void *done_context;
	int id;
};

/* -- names and records -- */

/* As libunbound reads names; what is no letter, digit, "-" or "_" by its number. */
static void name_text(struct slice name, char out[NAME_TEXT_MAX])
{
	char *end = out;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		if (ascii_is_alnum((char)c) || c == '-' || c == '_' || c == '.') {
			*end++ = (char)c;
			continue;
		}
		*end++ = '\\';
		*end++ = (char)('0' + c / 100);
		*end++ = (char)('0' + c / 10 % 10);
		*end++ = (char)('0' + c % 10);
	}
	*end = '\0';
}

/* An uncompressed name on the wire. A dot inside a label makes it a name that nobody has. */
static struct slice wire_name(struct slice wire, struct arena *arena)
{
	char *out = arena_alloc(arena, wire.len + 1);
	size_t len = 0, at = 0;

	while (at < wire.len && wire.ptr[at] != 0) {
		size_t label = (unsigned char)wire.ptr[at++];

		if (label > wire.len - at || memchr(wire.ptr + at, '.', label) != NULL)
			return SLICE_NONE;
		if (len > 0)
			out[len++] = '.';
		memcpy(out + len, wire.ptr + at, label);
		len += label;
		at += label;
	}
	return slice_from(out, len);
}

/* The strings of a TXT record as one. */
static struct slice wire_text(struct slice wire, struct arena *arena)
{
	char *out = arena_alloc(arena, wire.len + 1);
	size_t len = 0;

	for (size_t at = 0; at < wire.len;) {
		size_t part = (unsigned char)wire.ptr[at++];

		if (part > wire.len - at)
			break;
		memcpy(out + len, wire.ptr + at, part);
		len += part;
		at += part;
	}
	return slice_from(out, len);
}

static struct slice record_of(struct slice wire, enum dns_type type, struct arena *arena)
{
	switch (type) {
	case DNS_PTR:
		return wire_name(wire, arena);
	case DNS_MX:
		return wire_name(slice_skip(wire, 2), arena);
	case DNS_TXT:
		return wire_text(wire, arena);
	case DNS_A:
	case DNS_AAAA:
		break;
	}
	return wire;
}

/* RFC 1035 4.1.1: no error, and no such name; all else tells nothing. */
static bool is_answer(int status, const struct ub_result *result)
{
	return status == 0 && !result->bogus && (result->rcode == 0 || result->rcode == 3);
}

/* MX: lowest preference, the first two bytes, first. */
static int compare_records(const void *a, const void *b)
{
	const struct slice *left = a, *right = b;

	return memcmp(left->ptr, right->ptr, left->len < 2 || right->len < 2 ? 0 : 2);
}

static struct dns_answer read_answer(int status, const struct ub_result *result, enum dns_type type,
				     struct arena *arena)
{
	struct slice *records = ARENA_ARRAY(arena, struct slice, LIMIT_DNS_RECORDS);
	struct dns_answer answer = { .failed = !is_answer(status, result), .records = records };

	if (answer.failed || !result->havedata)
		return answer;
	while (answer.count < LIMIT_DNS_RECORDS && result->data[answer.count] != NULL) {
		records[answer.count] =
			slice_from(result->data[answer.count], (size_t)result->len[answer.count]);
		answer.count++;
	}
	if (type == DNS_MX)
		qsort(records, answer.count, sizeof(*records), compare_records);
	for (size_t i = 0; i < answer.count; i++)
		records[i] = record_of(records[i], type, arena);
	return answer;
}

/* -- asking -- */

static void on_result(void *context, int status, struct ub_result *result)
{
	struct resolver_query *query = context;
	struct arena *arena = arena_new(0);
	struct dns_answer answer = read_answer(status, result, query->question->type, arena);

	query->done(query->done_context, query->question, &answer);
	ub_resolve_free(result); /* addresses point into it */
	arena_free(arena);
	free(query);
}

static struct resolver_query *ask(void *context, const struct dns_question *question,
				  resolver_done *done, void *done_context)
{
	struct resolver *resolver = context;
	struct resolver_query *query = calloc(1, sizeof(*query));
	char name[NAME_TEXT_MAX];

	if (query == NULL)
		abort();
	*query = (struct resolver_query){ resolver, question, done, done_context, 0 };
	name_text(question->name, name);
	if (ub_resolve_async(resolver->unbound, name, (int)question->type, CLASS_IN, query,
			     on_result, &query->id) == 0)
		return query;
	free(query);
	return NULL;
}

static void cancel(void *context, struct resolver_query *query)
{
	struct resolver *resolver = context;

	/* It fails only where there is nothing to cancel; the callback is not called either way. */
	(void)ub_cancel(resolver->unbound, query->id);
	free(query);
}

struct resolver_interface resolver_interface(struct resolver *resolver)
{
	return (struct resolver_interface){ resolver, ask, cancel };
}

/* -- setting up -- */

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct resolver *resolver = context;

	(void)fd;
	(void)what;
	(void)ub_process(resolver->unbound);
}

static bool configure(struct ub_ctx *unbound, const char *server)
{
	/* A server that did not answer is tried again soon, not after a quarter of an hour. */
	static const char *const options[][2] = {
		{ "infra-host-ttl:", "30" },
		{ "infra-keep-probing:", "yes" },
		{ "do-not-query-localhost:", "no" },
	};

	(void)ub_ctx_debugout(unbound, NULL); /* what goes wrong is said by its answers */
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (ub_ctx_set_option(unbound, options[i][0], options[i][1]) != 0)
			return false;
	if (server[0] != '\0')
		return ub_ctx_set_fwd(unbound, server) == 0;
	/* Without that file it asks the root servers. */
	(void)ub_ctx_resolvconf(unbound, NULL);
	return true;
}

enum err resolver_new(struct event_base *base, const char *server, struct resolver **ret_resolver)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver == NULL)
		abort();
	resolver->unbound = ub_ctx_create();
	if (resolver->unbound == NULL)
		abort();
	if (!configure(resolver->unbound, server)) {
		resolver_free(resolver);
		return ERR_REFUSE;
	}
	if (ub_ctx_async(resolver->unbound, 1) != 0)
		abort();
	resolver->event = event_new(base, ub_fd(resolver->unbound), EV_READ | EV_PERSIST,
				    on_readable, resolver);
	if (resolver->event == NULL || event_add(resolver->event, NULL) != 0)
		abort();
	*ret_resolver = resolver;
	return OK;
}

void resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	if (resolver->event != NULL)
		event_free(resolver->event);
	ub_ctx_delete(resolver->unbound);
	free(resolver);
}
