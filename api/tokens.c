/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources.h"

#include "api/body.h"
#include "api/problem.h"
#include "api/table.h"
#include "core/address.h"
#include "core/limits.h"
#include "core/timestamp.h"
#include "core/token.h"

/* Tokens of one request: three signatures each. */
#define TOKENS_MAX 10000
/* The epoch of issue days, 2025-01-01. */
#define TOKEN_EPOCH_MS INT64_C(1735689600000)

static const char *const MINT_COLUMNS[] = {
	"ref",
	"campaign",
	"return_path",
	"list_unsubscribe",
	"list_unsubscribe_post",
	"cfbl_address",
	"cfbl_feedback_id",
};
static const char *const DECODE_COLUMNS[] = {
	"token", "result", "kind", "issued_on", "campaign", "ref", "commitment",
};

#define MINT_COLUMN_COUNT   (sizeof(MINT_COLUMNS) / sizeof(MINT_COLUMNS[0]))
#define DECODE_COLUMN_COUNT (sizeof(DECODE_COLUMNS) / sizeof(DECODE_COLUMNS[0]))

/* Whom and what a mail is for. */
struct order {
	struct token token; /* without its kind */
	struct slice ref;
	struct slice address;
};

/* A number without leading zeroes or a UUID: what comes back out of the token as the same text. */
static bool ref_read(struct slice text, struct token *token)
{
	token->ref_is_uuid = uuid_parse(text, &token->ref_uuid);
	if (token->ref_is_uuid || slice_empty(text))
		return true;
	return text.ptr[0] != '0' && slice_to_u64(text, &token->ref);
}

static bool order_read(const struct node *node, struct order *ret_order)
{
	static const char *const MEMBERS[] = { "ref", "campaign", "address", NULL };
	struct call *call = node->call;

	*ret_order = (struct order){ .token.account = call->principal.account_id };
	if (!body_only(node, MEMBERS) || !body_text(node, "ref", &ret_order->ref) ||
	    !body_number(node, "campaign", &ret_order->token.campaign) ||
	    !body_text(node, "address", &ret_order->address))
		return false;
	if (!ref_read(ret_order->ref, &ret_order->token))
		return body_refuse(node, "ref", "a number from 1 on as text, or a UUID");
	if (slice_empty(ret_order->address))
		return true;
	if (ret_order->address.len > LIMIT_ADDRESS ||
	    slice_empty(address_normalise(call->arena, ret_order->address)))
		return body_refuse(node, "address", "no mail address");
	return true;
}

static bool mint(struct call *call, const struct order *order, enum token_kind kind,
		 struct slice *ret_text)
{
	const struct api_service *service = call->options->service;
	struct token token = order->token;
	enum err err;

	token.kind = kind;
	err = service->mint(service->context, &token, order->address, call->arena, ret_text);
	if (err == ERR_MISSING)
		problem(call, 409, "no_token_key", "the account has no current token key");
	else if (err == ERR_REFUSE)
		problem(call, 400, "invalid_body", "a campaign or ref is too large for a token");
	else
		return problem_none(call, err);
	return false;
}

/* RFC 2369, and RFC 8058 where there is an address to post to. */
static struct slice unsubscribe_line(const struct call *call, struct slice token,
				     struct slice domain)
{
	struct slice url = call->options->unsubscribe_url;

	if (slice_empty(url))
		return arena_printf(call->arena,
				    "List-Unsubscribe: <mailto:%.*s@%.*s?subject=unsubscribe>",
				    SLICE_ARG(token), SLICE_ARG(domain));
	return arena_printf(call->arena,
			    "List-Unsubscribe: <%.*s%.*s>, <mailto:%.*s@%.*s?subject=unsubscribe>",
			    SLICE_ARG(url), SLICE_ARG(token), SLICE_ARG(token), SLICE_ARG(domain));
}

static bool order_write(struct table *table, const struct order *order, struct slice domain)
{
	struct slice bounce, unsubscribe, complaint;
	struct call *call = table->call;

	if (!mint(call, order, TOKEN_BOUNCE, &bounce) ||
	    !mint(call, order, TOKEN_UNSUBSCRIBE, &unsubscribe) ||
	    !mint(call, order, TOKEN_COMPLAINT, &complaint))
		return false;
	table_row_begin(table);
	table_text(table, order->ref);
	if (order->token.campaign == 0)
		table_null(table);
	else
		table_int(table, (int64_t)order->token.campaign);
	table_text(table,
		   arena_printf(call->arena, "%.*s@%.*s", SLICE_ARG(bounce), SLICE_ARG(domain)));
	table_text(table, unsubscribe_line(call, unsubscribe, domain));
	table_text(table, slice_empty(call->options->unsubscribe_url)
				  ? SLICE_NONE
				  : SLICE("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
	/* RFC 9477: where to complain to; the address proves itself as well as the id does */
	table_text(table, arena_printf(call->arena, "CFBL-Address: %.*s@%.*s; report=arf",
				       SLICE_ARG(complaint), SLICE_ARG(domain)));
	table_text(table,
		   arena_printf(call->arena, "CFBL-Feedback-ID: %.*s", SLICE_ARG(complaint)));
	table_row_end(table);
	return true;
}

static bool domain_find(const struct node *body, struct slice *ret_domain)
{
	struct call *call = body->call;
	const struct api_service *service = call->options->service;
	struct slice wanted = SLICE_NONE;
	enum err err;

	if (!body_text(body, "domain", &wanted))
		return false;
	if (!slice_empty(wanted)) {
		wanted = wanted.len > LIMIT_DOMAIN ? SLICE_NONE
						   : domain_normalise(call->arena, wanted);
		if (slice_empty(wanted))
			return body_refuse(body, "domain", "no domain name");
	}
	err = service->bounce_domain(service->context, call->principal.account_id, wanted,
				     call->arena, ret_domain);
	if (err == ERR_MISSING)
		return body_refuse(body, "domain", "no bounce domain of this account");
	return problem_none(call, err);
}

void tokens_mint(struct call *call)
{
	static const char *const MEMBERS[] = { "domain", "tokens", NULL };
	BODY_ROOT body = { 0 };
	struct node array;
	struct slice domain;
	struct table table;
	size_t count;

	if (!body_parse(call, &body) || !body_only(&body, MEMBERS) ||
	    !body_array(&body, "tokens", TOKENS_MAX, &array, &count))
		return;
	if (count == 0) {
		body_refuse(&body, "tokens", "must be given");
		return;
	}
	if (!domain_find(&body, &domain))
		return;
	table_begin(&table, call, MINT_COLUMNS, MINT_COLUMN_COUNT);
	for (size_t i = 0; i < count; i++) {
		struct node element;
		struct order order;

		if (!body_element(&array, i, &element) || !order_read(&element, &order) ||
		    !order_write(&table, &order, domain))
			return;
	}
	table_end(&table, SLICE_NONE);
}

/* The token in a return path: what stands before the @, without what forwarders wrap around it. */
static struct slice token_text(struct slice text)
{
	ptrdiff_t at = slice_rfind_byte(text, '@');

	return return_path_unwrap(at < 0 ? text : slice_head(text, (size_t)at));
}

static void reading_write(struct table *table, struct slice text, const char *result,
			  const struct token *token)
{
	struct arena *arena = table->call->arena;

	table_row_begin(table);
	table_text(table, text);
	table_text(table, slice_from_cstr(result));
	if (!token) {
		/* A signature that does not verify says nothing about what stands before it. */
		for (size_t i = 2; i < DECODE_COLUMN_COUNT; i++)
			table_null(table);
	} else {
		table_text(table, slice_from_cstr(token_kind_word(token->kind)));
		table_time(table, TOKEN_EPOCH_MS + token->issue_day * TIME_DAY_MS);
		if (token->campaign == 0)
			table_null(table);
		else
			table_int(table, (int64_t)token->campaign);
		table_text(table, token_ref_text(token, arena));
		table_bool(table, token->has_commitment);
	}
	table_row_end(table);
}

static bool decode(struct table *table, struct slice text)
{
	struct call *call = table->call;
	const struct api_service *service = call->options->service;
	enum token_verdict verdict = TOKEN_BAD_MAC;
	struct token token;

	if (!token_decode(token_text(text), &token)) {
		reading_write(table, text, "malformed", NULL);
		return true;
	}
	if (token.account != call->principal.account_id) {
		reading_write(table, text, "other_account", NULL);
		return true;
	}
	if (!problem_none(call, service->verify(service->context, &token, &verdict)))
		return false;
	switch (verdict) {
	case TOKEN_VALID:
		reading_write(table, text, "valid", &token);
		break;
	case TOKEN_BAD_MAC:
		reading_write(table, text, "bad_mac", NULL);
		break;
	case TOKEN_UNKNOWN_KEY:
		reading_write(table, text, "unknown_key", NULL);
		break;
	}
	return true;
}

void tokens_decode(struct call *call)
{
	static const char *const MEMBERS[] = { "tokens", NULL };
	BODY_ROOT body = { 0 };
	struct table table;
	struct node array;
	size_t count;

	if (!body_parse(call, &body) || !body_only(&body, MEMBERS) ||
	    !body_array(&body, "tokens", TOKENS_MAX, &array, &count))
		return;
	if (count == 0) {
		body_refuse(&body, "tokens", "must be given");
		return;
	}
	table_begin(&table, call, DECODE_COLUMNS, DECODE_COLUMN_COUNT);
	for (size_t i = 0; i < count; i++) {
		struct slice text = SLICE_NONE;

		if (!body_element_text(&array, i, &text) || !decode(&table, text))
			return;
	}
	table_end(&table, SLICE_NONE);
}
