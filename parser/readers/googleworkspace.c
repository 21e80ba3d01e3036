/* SPDX-License-Identifier: Apache-2.0 */
/* Google Workspace on mail sent in the name of another account: a headline and the response, but no
 * recipient; the returned message names whom it was for. */
#include "parser/notice.h"
#include "parser/original.h"
#include "parser/readers.h"

static void googleworkspace_read(const struct message *message, struct reading *reading)
{
	struct header_block original;
	struct slice to, address;

	if (!text_from_daemon(message) ||
	    !text_has_banner(message, WORDS("** Message not delivered **")) ||
	    !text_has_banner(message, WORDS("from a different address or alias")))
		return;
	struct slice text =
		text_split(message->text, WORDS("Original message"), &reading->returned);
	reading->kind = REPORT_BOUNCE;
	original_headers(message, reading, &original);
	to = header_value(&original, "To");
	if (text_find_address(to, &address))
		text_add(message, reading, address, text);
	else if (!text_add_returned(message, reading, text))
		return;
	reading->score = 66;
}

const struct reader reader_googleworkspace = { "googleworkspace", googleworkspace_read };
