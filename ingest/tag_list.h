/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of tag=value, separated by semicolons (RFC 6376 3.2; DMARC records, RFC 7489 6.4). */
#ifndef BOUNCED_INGEST_TAG_LIST_H
#define BOUNCED_INGEST_TAG_LIST_H

#include <stdbool.h>

#include "core/slice.h"

/* Takes the next tag off *rest, both parts without white space around them. 1: one; 0: no more; -1:
 * a piece that is no tag=value. */
int tag_next(struct slice *rest, struct slice *ret_name, struct slice *ret_value);
/* false: no such tag, more than one, or the list is broken. Tag names are case-sensitive. */
bool tag_find(struct slice list, struct slice name, struct slice *ret_value);

#endif
