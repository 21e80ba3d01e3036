/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/sasl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/encoding.h"

/* Decoded: identities and password of PLAIN together, or one answer of LOGIN. */
#define SASL_TEXT 512

enum sasl_step { PLAIN_ALL, LOGIN_USER, LOGIN_PASSWORD };

struct sasl {
	enum sasl_step step;
	struct sasl_credentials credentials;
	char user[SASL_TEXT];
	char text[SASL_TEXT]; /* the line that was decoded last */
};

struct sasl *sasl_new(struct slice mechanism)
{
	bool plain = slice_equal_nocase(mechanism, SLICE("PLAIN"));
	struct sasl *sasl;

	if (!plain && !slice_equal_nocase(mechanism, SLICE("LOGIN")))
		return NULL;
	sasl = calloc(1, sizeof(*sasl));
	if (sasl == NULL)
		abort();
	sasl->step = plain ? PLAIN_ALL : LOGIN_USER;
	return sasl;
}

void sasl_free(struct sasl *sasl)
{
	if (sasl == NULL)
		return;
	explicit_bzero(sasl, sizeof(*sasl));
	free(sasl);
}

/* [authorization identity] NUL name NUL password. The key says whose it is, so no other identity
 * can be asked for: the first is of no consequence. */
static enum sasl_result take_plain(struct sasl *sasl, struct slice text)
{
	struct slice identity, user;

	if (!slice_next_field(&text, '\0', &identity) || !slice_next_field(&text, '\0', &user) ||
	    slice_empty(text) || slice_find_byte(text, '\0') >= 0)
		return SASL_BROKEN;
	sasl->credentials = (struct sasl_credentials){ .user = user, .password = text };
	return SASL_DONE;
}

static enum sasl_result take_user(struct sasl *sasl, struct slice text)
{
	memcpy(sasl->user, text.ptr, text.len);
	sasl->credentials.user = slice_from(sasl->user, text.len);
	sasl->step = LOGIN_PASSWORD;
	return SASL_CONTINUE;
}

enum sasl_result sasl_next(struct sasl *sasl, struct slice line)
{
	struct slice text;
	ptrdiff_t len = 0;

	if (slice_equal(line, SLICE("*")))
		return SASL_CANCELLED;
	if (!slice_equal(line, SLICE("=")))
		len = base64_decode(line, (uint8_t *)sasl->text, sizeof(sasl->text));
	if (len < 0)
		return SASL_BROKEN;
	text = slice_from(sasl->text, (size_t)len);
	if (sasl->step == PLAIN_ALL)
		return take_plain(sasl, text);
	if (slice_find_byte(text, '\0') >= 0)
		return SASL_BROKEN;
	if (sasl->step == LOGIN_USER)
		return take_user(sasl, text);
	sasl->credentials.password = text;
	return SASL_DONE;
}

struct slice sasl_challenge(const struct sasl *sasl)
{
	switch (sasl->step) {
	case PLAIN_ALL:
		break;
	case LOGIN_USER:
		return SLICE("VXNlcm5hbWU6"); /* "Username:" */
	case LOGIN_PASSWORD:
		return SLICE("UGFzc3dvcmQ6"); /* "Password:" */
	}
	return SLICE_NONE;
}

struct sasl_credentials sasl_credentials(const struct sasl *sasl)
{
	return sasl->credentials;
}
