/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON bodies, member by member. Each reader leaves *ret_value alone where the member is absent or
 * null, and returns false where it is of another type or no good: the answer (400, with a JSON
 * pointer to it) is then written. Text points into the parsed body and lives as long as it.
 */
#ifndef BOUNCED_API_BODY_H
#define BOUNCED_API_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/call.h"

struct json_object;

/* A value of the body and where it stands. */
struct node {
	struct call *call;
	struct json_object *json;
	const char *pointer; /* "", "/addresses/17" */
};

/* BODY_ROOT root = { 0 }; — put at the end of its scope. */
#define BODY_ROOT __attribute__((cleanup(body_cleanup))) struct node
void body_cleanup(struct node *root);

/* Parses the request's body, which must be an object; an empty one where there is no body. */
bool body_parse(struct call *call, struct node *ret_root);
/* Every member is one of `names`, a list that ends with NULL. */
bool body_only(const struct node *node, const char *const *names);

bool body_text(const struct node *node, const char *name, struct slice *ret_value);
/* 0 to INT64_MAX */
bool body_number(const struct node *node, const char *name, uint64_t *ret_value);
/* RFC 3339 */
bool body_time(const struct node *node, const char *name, int64_t *ret_value);
bool body_word(const struct node *node, const char *name, bool (*known)(struct slice word),
	       struct slice *ret_value);
/* An array of at most `max` elements; *ret_count 0 where it is absent. */
bool body_array(const struct node *node, const char *name, size_t max, struct node *ret_array,
		size_t *ret_count);

/* An element of an array: its text; or the element itself, which must be an object. */
bool body_element_text(const struct node *array, size_t index, struct slice *ret_value);
bool body_element(const struct node *array, size_t index, struct node *ret_element);

/* 400 invalid_body at a member of the node, or at an element of an array. */
bool body_refuse(const struct node *node, const char *name, const char *detail);
bool body_refuse_element(const struct node *array, size_t index, const char *detail);

#endif
