/* SPDX-License-Identifier: Apache-2.0 */
#include "app/rules_diff.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/record.h"
#include "core/buf.h"
#include "core/limits.h"
#include "core/timestamp.h"
#include "parser/client.h"
#include "parser/rules.h"

#define READ_CHUNK    65536
#define FOLDERS_OPEN  16
#define RESTART_TRIES 3

struct diff {
	struct parser_client *old_parser, *new_parser;
	struct arena *arena;
	bool as_json;
	size_t messages, verdicts, changes;
	const char *broken; /* why it had to stop */
};

/* nftw() takes no argument for its callback. */
static struct diff *walking;

/* One message through one child, waiting for the answer. */
static bool parse(struct parser_client *client, struct slice raw, struct arena *arena,
		  struct report *ret_report)
{
	void *tag;
	int restarts = 0;

	parser_client_send(client, NULL, raw);
	for (;;) {
		enum err err = parser_client_pump(client, time_monotonic_ms());

		if (parser_client_next(client, arena, &tag, ret_report))
			return true;
		if (err != OK) {
			if (restarts++ == RESTART_TRIES ||
			    parser_client_replace(client, time_monotonic_ms()) != OK)
				return false;
			continue;
		}
		struct pollfd wait = { .fd = parser_client_fd(client), .events = POLLIN };
		int64_t left = parser_client_deadline(client) - time_monotonic_ms();

		if (parser_client_wants_write(client))
			wait.events |= POLLOUT;
		poll(&wait, 1, left < 0 ? 0 : left > READ_CHUNK ? READ_CHUNK : (int)left);
	}
}

static void print_change(const struct diff *diff, const char *file,
			 const struct report_recipient *before,
			 const struct report_recipient *after)
{
	struct record record;

	record_begin(&record, diff->as_json);
	record_text(&record, "file", slice_from_cstr(file));
	record_text(&record, "address", after->address);
	record_text(&record, "old_reason", slice_from_cstr(reason_word(before->reason)));
	record_text(&record, "new_reason", slice_from_cstr(reason_word(after->reason)));
	record_text(&record, "old_severity", slice_from_cstr(severity_word(before->severity)));
	record_text(&record, "new_severity", slice_from_cstr(severity_word(after->severity)));
	record_text(&record, "old_rule", before->rule);
	record_text(&record, "new_rule", after->rule);
	record_end(&record, stdout);
}

static void compare(struct diff *diff, const char *file, const struct report *before,
		    const struct report *after)
{
	/* Rules decide reasons, never whom a report is about: the recipients are the same. */
	for (size_t i = 0; i < before->recipient_count && i < after->recipient_count; i++) {
		const struct report_recipient *was = &before->recipients[i];
		const struct report_recipient *is = &after->recipients[i];

		diff->verdicts++;
		if (was->reason == is->reason && was->severity == is->severity)
			continue;
		diff->changes++;
		print_change(diff, file, was, is);
	}
}

static bool read_message(const char *path, struct buf *raw)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	if (fd < 0)
		return false;
	for (;;) {
		char *room = buf_reserve(raw, READ_CHUNK);

		got = room != NULL ? read(fd, room, READ_CHUNK) : 0;
		if (got <= 0)
			break;
		raw->len += (size_t)got;
	}
	close(fd);
	return got == 0;
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *place)
{
	struct diff *diff = walking;
	struct report before, after;
	struct buf raw;

	(void)status;
	(void)place;
	if (type != FTW_F)
		return 0;
	buf_init(&raw, LIMIT_MESSAGE_SIZE + READ_CHUNK);
	if (!read_message(path, &raw)) {
		fprintf(stderr, "bounced rules diff: %s: %s\n", path, strerror(errno));
	} else if (parse(diff->old_parser, buf_slice(&raw), diff->arena, &before) &&
		   parse(diff->new_parser, buf_slice(&raw), diff->arena, &after)) {
		diff->messages++;
		compare(diff, path, &before, &after);
	} else {
		diff->broken = "the parser cannot be started";
	}
	buf_done(&raw);
	arena_reset(diff->arena);
	return diff->broken != NULL;
}

/* A parser with the rules of a folder, or NULL after a word on stderr. */
static struct parser_client *start(const char *dir, struct arena *arena)
{
	struct parser_options options = { 0 };
	struct parser_client *client = NULL;
	struct slice error = SLICE_NONE;

	if (strcmp(dir, "builtin") == 0)
		dir = NULL;
	if (rules_snapshot(dir, arena, &options.rules_fd, &error) != OK)
		fprintf(stderr, "bounced rules diff: %.*s\n", SLICE_ARG(error));
	else if (parser_client_new(&options, &client) != OK)
		fprintf(stderr, "bounced rules diff: parser: %s\n", strerror(errno));
	return client;
}

int rules_diff(const char *old_dir, const char *new_dir, const char *messages, bool as_json)
{
	struct diff diff = { .as_json = as_json, .arena = arena_new(0) };

	diff.old_parser = start(old_dir, diff.arena);
	if (diff.old_parser != NULL)
		diff.new_parser = start(new_dir, diff.arena);
	if (diff.new_parser == NULL) {
		diff.broken = "no parser";
	} else {
		walking = &diff;
		if (nftw(messages, visit, FOLDERS_OPEN, FTW_PHYS) < 0)
			diff.broken = strerror(errno);
		walking = NULL;
		if (diff.broken != NULL)
			fprintf(stderr, "bounced rules diff: %s: %s\n", messages, diff.broken);
		fprintf(stderr, "%zu messages, %zu verdicts, %zu changes\n", diff.messages,
			diff.verdicts, diff.changes);
	}
	parser_client_free(diff.old_parser);
	parser_client_free(diff.new_parser);
	arena_free(diff.arena);
	return diff.broken == NULL ? COMMAND_OK : COMMAND_FAILED;
}
