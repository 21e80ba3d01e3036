/* SPDX-License-Identifier: Apache-2.0 */
/* Where rules come from: what is compiled in, and an operator's folder before it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "parser/builtin_rules.h"
#include "parser/rules_private.h"

#define BUILTIN_COUNT (sizeof(EMBEDDED) / sizeof(EMBEDDED[0]) - 1)

/* One file, and files of a folder: far more than anybody writes by hand. */
#define FILE_SIZE_MAX (1024 * 1024)
#define FILES_MAX     256

enum err rules_compile(const struct rules_source *sources, size_t count, bool builtin,
		       struct arena *arena, struct rules **ret_rules, struct slice *ret_error)
{
	size_t total = count + (builtin ? BUILTIN_COUNT : 0);
	struct rules_source *all = ARENA_ARRAY(arena, struct rules_source, total + 1);

	for (size_t i = 0; i < count; i++)
		all[i] = sources[i];
	for (size_t i = count; i < total; i++)
		all[i] = (struct rules_source){
			.name = slice_from_cstr(EMBEDDED[i - count].name),
			.text = slice_from(EMBEDDED[i - count].data, EMBEDDED[i - count].size),
		};
	return rules_compile_book(all, total, count, arena, ret_rules, ret_error);
}

struct rules *rules_builtin(void)
{
	struct arena *arena = arena_new(0);
	struct rules *rules = NULL;
	struct slice error = SLICE_NONE;

	if (rules_compile(NULL, 0, true, arena, &rules, &error) != OK) {
		fprintf(stderr, "built-in rules: %.*s\n", SLICE_ARG(error));
		abort();
	}
	arena_free(arena);
	return rules;
}

static enum err read_file(int folder, const char *name, struct arena *arena, struct slice *ret_text)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	struct buf buf;
	ssize_t got = 0;

	if (fd < 0)
		return ERR_MISSING;
	buf_init(&buf, FILE_SIZE_MAX);
	for (;;) {
		char *room = buf_reserve(&buf, 4096);

		if (room == NULL) {
			errno = EFBIG;
			got = -1;
			break;
		}
		got = read(fd, room, 4096);
		if (got <= 0)
			break;
		buf.len += (size_t)got;
	}
	int error = errno;

	close(fd);
	*ret_text = arena_copy(arena, buf_slice(&buf));
	buf_done(&buf);
	errno = error;
	return got < 0 ? ERR_MISSING : OK;
}

static int is_rules_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       slice_ends_with(slice_from_cstr(entry->d_name), SLICE(".rules"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

enum err rules_load(const char *dir, struct arena *arena, struct rules **ret_rules,
		    struct slice *ret_error)
{
	struct rules_source sources[FILES_MAX];
	struct dirent **entries = NULL;
	enum err err = OK;

	if (dir == NULL || dir[0] == '\0')
		return rules_compile(NULL, 0, true, arena, ret_rules, ret_error);
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int count = folder < 0 ? -1 : scandirat(folder, ".", &entries, is_rules_file, by_name);

	if (count < 0) {
		*ret_error = arena_printf(arena, "%s: %s", dir, strerror(errno));
		err = ERR_MISSING;
	} else if (count > FILES_MAX) {
		*ret_error = arena_printf(arena, "%s: more than %d rule files", dir, FILES_MAX);
		err = ERR_REFUSE;
	}
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (err == OK) {
			sources[i].name = arena_copy(arena, slice_from_cstr(name));
			err = read_file(folder, name, arena, &sources[i].text);
			if (err != OK)
				*ret_error = arena_printf(arena, "%s/%s: %s", dir, name,
							  strerror(errno));
		}
		free(entries[i]);
	}
	free(entries);
	if (folder >= 0)
		close(folder);
	if (err != OK)
		return err;
	return rules_compile(sources, (size_t)count, true, arena, ret_rules, ret_error);
}
