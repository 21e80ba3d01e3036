/* SPDX-License-Identifier: Apache-2.0 */
/* Where rules come from: what is compiled in, and an operator's folder before it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "parser/builtin_rules.h"
#include "parser/rules_private.h"

#define BUILTIN_COUNT (sizeof(EMBEDDED) / sizeof(EMBEDDED[0]) - 1)

/* One file, and files of a folder: far more than anybody writes by hand. */
#define FILE_SIZE_MAX (1024 * 1024)
#define FILES_MAX     256
/* Below are the descriptors that a child sets up for itself. */
#define SNAPSHOT_FD_MIN 16

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

/* Room for FILES_MAX sources. None for no folder. */
static enum err read_folder(const char *dir, struct arena *arena, struct rules_source *ret_sources,
			    size_t *ret_count, struct slice *ret_error)
{
	struct dirent **entries = NULL;
	enum err err = OK;

	*ret_count = 0;
	if (dir == NULL || dir[0] == '\0')
		return OK;
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
			ret_sources[i].name = arena_copy(arena, slice_from_cstr(name));
			err = read_file(folder, name, arena, &ret_sources[i].text);
			if (err != OK)
				*ret_error = arena_printf(arena, "%s/%s: %s", dir, name,
							  strerror(errno));
		}
		free(entries[i]);
	}
	free(entries);
	if (folder >= 0)
		close(folder);
	if (err == OK)
		*ret_count = (size_t)count;
	return err;
}

enum err rules_load(const char *dir, struct arena *arena, struct rules **ret_rules,
		    struct slice *ret_error)
{
	struct rules_source sources[FILES_MAX];
	size_t count;
	enum err err = read_folder(dir, arena, sources, &count, ret_error);

	if (err != OK)
		return err;
	return rules_compile(sources, count, true, arena, ret_rules, ret_error);
}

/* -- snapshots: for each file the lengths of name and text, then both -- */

struct snapshot_head {
	uint32_t name_len;
	uint32_t text_len;
};

static bool write_all(int fd, struct slice bytes)
{
	while (!slice_empty(bytes)) {
		ssize_t written = write(fd, bytes.ptr, bytes.len);

		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0)
			bytes = slice_skip(bytes, (size_t)written);
	}
	return true;
}

static bool write_sources(int fd, const struct rules_source *sources, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct snapshot_head head = { (uint32_t)sources[i].name.len,
						    (uint32_t)sources[i].text.len };

		if (!write_all(fd, slice_from((const char *)&head, sizeof(head))) ||
		    !write_all(fd, sources[i].name) || !write_all(fd, sources[i].text))
			return false;
	}
	return true;
}

/* -1 with errno */
static int make_snapshot(const struct rules_source *sources, size_t count)
{
	int memory = memfd_create("rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int fd = -1;

	if (memory >= 0 && write_sources(memory, sources, count) &&
	    fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		fd = fcntl(memory, F_DUPFD_CLOEXEC, SNAPSHOT_FD_MIN);
	int error = errno;

	if (memory >= 0)
		close(memory);
	errno = error;
	return fd;
}

enum err rules_snapshot(const char *dir, struct arena *arena, int *ret_fd, struct slice *ret_error)
{
	struct rules_source sources[FILES_MAX];
	struct rules *rules = NULL;
	size_t count;
	enum err err = read_folder(dir, arena, sources, &count, ret_error);

	if (err == OK && count > 0)
		err = rules_compile(sources, count, true, arena, &rules, ret_error);
	rules_free(rules);
	if (err != OK)
		return err;
	int fd = count > 0 ? make_snapshot(sources, count) : RULES_NO_SNAPSHOT;

	if (fd < 0) {
		*ret_error = arena_printf(arena, "%s: %s", dir, strerror(errno));
		return ERR_MISSING;
	}
	*ret_fd = fd;
	return OK;
}

static enum err split_snapshot(struct slice bytes, struct rules_source *ret_sources,
			       size_t *ret_count)
{
	struct snapshot_head head;

	for (*ret_count = 0; !slice_empty(bytes); ++*ret_count) {
		if (*ret_count == FILES_MAX || bytes.len < sizeof(head))
			return ERR_REFUSE;
		memcpy(&head, bytes.ptr, sizeof(head));
		bytes = slice_skip(bytes, sizeof(head));
		if (bytes.len < (size_t)head.name_len + head.text_len)
			return ERR_REFUSE;
		ret_sources[*ret_count].name = slice_head(bytes, head.name_len);
		bytes = slice_skip(bytes, head.name_len);
		ret_sources[*ret_count].text = slice_head(bytes, head.text_len);
		bytes = slice_skip(bytes, head.text_len);
	}
	return OK;
}

enum err rules_load_snapshot(int fd, struct arena *arena, struct rules **ret_rules,
			     struct slice *ret_error)
{
	struct rules_source sources[FILES_MAX];
	struct stat status;
	size_t count = 0;
	enum err err = ERR_REFUSE;

	if (fd == RULES_NO_SNAPSHOT)
		return rules_compile(NULL, 0, true, arena, ret_rules, ret_error);
	/* Mapped and not read: all children share one offset. */
	if (fstat(fd, &status) == 0 && status.st_size > 0) {
		size_t size = (size_t)status.st_size;
		char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (bytes != MAP_FAILED) {
			err = split_snapshot(arena_copy(arena, slice_from(bytes, size)), sources,
					     &count);
			munmap(bytes, size);
		}
	}
	if (err != OK) {
		*ret_error = SLICE("no snapshot of rules");
		return err;
	}
	return rules_compile(sources, count, true, arena, ret_rules, ret_error);
}
