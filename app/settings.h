/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running service goes by: the configuration, and the rules as they were when it was read.
 * Loaded and checked as a whole, so that a reload takes all of it or nothing.
 */
#ifndef BOUNCED_APP_SETTINGS_H
#define BOUNCED_APP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/err.h"

struct settings {
	struct arena *arena;
	struct config config;
	int rules_fd; /* parser/rules.h: rules_snapshot() */
};

/* path: as of config_load(). ERR_REFUSE: *ret_error, in the arena, says what is wrong and in which
 * line. Caller frees. */
enum err settings_load(const char *path, struct arena *arena, struct settings **ret_settings,
		       struct slice *ret_error) MUST_CHECK;
void settings_free(struct settings *settings);

/* Everything that a configuration names and that can be wrong: rules, certificates, listeners,
 * reporters, block lists. Errors as above; *ret_rules_fd is the caller's to close. */
enum err settings_check(const struct config *config, struct arena *arena, int *ret_rules_fd,
			struct slice *ret_error) MUST_CHECK;

#endif
