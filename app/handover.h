/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a raw message from the api process to an ingest process, so that a report submitted over
 * HTTP is committed by the same code as one that came by SMTP.
 *
 * The supervisor makes one pair of SOCK_SEQPACKET sockets. A client makes a stream socketpair for
 * its message and sends one end of it through the pair; whichever ingest process is free accepts
 *it. So there is no name in any file system, nobody else can connect, and a dead ingest process
 * costs only the messages it had begun.
 *
 * On the stream: a request, then a reply, big-endian.
 *	request: magic "bh1\n" · account 8 · length of raw 4 · length of peer 1 · peer · raw
 *	reply:   outcome 1 · duplicate 1 · report id 16
 */
#ifndef BOUNCED_APP_HANDOVER_H
#define BOUNCED_APP_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/slice.h"
#include "core/uuid.h"

#define HANDOVER_HEAD_LEN  17
#define HANDOVER_PEER_MAX  255
#define HANDOVER_REPLY_LEN 18

enum handover_outcome {
	HANDOVER_STORED,   /* durable; report_id says as what */
	HANDOVER_LATER,    /* not known to be durable: try again */
	HANDOVER_NO_SPACE, /* the database or the memory set aside for messages is full */
};

struct handover_request {
	uint64_t account_id;
	struct slice peer; /* the HTTP client's address in text */
	struct slice raw;
};

struct handover_reply {
	enum handover_outcome outcome;
	bool duplicate;        /* report_id is that of the first report */
	struct uuid report_id; /* only for HANDOVER_STORED */
};

/* Makes the pair: ret_client goes to handover_submit(), ret_server (non-blocking) to
 * handover_accept(). Both close on exec. ERR_FATAL with errno. */
enum err handover_pair(int *ret_client, int *ret_server) MUST_CHECK;

/*
 * The client's side, blocking, safe in any number of threads. ERR_RETRY when no ingest process took
 * it, it died, or timeout_ms passed: the message may or may not have been stored. ERR_REFUSE: the
 * request exceeds HANDOVER_PEER_MAX or the message 4 GB.
 */
enum err handover_submit(int client, const struct handover_request *request, int timeout_ms,
			 struct handover_reply *ret_reply) MUST_CHECK;

/* The next client's stream, non-blocking and close-on-exec, to be closed by the caller; -1 with
 * errno EAGAIN when nobody waits (another process may have been faster). */
int handover_accept(int server);

/* Takes a request in, in pieces as they come. */
struct handover_reader {
	uint8_t head[HANDOVER_HEAD_LEN];
	size_t head_len;
	char peer[HANDOVER_PEER_MAX];
	size_t peer_len;
	size_t peer_wanted;
	size_t raw_wanted;
	size_t raw_max;
	/* May be moved out once complete: copy the struct, then buf_init() this one. */
	struct buf raw;
};

enum handover_progress {
	HANDOVER_NEED_MORE,
	HANDOVER_COMPLETE,
	HANDOVER_BROKEN, /* not a request, or a larger one than raw_max: close the stream */
};

void handover_reader_init(struct handover_reader *reader, size_t raw_max);
void handover_reader_done(struct handover_reader *reader);
/* Not to be called again after HANDOVER_COMPLETE or HANDOVER_BROKEN. Bytes behind the request make
 * it broken. */
enum handover_progress handover_reader_push(struct handover_reader *reader, struct slice bytes);
/* The request, once complete. Its slices point into the reader; raw into reader->raw. */
struct handover_request handover_reader_request(const struct handover_reader *reader);

void handover_reply_format(const struct handover_reply *reply,
			   uint8_t ret_bytes[HANDOVER_REPLY_LEN]);
/* false for an unknown outcome */
bool handover_reply_parse(const uint8_t bytes[HANDOVER_REPLY_LEN],
			  struct handover_reply *ret_reply);

#endif
