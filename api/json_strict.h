/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from outside, read exactly as RFC 8259 has it. json-c takes duplicate keys, raw control
 * bytes, broken UTF-8, NaN and numbers that overflow; so the text is scanned first, and json-c sees
 * only what has one meaning.
 *
 * Refused beyond the RFC's grammar: two equal keys in one object (compared after decoding), U+0000
 * and lone surrogates in strings, integers outside int64, numbers that are not finite, more than
 * JSON_STRICT_MEMBERS members in one object.
 */
#ifndef BOUNCED_API_JSON_STRICT_H
#define BOUNCED_API_JSON_STRICT_H

#include <json-c/json.h>

#include "core/slice.h"

/* Our largest object has a tenth of it; bounds the search for duplicate keys. */
#define JSON_STRICT_MEMBERS 64

struct json_fault {
	const char *detail; /* NULL: none */
	size_t offset;      /* byte at which it was found */
};

/* Looks at the text only. depth_max: objects and arrays inside one another; at most 32. */
struct json_fault json_strict_check(struct slice text, unsigned depth_max);
/* Checks and parses. Caller puts *ret_value; NULL stands for a JSON null, or for a fault. */
struct json_fault json_strict_parse(struct slice text, unsigned depth_max,
				    struct json_object **ret_value);

#endif
