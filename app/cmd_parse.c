/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bounced parse: reports from files, one JSON object a line, in the order of the files. Uses the
 * same sandboxed child as the service, and keeps it fed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/args.h"
#include "app/commands.h"
#include "core/buf.h"
#include "core/limits.h"
#include "core/report_json.h"
#include "core/timestamp.h"
#include "core/vocabulary.h"
#include "parser/client.h"
#include "parser/rules.h"

/* Messages sent ahead of their answers, for each child: enough that it never waits for a file. */
#define AHEAD_MESSAGES 64
#define AHEAD_BYTES    (32 * 1024 * 1024)
#define OUTPUT_CHUNK   65536
/* A child that cannot be started is tried again as often. */
#define START_TRIES 3
/* More gain nothing: reading the files is one process's work. */
#define MAX_CHILDREN 8

struct options {
	bool explain;
	const char *files_from;
	const char *rules_dir;
	const char *vocabulary;
};

struct job {
	char *file;
	struct buf raw;
};

struct child {
	struct parser_client *client;
	int deaths; /* without an answer between them */
};

struct run {
	/* where names come from: the operands, or lines of a list */
	char **operands;
	int operand_count;
	FILE *list;

	/* Files go to the children in turn, and answers are taken in turn: so they stay in order.
	 */
	struct child children[MAX_CHILDREN];
	size_t child_count;
	size_t sent;
	size_t taken;

	enum vocabulary vocabulary;
	struct arena *arena;
	size_t bytes_ahead;
	struct buf out;
	int exit_code;
};

static void complain(const char *file, const char *what)
{
	fprintf(stderr, "bounced parse: %s: %s\n", file, what);
}

/* The next name, for the caller to free; NULL at the end. */
static char *next_file(struct run *run)
{
	char *line = NULL;
	size_t cap = 0;

	if (!run->list)
		return run->operand_count-- > 0 ? strdup(*run->operands++) : NULL;
	ssize_t len = getline(&line, &cap, run->list);
	if (len < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* One byte more than a parser takes is read, so that a file that is too large shows. */
static bool read_file(const char *file, struct buf *raw)
{
	bool standard = strcmp(file, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	struct stat status;
	size_t chunk = OUTPUT_CHUNK;
	ssize_t got = -1;

	if (fd < 0)
		return false;
	bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	if (regular && status.st_size < LIMIT_PARSER_MESSAGE)
		chunk = (size_t)status.st_size + 1;
	buf_init(raw, LIMIT_PARSER_MESSAGE + 1);
	for (;;) {
		char *room = buf_reserve(raw, chunk);
		if (!room && raw->len < raw->max) {
			chunk = raw->max - raw->len;
			raw->full = false;
			continue;
		}
		got = room ? read(fd, room, chunk) : 0;
		if (got <= 0)
			break;
		raw->len += (size_t)got;
		if (regular && (size_t)got < chunk)
			break;
	}
	int saved = errno;
	if (!standard)
		close(fd);
	errno = saved;
	return got >= 0;
}

static void send_file(struct run *run, char *file)
{
	struct parser_client *client = run->children[run->sent % run->child_count].client;
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		abort();

	job->file = file;
	if (read_file(file, &job->raw)) {
		run->sent++;
		run->bytes_ahead += job->raw.len;
		parser_client_send(client, job, buf_slice(&job->raw));
		return;
	}
	complain(file, strerror(errno));
	run->exit_code = COMMAND_FAILED;
	buf_done(&job->raw);
	free(job->file);
	free(job);
}

static void send_ahead(struct run *run)
{
	char *file;

	while (run->sent - run->taken < AHEAD_MESSAGES * run->child_count &&
	       run->bytes_ahead < AHEAD_BYTES && (file = next_file(run)))
		send_file(run, file);
}

static void flush_output(struct run *run)
{
	if (run->out.len > 0)
		fwrite(run->out.data, 1, run->out.len, stdout);
	buf_reset(&run->out);
}

/* A line of the trail each; nothing unless --explain asked for it. */
static void print_trail(struct json_writer *json, struct slice trail)
{
	struct slice line;

	if (trail.len == 0)
		return;
	json_key(json, "trail");
	json_array_begin(json);
	while (slice_next_line(&trail, &line))
		json_string(json, line);
	json_array_end(json);
}

static void print_report(struct run *run, const char *file, const struct report *report)
{
	struct json_writer json;

	json_init(&json, &run->out);
	json_object_begin(&json);
	json_put_cstr(&json, "file", file);
	report_json_members(&json, report, run->vocabulary);
	print_trail(&json, report->trail);
	json_object_end(&json);
	buf_append_byte(&run->out, '\n');
	if (run->out.len > OUTPUT_CHUNK)
		flush_output(run);
}

static void take_answers(struct run *run)
{
	struct report report;
	void *tag;

	while (run->taken < run->sent) {
		struct child *child = &run->children[run->taken % run->child_count];
		if (!parser_client_next(child->client, run->arena, &tag, &report))
			return;
		struct job *job = tag;
		print_report(run, job->file, &report);
		run->bytes_ahead -= job->raw.len;
		buf_done(&job->raw);
		free(job->file);
		free(job);
		arena_reset(run->arena);
		child->deaths = 0;
		run->taken++;
	}
}

/* Until a child has something for us, can take more, or is late. */
static void wait_for_children(const struct run *run)
{
	struct pollfd waits[MAX_CHILDREN];
	int64_t now = time_monotonic_ms();
	int64_t wait_ms = LIMIT_PARSER_START_MS;

	for (size_t i = 0; i < run->child_count; i++) {
		const struct parser_client *client = run->children[i].client;
		int64_t left = parser_client_deadline(client) - now;
		waits[i] = (struct pollfd){ .fd = parser_client_fd(client), .events = POLLIN };
		if (parser_client_wants_write(client))
			waits[i].events |= POLLOUT;
		if (left < wait_ms)
			wait_ms = left < 0 ? 0 : left;
	}
	poll(waits, run->child_count, (int)wait_ms);
}

/* false: it dies again and again. */
static bool pump_child(struct child *child)
{
	while (parser_client_pump(child->client, time_monotonic_ms()) != OK) {
		if (++child->deaths > START_TRIES)
			return false;
		if (parser_client_replace(child->client, time_monotonic_ms()) == OK)
			return true;
	}
	return true;
}

static void parse_all(struct run *run)
{
	for (;;) {
		send_ahead(run);
		if (run->taken == run->sent)
			return;
		size_t before = run->taken;
		for (size_t i = 0; i < run->child_count; i++) {
			if (!pump_child(&run->children[i])) {
				complain("parser", "cannot be started");
				run->exit_code = COMMAND_FAILED;
				return;
			}
		}
		take_answers(run);
		if (run->taken > before)
			continue;
		flush_output(run);
		fflush(stdout);
		wait_for_children(run);
	}
}

/* One for each processor that we may use, so that two cores read twice as much; but none without a
 * file. */
static size_t count_children(const struct run *run)
{
	cpu_set_t processors;
	size_t count = 1;

	if (sched_getaffinity(0, sizeof(processors), &processors) == 0)
		count = (size_t)CPU_COUNT(&processors);
	if (!run->list && (size_t)run->operand_count < count)
		count = (size_t)run->operand_count;
	return count < MAX_CHILDREN ? count : MAX_CHILDREN;
}

static bool start_children(struct run *run, const struct parser_options *options)
{
	const size_t wanted = count_children(run);

	while (run->child_count < wanted) {
		struct child *child = &run->children[run->child_count];
		if (parser_client_new(options, &child->client) != OK)
			break;
		run->child_count++;
	}
	/* An answer must not interrupt the child that wrote it: so they come many at a time. */
	const struct sched_param batch = { 0 };
	sched_setscheduler(0, SCHED_BATCH, &batch);
	return run->child_count > 0;
}

static bool open_list(struct run *run, const char *files_from)
{
	if (!files_from)
		return true;
	run->list = strcmp(files_from, "-") == 0 ? stdin : fopen(files_from, "re");
	if (!run->list)
		complain(files_from, strerror(errno));
	return run->list != NULL;
}

static bool open_run(struct run *run, const struct options *options)
{
	struct parser_options parser = { .explain = options->explain };
	struct slice error = SLICE_NONE;

	run->arena = arena_new(0);
	buf_init(&run->out, OUTPUT_CHUNK + 2 * LIMIT_REPORT_WIRE);
	if (rules_snapshot(options->rules_dir, run->arena, &parser.rules_fd, &error) != OK) {
		fprintf(stderr, "bounced parse: %.*s\n", SLICE_ARG(error));
		return false;
	}
	if (!open_list(run, options->files_from))
		return false;
	if (!start_children(run, &parser)) {
		complain("parser", strerror(errno));
		return false;
	}
	return true;
}

static void close_run(struct run *run)
{
	buf_done(&run->out);
	arena_free(run->arena);
	for (size_t i = 0; i < run->child_count; i++)
		parser_client_free(run->children[i].client);
	if (run->list && run->list != stdin)
		fclose(run->list);
}

static int parse(const struct args *args, const struct options *options)
{
	struct run run = { .operands = args->operands, .operand_count = args->count };

	if ((args->count == 0) == (options->files_from == NULL)) {
		complain("usage", "either files or --files-from");
		return COMMAND_USAGE;
	}
	if (options->vocabulary &&
	    !vocabulary_from_word(slice_from_cstr(options->vocabulary), &run.vocabulary)) {
		complain("--vocabulary", "is sparkpost, postmark, ses or kumomta");
		return COMMAND_USAGE;
	}
	if (open_run(&run, options)) {
		parse_all(&run);
		flush_output(&run);
	} else {
		run.exit_code = COMMAND_FAILED;
	}
	close_run(&run);
	return run.exit_code;
}

int cmd_parse(int argc, char **argv)
{
	struct options options = { 0 };
	struct args args;
	const struct arg_option known[] = {
		{ .name = "explain",
		  .flag = &options.explain,
		  .meaning = "say how each verdict came about" },
		{ .name = "files-from",
		  .placeholder = "LIST",
		  .text = &options.files_from,
		  .meaning = "read the names of the files from LIST, one a line; - is standard "
			     "input" },
		{ .name = "rules",
		  .placeholder = "DIR",
		  .text = &options.rules_dir,
		  .meaning = "put the rules of this folder before the built-in ones" },
		{ .name = "vocabulary",
		  .placeholder = "NAME",
		  .text = &options.vocabulary,
		  .meaning = "add the class of sparkpost, postmark, ses or kumomta" },
		ARG_END,
	};
	const struct arg_spec spec = {
		.usage = "bounced parse [options] FILE... | --files-from LIST | -",
		.about = "Reads reports from files and prints what they say, one JSON object a "
			 "line.",
		.options = known,
		.max_operands = -1,
	};
	int code = args_take(&spec, argc, argv, &args);

	return code >= 0 ? code : parse(&args, &options);
}
