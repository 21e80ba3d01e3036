/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools for free text: what they find lies in the text, is what it claims to be, and the entries of
 * a list come in their order without overlap. A diagnostic made of the text is one line within its
 * limit.
 */
#include "core/address.h"
#include "core/arena.h"
#include "core/limits.h"
#include "core/status.h"
#include "parser/redaction.h"
#include "parser/text.h"
#include "tests/fuzz/check.h"

static void check_codes(struct slice text)
{
	struct status_code parsed;
	struct slice status = status_find(text);
	struct slice code = reply_code_find(text);
	struct text_reply reply = text_reply_find(text);

	require(lies_in(status, text) && lies_in(code, text));
	require(lies_in(reply.status, text) && lies_in(reply.code, text));
	require(status.len == 0 || status_parse(status, &parsed));
	require(code.len == 0 || is_digits(code, 3));
	require(reply.code.len == 0 || is_digits(reply.code, 3));
	require(reply.code.len == 0 || reply.code.ptr[0] == '4' || reply.code.ptr[0] == '5');
	if (reply.status.len > 0)
		require(status_parse(reply.status, &parsed) && parsed.class_ != 2);
}

static void check_addresses(struct slice text, struct arena *arena)
{
	struct address parts;
	struct slice address, host = text_find_host(text);
	struct slice clean = recipient_clean(text);

	if (text_find_address(text, &address)) {
		require(lies_in(address, text));
		require(address.len > LIMIT_ADDRESS || address_split(address, &parts));
		require(slice_find_byte(address, '\n') < 0);
	}
	if (text_whole_address(text, &address))
		require(lies_in(address, text) && address_split(address, &parts));
	require(lies_in(host, text) && (host.len == 0 || slice_find_byte(host, '.') > 0));
	require(lies_in(clean, text) && clean.len <= LIMIT_ADDRESS);
	require(recipient_unescape(arena, text).len <= text.len);
}

static void check_entries(struct slice text, unsigned form)
{
	struct text_entries entries;
	struct text_entry entry;
	const char *end = text.ptr;

	text_entries_init(&entries, text, form);
	while (text_entries_next(&entries, &entry)) {
		require(entry.address.len > 0 && lies_in(entry.address, text));
		require(lies_in(entry.original, text) && lies_in(entry.body, text));
		require(entry.address.ptr >= end);
		end = entry.address.ptr + 1;
		if (entry.body.len > 0) {
			require(entry.body.ptr >= end || (form & TEXT_ANYWHERE));
			end = entry.body.ptr + entry.body.len;
		}
	}
}

static void check_diagnosis(struct slice text, struct arena *arena)
{
	struct report_recipient recipient = { 0 };
	struct slice folded = text_fold(arena, text);

	require(folded.len <= LIMIT_DIAGNOSTIC && slice_find_byte(folded, '\n') < 0);
	require(slice_equal(slice_trim(folded), folded));
	text_diagnose(arena, text, &recipient);
	require(recipient.diagnostic.len <= LIMIT_DIAGNOSTIC);
	require(slice_find_byte(recipient.diagnostic, '\n') < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const MARKERS[] = { "original message", "--", NULL };
	struct slice returned = SLICE_NONE;

	if (size == 0)
		return 0;
	struct arena *arena = arena_new(0);
	struct slice text = slice_from((const char *)data + 1, size - 1);
	check_codes(text);
	check_addresses(text, arena);
	check_entries(text, data[0] & 0x7f);
	check_diagnosis(text, arena);
	struct slice notice = text_split(text, MARKERS, &returned);
	require(lies_in(notice, text) && lies_in(returned, text));
	require(notice.len + returned.len <= text.len);
	arena_free(arena);
	return 0;
}
