/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/tag_list.h"

int tag_next(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
	struct slice piece;

	while (slice_next_field(rest, ';', &piece)) {
		piece = slice_trim(piece);
		if (slice_empty(piece))
			continue;
		ptrdiff_t equals = slice_find_byte(piece, '=');

		if (equals <= 0)
			return -1;
		*ret_name = slice_trim(slice_head(piece, (size_t)equals));
		*ret_value = slice_trim(slice_skip(piece, (size_t)equals + 1));
		return 1;
	}
	return 0;
}

bool tag_find(struct slice list, struct slice name, struct slice *ret_value)
{
	struct slice tag, value;
	unsigned found = 0;
	int got;

	while ((got = tag_next(&list, &tag, &value)) > 0) {
		if (!slice_equal(tag, name))
			continue;
		*ret_value = value;
		found++;
	}
	return got == 0 && found == 1;
}
