/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field blocks: values are one folded line within their limit, and the fields written out again
 * read as the same fields in the same blocks.
 */
#include "core/arena.h"
#include "core/buf.h"
#include "core/limits.h"
#include "parser/fields.h"
#include "tests/fuzz/check.h"

static void check_field(const struct field *field, struct slice text, struct arena *arena)
{
	struct slice untyped = field_untyped(field->value);
	struct slice type = field_type(field->value);

	require(field->name.len > 0 && lies_in(field->name, text));
	require(slice_find_byte(field->name, ':') < 0);
	require(field->value.len <= LIMIT_DIAGNOSTIC);
	require(slice_find_byte(field->value, '\n') < 0 && slice_find_byte(field->value, '\r') < 0);
	require(slice_equal(field_fold(arena, field->value), field->value));
	require(lies_in(untyped, field->value) && lies_in(type, field->value));
	require(type.len == 0 || type.len + untyped.len < field->value.len);
}

/* Returns how many there are. */
static size_t write_fields(struct slice text, struct arena *arena, struct buf *out)
{
	struct fields fields;
	struct field field;
	size_t count = 0;

	fields_init(&fields, text, arena);
	for (; fields_next(&fields, &field); count++) {
		check_field(&field, text, arena);
		require(count > 0 || field.begins_block);
		buf_append_cstr(out, field.begins_block ? "\n" : "");
		buf_append(out, field.name);
		buf_append_cstr(out, ": ");
		buf_append(out, field.value);
		buf_append_byte(out, '\n');
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from((const char *)data, size);
	struct arena *arena = arena_new(0);
	struct buf first, second;

	buf_init(&first, 4 * size + 16);
	buf_init(&second, 4 * size + 16);
	size_t count = write_fields(text, arena, &first);
	require(write_fields(buf_slice(&first), arena, &second) == count);
	require(!first.full && slice_equal(buf_slice(&first), buf_slice(&second)));
	buf_done(&first);
	buf_done(&second);
	arena_free(arena);
	return 0;
}
