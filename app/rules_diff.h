/* SPDX-License-Identifier: Apache-2.0 */
/* Which verdicts change when one set of rules replaces another. */
#ifndef BOUNCED_APP_RULES_DIFF_H
#define BOUNCED_APP_RULES_DIFF_H

#include <stdbool.h>

/*
 * Reads every file of a folder and below, in sandboxed parsers, with the rules of two folders
 * ("builtin": none before the built-in ones), and prints each recipient whose reason or severity
 * differs. Returns an exit code; a difference is no failure.
 */
int rules_diff(const char *old_dir, const char *new_dir, const char *messages, bool as_json);

#endif
