/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/block_list.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LOOPBACK    0x7f000000U /* 127.0.0.0/8 */
#define ERRORS      0x7fffff00U /* 127.255.255.0/24 */
#define FIRST_CODE  (LOOPBACK + 2)
#define LAST_CODE   (ERRORS - 1)
#define HOST_LABELS "-_."

/* -- configuration -- */

/* It is repeated in replies and reports. */
static bool is_plain(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.ptr[i]) && strchr(HOST_LABELS, name.ptr[i]) == NULL)
			return false;
	return !slice_empty(name);
}

static uint32_t number_of(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static bool parse_code(struct slice text, uint32_t *ret_code)
{
	struct ip_address address;

	if (!ip_parse(text, &address) || address.v6)
		return false;
	*ret_code = number_of(address.bytes);
	return *ret_code >= LOOPBACK && *ret_code <= LAST_CODE;
}

static bool parse_range(struct slice text, struct block_range *ret_range)
{
	ptrdiff_t dash = slice_find_byte(text, '-');

	if (dash < 0)
		return parse_code(text, &ret_range->first) && parse_code(text, &ret_range->last);
	return parse_code(slice_head(text, (size_t)dash), &ret_range->first) &&
	       parse_code(slice_skip(text, (size_t)dash + 1), &ret_range->last) &&
	       ret_range->first <= ret_range->last;
}

static bool parse_ranges(struct slice text, struct block_list *list)
{
	struct slice part;

	while (slice_next_field(&text, ',', &part)) {
		if (list->range_count == BLOCK_LIST_RANGES_MAX ||
		    !parse_range(part, &list->ranges[list->range_count]))
			return false;
		list->range_count++;
	}
	return list->range_count > 0;
}

bool block_list_parse(struct slice word, enum block_action action, struct block_list *ret_list)
{
	struct block_list list = { .action = action };
	ptrdiff_t equals = slice_find_byte(word, '=');
	struct slice names = equals < 0 ? word : slice_head(word, (size_t)equals);
	ptrdiff_t colon = slice_find_byte(names, ':');

	list.zone = dns_name_chop(slice_skip(names, (size_t)(colon + 1)));
	list.name = colon < 0 ? list.zone : slice_head(names, (size_t)colon);
	if (!is_plain(list.name) || !is_plain(list.zone) || !dns_name_valid(list.zone) ||
	    list.zone.len > BLOCK_LIST_NAME_MAX - BLOCK_LIST_PREFIX_MAX)
		return false;
	if (equals < 0)
		list.ranges[list.range_count++] = (struct block_range){ FIRST_CODE, LAST_CODE };
	else if (!parse_ranges(slice_skip(word, (size_t)equals + 1), &list))
		return false;
	*ret_list = list;
	return true;
}

/* -- questions and answers -- */

/* RFC 5782 2.1: the octets backwards; 2.4: the nibbles backwards. */
static size_t write_reversed(const struct ip_address *client, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;

	if (!client->v6)
		return (size_t)snprintf(out, BLOCK_LIST_PREFIX_MAX, "%u.%u.%u.%u.",
					client->bytes[3], client->bytes[2], client->bytes[1],
					client->bytes[0]);
	for (size_t i = sizeof(client->bytes); i-- > 0;) {
		out[len++] = digits[client->bytes[i] & 15];
		out[len++] = '.';
		out[len++] = digits[client->bytes[i] >> 4];
		out[len++] = '.';
	}
	return len;
}

struct slice block_list_question(const struct block_list *list, const struct ip_address *client,
				 char buffer[BLOCK_LIST_NAME_MAX + 1])
{
	size_t len = write_reversed(client, buffer);

	assert(len + list->zone.len <= BLOCK_LIST_NAME_MAX);
	for (size_t i = 0; i < list->zone.len; i++)
		buffer[len++] = ascii_lower(list->zone.ptr[i]);
	return slice_from(buffer, len);
}

static bool counts(const struct block_list *list, uint32_t code)
{
	for (size_t i = 0; i < list->range_count; i++)
		if (code >= list->ranges[i].first && code <= list->ranges[i].last)
			return true;
	return false;
}

enum block_judgement block_list_judge(const struct block_list *list,
				      const struct dns_answer *answer)
{
	enum block_judgement judgement = BLOCK_NOT_LISTED;

	if (answer->failed)
		return BLOCK_UNKNOWN;
	for (size_t i = 0; i < answer->count; i++) {
		const struct slice *record = &answer->records[i];
		uint32_t code = record->len == 4 ? number_of((const uint8_t *)record->ptr) : 0;

		if (code < LOOPBACK || code > LAST_CODE)
			return BLOCK_ERROR;
		if (counts(list, code))
			judgement = BLOCK_LISTED;
	}
	return judgement;
}
