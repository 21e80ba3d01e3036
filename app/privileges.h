/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what the service needs only while it starts. */
#ifndef BOUNCED_APP_PRIVILEGES_H
#define BOUNCED_APP_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Becomes `user` for good, with that user's groups; does nothing for the empty name or where we are
 * not root. Also forbids this process and its children to gain privileges by exec. false: `error`
 * says why, and the process must end.
 */
bool privileges_drop(const char *user, char *error, size_t error_size);
/* Each connection is a descriptor: takes as many as the system lets us have. */
void privileges_raise_descriptors(void);

#endif
