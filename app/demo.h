/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only SMTP client in the program, and only for `bounced demo`: it connects to the loopback
 * interface and nowhere else, and refuses port 25.
 */
#ifndef BOUNCED_APP_DEMO_H
#define BOUNCED_APP_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"

#define DEMO_REPLY_LEN 600

struct demo_session {
	int fd;
	char reply[DEMO_REPLY_LEN]; /* the last reply's last line, or what went wrong */
};

/* address: as in smtp.address; an unspecified one (0.0.0.0, ::) means loopback. false:
 * session->reply says why, and nothing is open. */
bool demo_open(struct demo_session *session, const char *address, int64_t port);
void demo_close(struct demo_session *session);
/* One transaction with the null sender. raw has CRLF line ends. true: it was answered 250, in
 * session->reply. */
bool demo_send(struct demo_session *session, struct slice recipient, struct slice raw);

#endif
