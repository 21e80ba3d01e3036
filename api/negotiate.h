/* SPDX-License-Identifier: Apache-2.0 */
/* Content negotiation by Accept (RFC 9110 12.5.1) among the formats that a resource can write. */
#ifndef BOUNCED_API_NEGOTIATE_H
#define BOUNCED_API_NEGOTIATE_H

#include <stdbool.h>

#include "api/request.h"

enum format { FORMAT_JSON, FORMAT_NDJSON, FORMAT_CSV, FORMAT_COUNT };

/* To be combined. */
enum {
	FORMATS_JSON = 1 << FORMAT_JSON,
	FORMATS_LIST = 1 << FORMAT_JSON | 1 << FORMAT_NDJSON | 1 << FORMAT_CSV,
};

const char *format_content_type(enum format format);

/*
 * The format that the client likes best, the earlier in the enum where it likes several equally;
 * JSON where it says nothing. false: it accepts none of `formats`.
 */
bool negotiate(const struct request *request, unsigned formats, enum format *ret_format);

#endif
