/* SPDX-License-Identifier: Apache-2.0 */
#include "app/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/timestamp.h"

static const char MAGIC[4] = "bh1\n";

/* Offsets in the head of a request. */
enum { AT_ACCOUNT = 4, AT_RAW_LEN = 12, AT_PEER_LEN = 16 };

static void put_u64(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_u64(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | from[i];
	return value;
}

enum err handover_pair(int *ret_client, int *ret_server)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return ERR_FATAL;
	*ret_client = fds[0];
	*ret_server = fds[1];
	return OK;
}

/* -- client -- */

static bool wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - time_monotonic_ms();
		struct pollfd pollfd = { .fd = fd, .events = events };

		if (left <= 0)
			return false;
		int ready = poll(&pollfd, 1, (int)left);

		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

/* A descriptor travels with one byte of data, since a packet must not be empty. */
static bool send_descriptor(int client, int fd, int64_t deadline)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	while (sendmsg(client, &message, MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN ? !wait_for(client, POLLOUT, deadline) : errno != EINTR)
			return false;
	}
	return true;
}

static bool write_all(int fd, struct slice bytes, int64_t deadline)
{
	while (!slice_empty(bytes)) {
		ssize_t count = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (count >= 0)
			bytes = slice_skip(bytes, (size_t)count);
		else if (errno == EAGAIN ? !wait_for(fd, POLLOUT, deadline) : errno != EINTR)
			return false;
	}
	return true;
}

static bool read_all(int fd, uint8_t *to, size_t wanted, int64_t deadline)
{
	while (wanted > 0) {
		ssize_t count = recv(fd, to, wanted, 0);

		if (count == 0)
			return false;
		if (count > 0) {
			to += count;
			wanted -= (size_t)count;
		} else if (errno == EAGAIN ? !wait_for(fd, POLLIN, deadline) : errno != EINTR) {
			return false;
		}
	}
	return true;
}

static bool exchange(int fd, const struct handover_request *request, int64_t deadline,
		     struct handover_reply *ret_reply)
{
	uint8_t head[HANDOVER_HEAD_LEN];
	uint8_t reply[HANDOVER_REPLY_LEN];

	memcpy(head, MAGIC, sizeof(MAGIC));
	put_u64(head + AT_ACCOUNT, request->account_id, 8);
	put_u64(head + AT_RAW_LEN, request->raw.len, 4);
	put_u64(head + AT_PEER_LEN, request->peer.len, 1);
	return write_all(fd, slice_from((const char *)head, sizeof(head)), deadline) &&
	       write_all(fd, request->peer, deadline) && write_all(fd, request->raw, deadline) &&
	       read_all(fd, reply, sizeof(reply), deadline) &&
	       handover_reply_parse(reply, ret_reply);
}

enum err handover_submit(int client, const struct handover_request *request, int timeout_ms,
			 struct handover_reply *ret_reply)
{
	int64_t deadline = time_monotonic_ms() + timeout_ms;
	int fds[2];

	if (request->peer.len > HANDOVER_PEER_MAX || request->raw.len > UINT32_MAX)
		return ERR_REFUSE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return ERR_RETRY;

	bool sent = send_descriptor(client, fds[1], deadline);

	/* Ours must be the only other end, so that a dying ingest process shows as end of file. */
	close(fds[1]);
	bool done = sent && exchange(fds[0], request, deadline, ret_reply);

	close(fds[0]);
	return done ? OK : ERR_RETRY;
}

/* -- server -- */

int handover_accept(int server)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	int fd;

	if (recvmsg(server, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
		return -1;

	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	/* Out of descriptors, the kernel delivers the packet without its descriptor. The client
	 * sees end of file and answers "try again". */
	if (!header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int))) {
		errno = EMFILE;
		return -1;
	}
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

void handover_reader_init(struct handover_reader *reader, size_t raw_max)
{
	*reader = (struct handover_reader){ .raw_max = raw_max };
	buf_init(&reader->raw, raw_max);
}

void handover_reader_done(struct handover_reader *reader)
{
	buf_done(&reader->raw);
}

/* Moves what `*bytes` has of the `wanted` bytes at `to`, of which *have are there; true when all
 * are. */
static bool take(struct slice *bytes, void *to, size_t *have, size_t wanted)
{
	size_t count = wanted - *have < bytes->len ? wanted - *have : bytes->len;

	if (count > 0)
		memcpy((char *)to + *have, bytes->ptr, count);
	*have += count;
	*bytes = slice_skip(*bytes, count);
	return *have == wanted;
}

static bool head_parse(struct handover_reader *reader)
{
	if (memcmp(reader->head, MAGIC, sizeof(MAGIC)) != 0)
		return false;
	reader->raw_wanted = (size_t)get_u64(reader->head + AT_RAW_LEN, 4);
	reader->peer_wanted = (size_t)get_u64(reader->head + AT_PEER_LEN, 1);
	return reader->raw_wanted <= reader->raw_max;
}

enum handover_progress handover_reader_push(struct handover_reader *reader, struct slice bytes)
{
	if (reader->head_len < HANDOVER_HEAD_LEN) {
		if (!take(&bytes, reader->head, &reader->head_len, HANDOVER_HEAD_LEN))
			return HANDOVER_NEED_MORE;
		if (!head_parse(reader))
			return HANDOVER_BROKEN;
	}
	if (!take(&bytes, reader->peer, &reader->peer_len, reader->peer_wanted))
		return HANDOVER_NEED_MORE;
	if (bytes.len > reader->raw_wanted - reader->raw.len)
		return HANDOVER_BROKEN;
	buf_append(&reader->raw, bytes);
	return reader->raw.len == reader->raw_wanted ? HANDOVER_COMPLETE : HANDOVER_NEED_MORE;
}

struct handover_request handover_reader_request(const struct handover_reader *reader)
{
	return (struct handover_request){
		.account_id = get_u64(reader->head + AT_ACCOUNT, 8),
		.peer = slice_from(reader->peer, reader->peer_len),
		.raw = buf_slice(&reader->raw),
	};
}

/* -- reply -- */

void handover_reply_format(const struct handover_reply *reply,
			   uint8_t ret_bytes[HANDOVER_REPLY_LEN])
{
	ret_bytes[0] = (uint8_t)reply->outcome;
	ret_bytes[1] = reply->duplicate;
	memcpy(ret_bytes + 2, reply->report_id.bytes, sizeof(reply->report_id.bytes));
}

bool handover_reply_parse(const uint8_t bytes[HANDOVER_REPLY_LEN], struct handover_reply *ret_reply)
{
	if (bytes[0] > HANDOVER_NO_SPACE)
		return false;
	ret_reply->outcome = (enum handover_outcome)bytes[0];
	ret_reply->duplicate = bytes[1] != 0;
	memcpy(ret_reply->report_id.bytes, bytes + 2, sizeof(ret_reply->report_id.bytes));
	return true;
}
