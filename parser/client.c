/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/client.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/report_wire.h"
#include "core/timestamp.h"
#include "parser/child.h"
#include "parser/rules.h"

/* Read at once from the child; an answer has a few kilobytes. */
#define READ_CHUNK 65536
/* Sent at once to the child. */
#define FRAMES_AT_ONCE 16

enum request_state { REQUEST_WAITING, REQUEST_ANSWERED, REQUEST_CONDEMNED };

struct request {
	struct request *next;
	void *tag;
	struct slice raw;
	const char *why; /* for REQUEST_CONDEMNED */
	uint32_t sequence;
	enum request_state state;
	char *answer; /* for REQUEST_ANSWERED: owned */
	size_t answer_len;
};

struct parser_client {
	struct parser_options options;

	pid_t pid;     /* 0: there is none */
	int fd;        /* -1: there is none */
	bool ready;    /* the child has said so */
	int64_t since; /* since when the child is busy with what it does; TIME_NONE: idle */

	struct request *first; /* oldest; answered in this order */
	struct request *last;
	struct request *sending; /* first that is not sent in full; NULL: all are */
	size_t sent;             /* bytes of its frame that are */
	struct request *waiting; /* oldest that is not answered */
	size_t count;
	uint32_t sequence;
	struct buf in;
};

/* -- the child process -- */

/* Nothing of the environment but what sanitizers and test tools need: it may hold secrets. */
static void child_environment(char **ret_environment, size_t cap)
{
	static const char *const KEPT[] = { "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=",
					    "G_SLICE=" };
	size_t count = 0;

	for (char **entry = environ; *entry && count + 1 < cap; entry++) {
		for (size_t i = 0; i < sizeof(KEPT) / sizeof(KEPT[0]); i++) {
			if (strncmp(*entry, KEPT[i], strlen(KEPT[i])) == 0)
				ret_environment[count++] = *entry;
		}
	}
	ret_environment[count] = NULL;
}

static int spawn(const struct parser_client *client, int child_fd, pid_t *ret_pid)
{
	char name[] = "bounced";
	char command[] = "parser-child";
	char explain[] = "explain";
	char rules[] = "rules";
	char *argv[5] = { name, command, NULL, NULL, NULL };
	char *environment[8];
	size_t args = 2;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t all;

	if (client->options.explain)
		argv[args++] = explain;
	if (client->options.rules_fd != RULES_NO_SNAPSHOT)
		argv[args] = rules;
	child_environment(environment, sizeof(environment) / sizeof(environment[0]));
	sigemptyset(&none);
	sigfillset(&all);
	int bad = posix_spawn_file_actions_init(&actions);
	bad |= posix_spawnattr_init(&attributes);
	/* The socket first: it may itself have one of the numbers that are set up behind it. */
	bad |= posix_spawn_file_actions_adddup2(&actions, child_fd, CHILD_FD);
	for (int fd = 0; fd < CHILD_FD; fd++)
		bad |= posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	if (client->options.rules_fd != RULES_NO_SNAPSHOT)
		bad |= posix_spawn_file_actions_adddup2(&actions, client->options.rules_fd,
							CHILD_RULES_FD);
	bad |= posix_spawn_file_actions_addclosefrom_np(
		&actions,
		client->options.rules_fd != RULES_NO_SNAPSHOT ? CHILD_RULES_FD + 1 : CHILD_FD + 1);
	/* What the parent ignores or blocks must not outlive the exec. */
	bad |= posix_spawnattr_setsigmask(&attributes, &none);
	bad |= posix_spawnattr_setsigdefault(&attributes, &all);
	bad |= posix_spawnattr_setflags(&attributes,
					POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!bad)
		bad = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, argv,
				  environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return bad;
}

static enum err child_start(struct parser_client *client, int64_t now_ms)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return ERR_RETRY;
	int bad = fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
	if (!bad)
		bad = spawn(client, fds[1], &client->pid);
	close(fds[1]);
	if (bad) {
		close(fds[0]);
		client->pid = 0;
		errno = bad;
		return ERR_RETRY;
	}
	client->fd = fds[0];
	client->ready = false;
	client->since = now_ms;
	return OK;
}

static void child_stop(struct parser_client *client)
{
	if (client->pid == 0)
		return;
	close(client->fd);
	kill(client->pid, SIGKILL);
	while (waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
		;
	client->pid = 0;
	client->fd = -1;
}

/* -- requests -- */

static void request_free(struct request *request)
{
	free(request->answer);
	free(request);
}

static struct request *next_waiting(struct request *request)
{
	while (request && request->state != REQUEST_WAITING)
		request = request->next;
	return request;
}

static void condemn(struct request *request, const char *why)
{
	request->state = REQUEST_CONDEMNED;
	request->why = why;
}

enum err parser_client_new(const struct parser_options *options, struct parser_client **ret_client)
{
	struct parser_client *client = calloc(1, sizeof(*client));
	if (!client)
		abort();

	client->options = *options;
	if (client->options.parse_ms == 0)
		client->options.parse_ms = LIMIT_PARSE_MS;
	client->fd = -1;
	buf_init(&client->in, FRAME_HEADER_LEN + LIMIT_REPORT_WIRE + READ_CHUNK);
	if (child_start(client, time_monotonic_ms()) != OK) {
		int saved = errno;
		parser_client_free(client);
		errno = saved;
		return ERR_RETRY;
	}
	*ret_client = client;
	return OK;
}

void parser_client_free(struct parser_client *client)
{
	if (!client)
		return;
	child_stop(client);
	while (client->first) {
		struct request *request = client->first;
		client->first = request->next;
		request_free(request);
	}
	buf_done(&client->in);
	free(client);
}

int parser_client_fd(const struct parser_client *client)
{
	return client->fd;
}

pid_t parser_client_pid(const struct parser_client *client)
{
	return client->pid;
}

size_t parser_client_pending(const struct parser_client *client)
{
	return client->count;
}

bool parser_client_wants_write(const struct parser_client *client)
{
	return client->ready && client->sending;
}

int64_t parser_client_deadline(const struct parser_client *client)
{
	if (client->since == TIME_NONE)
		return INT64_MAX;
	return client->since + (client->ready ? client->options.parse_ms : LIMIT_PARSER_START_MS);
}

void parser_client_send(struct parser_client *client, void *tag, struct slice raw)
{
	struct request *request = calloc(1, sizeof(*request));
	if (!request)
		abort();

	*request = (struct request){ .tag = tag, .raw = raw };
	if (raw.len > LIMIT_PARSER_MESSAGE)
		condemn(request, "message too large");
	if (client->last)
		client->last->next = request;
	else
		client->first = request;
	client->last = request;
	client->count++;
	if (!client->sending)
		client->sending = next_waiting(request);
	if (!client->waiting)
		client->waiting = next_waiting(request);
}

/* -- moving bytes -- */

/* The frames that are sent at once: header and message each. */
struct frames {
	struct iovec parts[2 * FRAMES_AT_ONCE];
	unsigned char headers[FRAMES_AT_ONCE][FRAME_HEADER_LEN];
	size_t count;
};

static void frames_add(struct frames *frames, struct parser_client *client, struct request *request)
{
	unsigned char *header = frames->headers[frames->count];
	struct iovec *parts = &frames->parts[2 * frames->count++];

	if (request->sequence == 0)
		request->sequence = ++client->sequence;
	const struct frame frame = { request->sequence, (uint32_t)request->raw.len };
	frame_encode(frame, header);
	parts[0] = (struct iovec){ header, FRAME_HEADER_LEN };
	parts[1] = (struct iovec){ (void *)(uintptr_t)request->raw.ptr, request->raw.len };
}

static void frames_gather(struct frames *frames, struct parser_client *client)
{
	struct request *request = client->sending;
	size_t sent = client->sent;

	frames->count = 0;
	for (; request && frames->count < FRAMES_AT_ONCE; request = next_waiting(request->next))
		frames_add(frames, client, request);
	/* the first may have gone out in part */
	for (size_t i = 0; i < 2; i++) {
		struct iovec *part = &frames->parts[i];
		size_t gone = sent < part->iov_len ? sent : part->iov_len;
		*part = (struct iovec){ (char *)part->iov_base + gone, part->iov_len - gone };
		sent -= gone;
	}
}

static void count_sent(struct parser_client *client, size_t sent)
{
	client->sent += sent;
	while (client->sending && client->sent >= FRAME_HEADER_LEN + client->sending->raw.len) {
		client->sent -= FRAME_HEADER_LEN + client->sending->raw.len;
		client->sending = next_waiting(client->sending->next);
	}
}

/* Sends what fits. ERR_RETRY: the child is gone. */
static enum err send_some(struct parser_client *client)
{
	struct frames frames;

	while (client->ready && client->sending) {
		frames_gather(&frames, client);
		const struct msghdr message = {
			.msg_iov = frames.parts,
			.msg_iovlen = 2 * frames.count,
		};
		ssize_t sent = sendmsg(client->fd, &message, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? OK : ERR_RETRY;
		count_sent(client, (size_t)sent);
	}
	return OK;
}

/* One frame from the child. ERR_RETRY where it is not the one that is due. */
static enum err take_frame(struct parser_client *client, struct frame frame, const char *body)
{
	if (!client->ready) {
		client->ready = frame.sequence == FRAME_READY && frame.len == 0;
		return client->ready ? OK : ERR_RETRY;
	}
	struct request *request = client->waiting;
	bool whole = request && request != client->sending;
	if (!whole || frame.sequence != request->sequence)
		return ERR_RETRY;
	request->answer = malloc(frame.len ? frame.len : 1);
	if (!request->answer)
		abort();
	memcpy(request->answer, body, frame.len);
	request->answer_len = frame.len;
	request->state = REQUEST_ANSWERED;
	client->waiting = next_waiting(request->next);
	return OK;
}

static enum err take_frames(struct parser_client *client, int64_t now_ms)
{
	size_t taken = 0;

	while (client->in.len - taken >= FRAME_HEADER_LEN) {
		unsigned char header[FRAME_HEADER_LEN];
		memcpy(header, client->in.data + taken, sizeof(header));
		struct frame frame = frame_decode(header);
		if (frame.len > LIMIT_REPORT_WIRE)
			return ERR_RETRY;
		if (client->in.len - taken - sizeof(header) < frame.len)
			break;
		if (take_frame(client, frame, client->in.data + taken + sizeof(header)) != OK)
			return ERR_RETRY;
		taken += sizeof(header) + frame.len;
		client->since = client->waiting ? now_ms : TIME_NONE;
	}
	buf_consume(&client->in, taken);
	return OK;
}

static enum err receive_some(struct parser_client *client, int64_t now_ms)
{
	for (;;) {
		char *room = buf_reserve(&client->in, READ_CHUNK);
		assert(room); /* take_frames() leaves less than one frame */
		ssize_t got = recv(client->fd, room, READ_CHUNK, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return ERR_RETRY;
		if (got < 0)
			return OK;
		client->in.len += (size_t)got;
		if (take_frames(client, now_ms) != OK)
			return ERR_RETRY;
		if (got < READ_CHUNK)
			return OK;
	}
}

enum err parser_client_pump(struct parser_client *client, int64_t now_ms)
{
	if (client->fd < 0)
		return ERR_RETRY;
	/* Read first and last: an answer that is there must not be lost to a child that died. */
	enum err err = receive_some(client, now_ms);
	if (err == OK)
		err = send_some(client);
	if (err == OK && client->ready && client->waiting && client->since == TIME_NONE)
		client->since = now_ms;
	if (err == OK && now_ms >= parser_client_deadline(client))
		err = ERR_RETRY;
	return err;
}

bool parser_client_next(struct parser_client *client, struct arena *arena, void **ret_tag,
			struct report *ret_report)
{
	struct request *request = client->first;

	if (!request || request->state == REQUEST_WAITING)
		return false;
	struct report report = {
		.kind = REPORT_QUARANTINED,
		.quarantine = slice_from_cstr(request->why),
		.arrival_date = TIME_NONE,
		.date = TIME_NONE,
	};
	if (request->state == REQUEST_ANSWERED) {
		struct slice wire =
			arena_copy(arena, slice_from(request->answer, request->answer_len));
		if (report_wire_decode(wire, arena, &report) != OK)
			report.quarantine = SLICE("the parser gave no valid report");
	}
	*ret_tag = request->tag;
	*ret_report = report;
	client->first = request->next;
	if (!client->first)
		client->last = NULL;
	client->count--;
	request_free(request);
	return true;
}

enum err parser_client_replace(struct parser_client *client, int64_t now_ms)
{
	/* A child that has seen nothing of a message did not die of it. */
	bool seen = client->waiting != client->sending || client->sent > 0;
	if (client->pid != 0 && client->ready && client->waiting && seen)
		condemn(client->waiting, "the parser died or took too long");
	child_stop(client);
	client->ready = false;
	client->waiting = next_waiting(client->first);
	client->sending = client->waiting;
	client->sent = 0;
	buf_reset(&client->in);
	return child_start(client, now_ms);
}
