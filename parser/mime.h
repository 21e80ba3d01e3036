/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MIME structure of a message, by GMime: parser/mime.c is the only file that includes it. GMime
 * sees the pre-scanned copy and says where the parts are and how they are encoded; their bytes are
 * taken from the raw message.
 */
#ifndef BOUNCED_PARSER_MIME_H
#define BOUNCED_PARSER_MIME_H

#include "parser/message.h"
#include "parser/prescan.h"

/* Idempotent. */
void mime_init(void);

/*
 * Fills the message's structure: content_type, report_type, parts and text, which live in its arena
 * and point into its raw bytes. Those and its headers are set before. Returns NULL, or why the
 * message cannot be read safely.
 */
const char *mime_read(const struct prescan *prescan, struct message *message);

#endif
