/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPF records as their owners please: every check ends, whatever they say and ask for. The first
 * byte chooses the client; the first line is the sender; each line after it is a record of that
 * sender's domain, and the last of them also what every other name has.
 */
#include <stdlib.h>

#include "ingest/spf.h"

#define INPUT_MAX 4096
/* A run for each question that may be asked, and one to end. */
#define ROUNDS_MAX 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names get addresses and names made of the input, text gets its lines. */
static struct dns_answer answer_to(const struct dns_question *question, struct slice text,
				   struct arena *arena)
{
	struct slice *records = ARENA_ARRAY(arena, struct slice, INPUT_MAX);
	struct dns_answer answer = { .records = records };

	answer.failed = question->name.len % 31 == 30;
	switch (question->type) {
	case DNS_TXT:
		while (slice_next_line(&text, &records[answer.count]))
			answer.count++;
		break;
	case DNS_A:
	case DNS_AAAA:
		records[answer.count++] = slice_head(text, question->type == DNS_A ? 4 : 16);
		break;
	case DNS_MX:
	case DNS_PTR:
		while (slice_next_field(&text, ' ', &records[answer.count]))
			answer.count++;
		break;
	}
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > INPUT_MAX)
		return 0;
	struct arena *arena = arena_new(0);
	struct slice text = slice_from((const char *)data + 1, size - 1), sender = SLICE_NONE;
	struct dns_table *table = dns_table_new(arena);
	struct spf_input input = { .ip = { { 192, 0, 2, 1 }, false } };
	enum auth_result result = AUTH_WAITING;
	const struct dns_question *question;

	input.ip.v6 = data[0] & 1;
	(void)slice_next_line(&text, &sender);
	*((data[0] & 2) != 0 ? &input.helo : &input.mail_from) = sender;
	for (unsigned round = 0; result == AUTH_WAITING; round++) {
		if (round == ROUNDS_MAX)
			abort();
		result = spf_check(&input, table, arena).result;
		while ((question = dns_table_next(table)) != NULL) {
			struct dns_answer answer = answer_to(question, text, arena);

			dns_table_answer(table, question, &answer);
		}
	}
	arena_free(arena);
	return 0;
}
