/* SPDX-License-Identifier: Apache-2.0 */
#include "app/settings.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/authentication.h"
#include "app/mail_limits.h"
#include "app/mail_listener.h"
#include "app/screening.h"
#include "parser/rules.h"

#define ERROR_LEN 300

enum err settings_read_files(const struct config *config, struct arena *arena,
			     struct settings_files *ret_files, struct slice *ret_error)
{
	char error[ERROR_LEN];
	struct mail_limits_trusted trusted;
	struct screening screening;

	*ret_files = (struct settings_files){ .rules_fd = RULES_NO_SNAPSHOT, .tls = tls_new() };
	if (!mail_listeners_check(config, ret_files->tls, error, sizeof(error)) ||
	    !mail_limits_trusted(config, &trusted, error, sizeof(error)) ||
	    !screening_read(config, &screening, error, sizeof(error))) {
		*ret_error = arena_copy(arena, slice_from_cstr(error));
		return ERR_REFUSE;
	}
	if (authentication_check(config, arena, &ret_files->reporters, ret_error) != OK)
		return ERR_REFUSE;
	if (rules_snapshot(config->parser_rules_dir, arena, &ret_files->rules_fd, ret_error) !=
	    OK) {
		*ret_error = arena_printf(arena, "parser.rules_dir: %.*s", SLICE_ARG(*ret_error));
		return ERR_REFUSE;
	}
	return OK;
}

void settings_files_done(struct settings_files *files)
{
	if (files->rules_fd != RULES_NO_SNAPSHOT)
		close(files->rules_fd);
	tls_free(files->tls);
	*files = (struct settings_files){ .rules_fd = RULES_NO_SNAPSHOT };
}

enum err settings_load(const char *path, struct arena *arena, struct settings **ret_settings,
		       struct slice *ret_error)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	if (!settings)
		abort();
	settings->arena = arena_new(0);
	settings->files.rules_fd = RULES_NO_SNAPSHOT;
	enum err err = config_load(path, settings->arena, &settings->config, ret_error);

	if (err == OK)
		err = settings_read_files(&settings->config, settings->arena, &settings->files,
					  ret_error);
	if (err == OK) {
		*ret_settings = settings;
		return OK;
	}
	*ret_error = arena_copy(arena, *ret_error);
	settings_free(settings);
	return ERR_REFUSE;
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	settings_files_done(&settings->files);
	arena_free(settings->arena);
	free(settings);
}
