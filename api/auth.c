/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"

#include <arpa/inet.h>

#include "api/problem.h"
#include "core/hash.h"
#include "core/timestamp.h"
#include "store/api_key.h"
#include "store/key_query.h"

/* The key in an Authorization header's value; empty where it is of another scheme. */
static struct slice bearer(struct slice authorization)
{
	if (!slice_starts_with_nocase(authorization, SLICE("Bearer ")))
		return SLICE_NONE;
	return slice_trim(slice_skip(authorization, 7));
}

static unsigned scopes_read(const struct key_row *row)
{
	unsigned scopes = 0;

	for (size_t i = 0; i < row->scope_count; i++)
		scopes |= api_scope_from_word(row->scopes[i]);
	return scopes;
}

/* What failures are counted by: a host of IPv6 has a whole /64 to call from. */
static struct slice peer_prefix(struct slice peer, struct arena *arena)
{
	struct in6_addr address;
	const char *text = arena_cstr(arena, peer);

	if (inet_pton(AF_INET6, text, &address) == 1 && !IN6_IS_ADDR_V4MAPPED(&address))
		return arena_copy(arena, slice_from((const char *)address.s6_addr, 8));
	return peer;
}

static bool refuse(struct call *call, struct throttle *failures)
{
	unsigned wait_ms = throttle_hit(failures, peer_prefix(call->request->peer, call->arena),
					time_monotonic_ms());

	if (wait_ms > 0) {
		problem(call, 429, "too_many_failures", "too many requests without a valid key");
		response_header_add(call->response, "Retry-After",
				    arena_printf(call->arena, "%u", (wait_ms + 999) / 1000).ptr);
		return false;
	}
	problem(call, 401, "unauthorized",
		"this needs a valid API key: Authorization: Bearer bd_…");
	response_header_add(call->response, "WWW-Authenticate", "Bearer");
	return false;
}

bool auth_check(struct call *call, unsigned scope, struct throttle *failures)
{
	const struct http_header *authorization = request_header(call->request, "Authorization");
	struct key_row row = { .usable = false };
	struct api_key_text key;
	bool genuine;
	enum err err;

	if (!authorization || !api_key_read(bearer(authorization->value), &key))
		return refuse(call, failures);
	err = key_get(call->pg, key.id, call->arena, &row);
	if (err != OK && err != ERR_MISSING)
		return problem_none(call, err);
	/* Without a row the comparison is with zeroes, so that it takes the same time. */
	genuine = bytes_equal_constant_time(key.secret_sha256, row.secret_sha256, SHA256_LEN);
	if (!genuine || !row.usable)
		return refuse(call, failures);
	call->principal = (struct principal){ row.account_id, key.id, scopes_read(&row) };
	if (call->principal.scopes & scope)
		return true;
	problem(call, 403, "insufficient_scope", "the key has not the scope that this needs");
	return false;
}
