/* SPDX-License-Identifier: Apache-2.0 */
#include "app/handover_server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/handover.h"
#include "core/limits.h"
#include "core/timestamp.h"

struct handover_server {
	struct event_base *base;
	struct event *accept_event;
	int fd;
	size_t raw_max;
	struct pipeline *pipeline;
	bool (*may_take)(void *context);
	void *context;
	struct stream *streams;
	size_t count;
};

struct stream {
	struct stream *previous, *next;
	struct handover_server *server;
	struct handover_reader reader;
	struct event *event;
	int fd;
};

static void stream_free(struct stream *stream)
{
	struct handover_server *server = stream->server;

	*(stream->previous != NULL ? &stream->previous->next : &server->streams) = stream->next;
	if (stream->next != NULL)
		stream->next->previous = stream->previous;
	server->count--;
	event_free(stream->event);
	close(stream->fd);
	handover_reader_done(&stream->reader);
	free(stream);
}

/* A reply is smaller than any socket buffer: it is written at once or the client is gone. */
static void reply(struct stream *stream, const struct handover_reply *answer)
{
	uint8_t bytes[HANDOVER_REPLY_LEN];

	handover_reply_format(answer, bytes);
	ssize_t written = write(stream->fd, bytes, sizeof(bytes));

	(void)written; /* the client learns from the closed stream */
	stream_free(stream);
}

static void on_done(void *context, uint64_t tag, const struct pipeline_result *result)
{
	struct handover_reply answer = { .outcome = result->outcome == COMMIT_DONE ? HANDOVER_STORED
						    : result->outcome == COMMIT_NO_SPACE
							    ? HANDOVER_NO_SPACE
							    : HANDOVER_LATER,
					 .duplicate = result->duplicate,
					 .report_id = result->report_id };

	(void)tag;
	reply(context, &answer);
}

/* Moves the message out of the reader into an inbound of its own. */
static struct inbound *make_inbound(struct stream *stream)
{
	struct inbound *inbound = inbound_new(stream->server->raw_max);
	struct handover_request request = handover_reader_request(&stream->reader);

	inbound->received_at = time_now_ms();
	inbound->source = inbound->listener = SLICE("api");
	inbound->peer = arena_copy(inbound->arena, request.peer);
	inbound->helo = inbound->tls = inbound->mail_from = SLICE_NONE;
	inbound->recipients = ARENA_ARRAY(inbound->arena, struct inbound_recipient, 1);
	inbound->recipient_count = 1;
	inbound->recipients[0] = (struct inbound_recipient){ .address = SLICE_LITERAL(""),
							     .basis = RECIPIENT_SUBMITTED,
							     .account_id = request.account_id };
	inbound->raw = stream->reader.raw;
	buf_init(&stream->reader.raw, stream->server->raw_max);
	return inbound;
}

static void submit(struct stream *stream)
{
	struct handover_server *server = stream->server;

	event_del(stream->event); /* nothing more is expected */
	if (!server->may_take(server->context)) {
		reply(stream, &(struct handover_reply){ .outcome = HANDOVER_LATER });
		return;
	}
	if (pipeline_full(server->pipeline)) {
		reply(stream, &(struct handover_reply){ .outcome = HANDOVER_NO_SPACE });
		return;
	}
	pipeline_submit(server->pipeline, make_inbound(stream), on_done, stream, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct stream *stream = context;
	char bytes[65536];

	(void)what;
	ssize_t got = read(fd, bytes, sizeof(bytes));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		stream_free(stream);
		return;
	}
	switch (handover_reader_push(&stream->reader, slice_from(bytes, (size_t)got))) {
	case HANDOVER_NEED_MORE:
		break;
	case HANDOVER_COMPLETE:
		submit(stream);
		break;
	case HANDOVER_BROKEN:
		stream_free(stream);
		break;
	}
}

static void on_acceptable(evutil_socket_t fd, short what, void *context)
{
	struct handover_server *server = context;

	(void)what;
	for (int client = handover_accept(fd); client >= 0; client = handover_accept(fd)) {
		struct stream *stream = calloc(1, sizeof(*stream));

		if (stream == NULL)
			abort();
		stream->server = server;
		stream->fd = client;
		handover_reader_init(&stream->reader, server->raw_max);
		stream->next = server->streams;
		if (server->streams != NULL)
			server->streams->previous = stream;
		server->streams = stream;
		server->count++;
		stream->event =
			event_new(server->base, client, EV_READ | EV_PERSIST, on_readable, stream);
		if (stream->event == NULL || event_add(stream->event, NULL) != 0)
			abort();
	}
}

struct handover_server *handover_server_new(struct event_base *base, int fd, size_t raw_max,
					    struct pipeline *pipeline,
					    bool (*may_take)(void *context), void *context)
{
	struct handover_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		abort();
	*server = (struct handover_server){ .base = base,
					    .fd = fd,
					    .raw_max = raw_max,
					    .pipeline = pipeline,
					    .may_take = may_take,
					    .context = context };
	server->accept_event = event_new(base, fd, EV_READ | EV_PERSIST, on_acceptable, server);
	if (server->accept_event == NULL || event_add(server->accept_event, NULL) != 0)
		abort();
	return server;
}

void handover_server_stop(struct handover_server *server)
{
	event_del(server->accept_event);
}

void handover_server_free(struct handover_server *server)
{
	if (server == NULL)
		return;
	while (server->streams != NULL)
		stream_free(server->streams);
	event_free(server->accept_event);
	close(server->fd);
	free(server);
}

size_t handover_server_count(const struct handover_server *server)
{
	return server->count;
}
