/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/smtp_reply.h"

#include <assert.h>
#include <string.h>

/* Leaves room for code, enhanced code, blanks and CRLF within 512 bytes. */
#define REPLY_TEXT_MAX 480

void smtp_reply_format(const struct smtp_reply *reply, struct buf *out)
{
	struct slice text = slice_head(reply->text, REPLY_TEXT_MAX);
	size_t enhanced_len = reply->enhanced == NULL ? 0 : strlen(reply->enhanced);
	char *at = buf_reserve(out, 4 + enhanced_len + 1 + text.len + 2);
	char *start = at;

	assert(reply->code >= 200 && reply->code <= 599);
	if (at == NULL)
		return;
	*at++ = (char)('0' + reply->code / 100);
	*at++ = (char)('0' + reply->code / 10 % 10);
	*at++ = (char)('0' + reply->code % 10);
	*at++ = ' ';
	if (enhanced_len > 0) {
		memcpy(at, reply->enhanced, enhanced_len);
		at += enhanced_len;
		*at++ = ' ';
	}
	for (size_t i = 0; i < text.len; i++)
		*at++ = text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?';
	*at++ = '\r';
	*at++ = '\n';
	out->len += (size_t)(at - start);
}
