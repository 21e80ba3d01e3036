/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMTP machine: a dialogue cut anywhere gets the same replies and stores the same messages as
 * the same dialogue whole. The first byte chooses settings and the size of the pieces; a byte 0xFF
 * is where the client waits for replies, so that a group never crosses it.
 *
 * One difference is wanted: bytes behind a command that the client must wait on count against it
 * only when they come together with it. The cut dialogue then goes further than the whole one.
 */
#include <stdlib.h>

#include "core/limits.h"
#include "tests/smtp_client.h"

/* More could fill the output with replies, which closes the connection by other rules. */
#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(struct client *client, const struct smtp_settings *settings, struct slice text,
		 size_t piece)
{
	struct slice group;

	client_init(client, settings);
	offer(client, SLICE_NONE);
	while (slice_next_field(&text, (char)0xff, &group)) {
		for (size_t at = 0; at < group.len; at += piece)
			offer(client, slice_head(slice_skip(group, at), piece));
	}
}

/* Where the whole dialogue may have ended early, what came before must have been the same. */
static struct slice comparable(struct slice replies)
{
	static const struct slice ends[] = { SLICE_LITERAL("554 5.5.0,close"),
					     SLICE_LITERAL("421 4.7.0,close") };

	for (size_t i = 0; i < 2; i++)
		if (slice_ends_with(replies, ends[i]))
			return slice_head(replies, replies.len - ends[i].len);
	return replies;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_settings settings = smtp_settings_default();
	struct client whole, pieces;
	struct slice replies, same;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	settings.pipelining = (data[0] & 1) == 0;
	settings.reject_bare_eol = (data[0] & 2) != 0;
	settings.starttls = settings.auth = (data[0] & 8) != 0;
	settings.lmtp = (data[0] & 16) != 0;
	settings.message_size = (data[0] & 4) != 0 ? 64 : LIMIT_MESSAGE_SIZE;
	struct slice text = slice_from((const char *)data + 1, size - 1);

	hold(&whole, &settings, text, size);
	hold(&pieces, &settings, text, 1 + (data[0] >> 5));
	replies = buf_slice(&whole.replies);
	same = comparable(replies);
	if (same.len == replies.len) {
		if (!slice_equal(buf_slice(&pieces.replies), replies) ||
		    !slice_equal(buf_slice(&pieces.stored), buf_slice(&whole.stored)))
			abort();
	} else if (!slice_starts_with(buf_slice(&pieces.replies), same) ||
		   !slice_starts_with(buf_slice(&pieces.stored), buf_slice(&whole.stored))) {
		abort();
	}
	client_done(&whole);
	client_done(&pieces);
	return 0;
}
