/* SPDX-License-Identifier: Apache-2.0 */
/* The sample reports of `bounced demo`, as a mail system would send them. */
#ifndef BOUNCED_APP_DEMO_MESSAGES_H
#define BOUNCED_APP_DEMO_MESSAGES_H

#include <stddef.h>

#include "core/arena.h"
#include "core/slice.h"
#include "core/token.h"

struct demo_message {
	const char *title;
	const char *recipient; /* to whom the mail that is reported about went */
	enum token_kind kind;
	/* Lines end with LF. {recipient}, {return_path}, {date} and {id} stand for what differs. */
	const char *text;
};

extern const struct demo_message DEMO_MESSAGES[];
extern const size_t DEMO_MESSAGE_COUNT;

struct demo_values {
	struct slice return_path;
	struct slice date; /* RFC 5322 */
	struct slice id;   /* makes this sending different from the last */
};

/* The message with its values filled in and CRLF line ends. */
struct slice demo_message_render(const struct demo_message *message,
				 const struct demo_values *values, struct arena *arena);

#endif
