/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/report_wire.h"
#include "parser/client.h"
#include "parser/parser.h"
#include "parser/rules.h"
#include "parser/sandbox.h"

/* Read from the parent at once. */
#define READ_CHUNK (64 * 1024)
/* Kept between messages; a larger one is given back. */
#define KEPT_BUFFER (1024 * 1024)

struct settings {
	struct rules *rules;
	bool explain;
};

/* The parent is gone, or breaks the rules of the frames: nothing is left to do. */
_Noreturn static void end(int code)
{
	_exit(code);
}

static void write_exactly(const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = write(CHILD_FD, bytes, len);
		if (sent < 0 && errno != EINTR)
			end(1);
		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
		}
	}
}

/* What came from the parent; messages are parsed where they lie, before `taken`. */
struct input {
	struct buf bytes;
	size_t taken;
};

static void input_init(struct input *input)
{
	buf_init(&input->bytes, FRAME_HEADER_LEN + LIMIT_PARSER_MESSAGE + READ_CHUNK);
	input->taken = 0;
}

/* Until `len` bytes lie behind what was taken. */
static const char *input_need(struct input *input, size_t len)
{
	struct buf *bytes = &input->bytes;

	while (bytes->len - input->taken < len) {
		buf_consume(bytes, input->taken);
		input->taken = 0;
		size_t missing = len - bytes->len;
		size_t room = missing > READ_CHUNK ? missing : READ_CHUNK;
		char *end_of_bytes = buf_reserve(bytes, room);
		if (!end_of_bytes)
			end(1);
		ssize_t got = read(CHILD_FD, end_of_bytes, room);
		if (got == 0)
			end(0);
		if (got < 0 && errno != EINTR)
			end(1);
		if (got > 0)
			bytes->len += (size_t)got;
	}
	return bytes->data + input->taken;
}

/* The message lives until the next call. */
static uint32_t read_message(struct input *input, struct slice *ret_message)
{
	unsigned char header[FRAME_HEADER_LEN];

	if (input->taken == input->bytes.len && input->bytes.cap > KEPT_BUFFER) {
		buf_done(&input->bytes);
		input_init(input);
	}
	memcpy(header, input_need(input, sizeof(header)), sizeof(header));
	input->taken += sizeof(header);
	struct frame frame = frame_decode(header);
	if (frame.len > LIMIT_PARSER_MESSAGE)
		end(1);
	*ret_message = slice_from(input_need(input, frame.len), frame.len);
	input->taken += frame.len;
	return frame.sequence;
}

/* A frame is written at once: header and report lie in one buffer. */
static void write_report(uint32_t sequence, const struct report *report, struct buf *wire)
{
	unsigned char header[FRAME_HEADER_LEN] = { 0 };

	buf_reset(wire);
	buf_append(wire, slice_from((const char *)header, sizeof(header)));
	if (report)
		report_wire_encode(report, wire);
	if (wire->full) {
		/* One that nobody can use: say so instead. */
		const struct report too_large = {
			.kind = REPORT_QUARANTINED,
			.quarantine = SLICE("report too large"),
			.arrival_date = report->arrival_date,
			.date = report->date,
		};
		write_report(sequence, &too_large, wire);
		return;
	}
	const struct frame frame = {
		.sequence = sequence,
		.len = (uint32_t)(wire->len - sizeof(header)),
	};
	frame_encode(frame, header);
	memcpy(wire->data, header, sizeof(header));
	write_exactly(wire->data, wire->len);
}

_Noreturn void child_serve(child_parse_fn *parse, void *context)
{
	struct arena *arena = arena_new(64 * 1024);
	struct input input;
	struct buf wire;

	input_init(&input);
	buf_init(&wire, FRAME_HEADER_LEN + LIMIT_REPORT_WIRE);
	if (sandbox_enter() != OK)
		end(1);
	write_report(FRAME_READY, NULL, &wire);
	for (;;) {
		struct report report;
		struct slice message;
		uint32_t sequence = read_message(&input, &message);
		parse(context, message, arena, &report);
		write_report(sequence, &report, &wire);
		arena_reset(arena);
	}
}

static void parse_message(void *context, struct slice raw, struct arena *arena,
			  struct report *ret_report)
{
	const struct settings *settings = context;
	parser_parse(raw, settings->rules, settings->explain, arena, ret_report);
}

/* argv[0] is the command; "explain" and "rules" (there are some at CHILD_RULES_FD) may follow. */
_Noreturn void parser_child_main(int argc, char **argv)
{
	struct settings settings = { 0 };
	int rules_fd = RULES_NO_SNAPSHOT;
	struct arena *arena = arena_new(0);
	struct slice error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Ctrl-C reaches every process of a terminal; the parent still needs its answers to drain.
	 */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "explain") == 0)
			settings.explain = true;
		else if (strcmp(argv[i], "rules") == 0)
			rules_fd = CHILD_RULES_FD;
		else
			end(2);
	}
	if (rules_load_snapshot(rules_fd, arena, &settings.rules, &error) != OK)
		end(1);
	if (rules_fd != RULES_NO_SNAPSHOT)
		close(rules_fd);
	arena_free(arena);
	parser_init();
	child_serve(parse_message, &settings);
}
