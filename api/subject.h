/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a suppression is about, as clients name it: an address, or `ref:` and a ref. */
#ifndef BOUNCED_API_SUBJECT_H
#define BOUNCED_API_SUBJECT_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/slice.h"
#include "store/suppression_query.h"

#define SUBJECT_REF_MAX 255

/* false: neither an address nor a ref. No address begins with `ref:` unless it is quoted. */
bool subject_parse(struct slice text, struct arena *arena, struct suppression_subject *ret_subject);
/* 1 to SUBJECT_REF_MAX bytes of printable UTF-8. */
bool is_ref(struct slice text);

#endif
