/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/smtp_command.h"

static const struct slice verbs[] = {
#define X(name) SLICE_LITERAL(#name),
	SMTP_VERBS(X)
#undef X
};

static const struct slice http_methods[] = {
	SLICE_LITERAL("GET"),     SLICE_LITERAL("POST"),  SLICE_LITERAL("CONNECT"),
	SLICE_LITERAL("HEAD"),    SLICE_LITERAL("PUT"),   SLICE_LITERAL("DELETE"),
	SLICE_LITERAL("OPTIONS"), SLICE_LITERAL("PATCH"), SLICE_LITERAL("TRACE"),
	SLICE_LITERAL("PRI"), /* HTTP/2 */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool has_control(struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static enum smtp_verb find_verb(struct slice word)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (slice_equal_nocase(word, verbs[i]))
			return (enum smtp_verb)i;
	for (size_t i = 0; i < COUNT(http_methods); i++)
		if (slice_equal_nocase(word, http_methods[i]))
			return SMTP_VERB_HTTP;
	return SMTP_VERB_UNKNOWN;
}

bool smtp_command_parse(struct slice line, struct smtp_command *ret_command)
{
	size_t word_len = 0;

	if (slice_empty(line) || has_control(line))
		return false;
	while (word_len < line.len && ascii_is_alpha(line.ptr[word_len]))
		word_len++;
	/* "DATA1" is no DATA. */
	bool word_ends = word_len == line.len || ascii_is_space(line.ptr[word_len]);

	ret_command->verb = word_ends ? find_verb(slice_head(line, word_len)) : SMTP_VERB_UNKNOWN;
	ret_command->arguments = slice_trim(slice_skip(line, word_len));
	return true;
}
