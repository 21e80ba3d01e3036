/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in any charset to UTF-8, by iconv. The descriptors of all known charsets are opened once, by
 * charset_init(), and stay open: inside the sandbox no file can be opened, so a charset that is not
 * in the table does not exist there. Conversions never fail: what cannot be read becomes U+FFFD.
 *
 * Not thread-safe: descriptors have state.
 */
#ifndef BOUNCED_PARSER_CHARSET_H
#define BOUNCED_PARSER_CHARSET_H

#include "core/arena.h"
#include "core/slice.h"

/* Idempotent. */
void charset_init(void);

/*
 * charset: as declared, any case. Empty or unknown: UTF-8 where the text is that, else what its
 * bytes look like (ISO-2022-JP, else windows-1252). Returns `text` itself where nothing has to be
 * done.
 */
struct slice charset_to_utf8(struct arena *arena, struct slice charset, struct slice text);

#endif
