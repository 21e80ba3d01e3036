/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running service goes by: the configuration, and the files that it names (rules,
 * certificates, reporters) as they were when it was read. Loaded and checked as a whole, so that a
 * reload takes all of it or nothing, and a process that is started again later sees no file that
 * was broken meanwhile.
 */
#ifndef BOUNCED_APP_SETTINGS_H
#define BOUNCED_APP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/err.h"
#include "ingest/reporters.h"
#include "ingest/tls.h"

/* The content of the files that a configuration names. */
struct settings_files {
	int rules_fd;    /* parser/rules.h: rules_snapshot() */
	struct tls *tls; /* without a certificate where none is configured */
	const struct reporters *reporters;
};

struct settings {
	struct arena *arena;
	struct config config;
	struct settings_files files;
};

/* path: as of config_load(). ERR_REFUSE: *ret_error, in the arena, says what is wrong and in which
 * line. Caller frees. */
enum err settings_load(const char *path, struct arena *arena, struct settings **ret_settings,
		       struct slice *ret_error) MUST_CHECK;
void settings_free(struct settings *settings);

/* Reads everything that a configuration names, and checks it with what else can be wrong:
 * listeners, networks, servers, block lists. Errors as above. In any case the caller calls
 * settings_files_done(). */
enum err settings_read_files(const struct config *config, struct arena *arena,
			     struct settings_files *ret_files, struct slice *ret_error) MUST_CHECK;
void settings_files_done(struct settings_files *files);

#endif
