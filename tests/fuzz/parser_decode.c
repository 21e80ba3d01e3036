/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders of text: whatever the bytes and whatever charset they claim, what comes out is UTF-8 and
 * no longer than a fixed multiple. The first line of the input is the charset.
 */
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "parser/charset.h"
#include "parser/encoded_word.h"
#include "parser/fields.h"
#include "parser/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct slice in, struct slice out)
{
	if (out.len > in.len * 4 + 16)
		abort();
	/* NUL stays: repaired at the border to SQL and JSON. */
	for (struct slice rest = out; rest.len > 0;) {
		if (utf8_next(&rest) < 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from((const char *)data, size);
	struct slice charset = SLICE_NONE;
	struct arena *arena = arena_new(0);
	struct fields fields;
	struct field field;

	charset_init();
	slice_next_line(&text, &charset);
	struct slice converted = charset_to_utf8(arena, charset, text);
	check(text, converted);
	check(text, encoded_words_decode(arena, text));
	check(converted, html_to_text(arena, converted));
	fields_init(&fields, text, arena);
	while (fields_next(&fields, &field)) {
		if (field.name.len == 0 || field.value.len > text.len)
			abort();
		field_untyped(field.value);
	}
	arena_free(arena);
	return 0;
}
