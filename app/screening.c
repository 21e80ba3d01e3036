/* SPDX-License-Identifier: Apache-2.0 */
#include "app/screening.h"

#include <stdio.h>

static bool read_lists(const char *key, const char *value, enum block_action action,
		       struct screening *screening, char *error, size_t error_size)
{
	struct slice rest = slice_from_cstr(value), word;

	while (slice_next_field(&rest, ' ', &word)) {
		if (slice_empty(word))
			continue;
		if (screening->count == BLOCK_LISTS_MAX ||
		    !block_list_parse(word, action, &screening->lists[screening->count])) {
			snprintf(error, error_size, "%s: %.*s %s", key, SLICE_ARG(word),
				 screening->count == BLOCK_LISTS_MAX
					 ? "is one too many"
					 : "is no [name:]zone[=address[-address],…]");
			return false;
		}
		screening->count++;
	}
	return true;
}

bool screening_read(const struct config *config, struct screening *ret_screening, char *error,
		    size_t error_size)
{
	*ret_screening = (struct screening){ .count = 0 };
	return read_lists("dnsbl.tag", config->dnsbl_tag, BLOCK_TAG, ret_screening, error,
			  error_size) &&
	       read_lists("dnsbl.defer", config->dnsbl_defer, BLOCK_DEFER, ret_screening, error,
			  error_size) &&
	       read_lists("dnsbl.refuse", config->dnsbl_refuse, BLOCK_REFUSE, ret_screening, error,
			  error_size);
}

struct block_lists *screening_start(const struct screening *screening, const struct config *config,
				    struct event_base *base, struct resolver_interface resolver)
{
	const struct block_lists_options options = {
		.base = base,
		.resolver = resolver,
		.lists = screening->lists,
		.count = screening->count,
		.timeout_ms = config->dnsbl_timeout_ms,
		.listed_ms = config->dnsbl_listed_seconds * 1000,
		.clear_ms = config->dnsbl_clear_seconds * 1000,
	};

	return screening->count > 0 ? block_lists_new(&options) : NULL;
}
