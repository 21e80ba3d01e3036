/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/network.h"
#include "core/timestamp.h"

struct transcript {
	const char *path;
	struct ip_address peer;
	size_t size;
	bool failed;
};

struct transcript *transcript_new(const char *path, struct slice peer, size_t size)
{
	struct transcript *transcript = calloc(1, sizeof(*transcript));

	if (transcript == NULL || !ip_parse(peer, &transcript->peer))
		abort(); /* the command line was checked */
	transcript->peer = ip_unmap(transcript->peer);
	transcript->path = path;
	transcript->size = size;
	return transcript;
}

void transcript_free(struct transcript *transcript)
{
	free(transcript);
}

bool transcript_wants(const struct transcript *transcript, struct slice peer)
{
	struct ip_address address;

	return ip_parse(peer, &address) && address.v6 == transcript->peer.v6 &&
	       memcmp(address.bytes, transcript->peer.bytes, address.v6 ? 16 : 4) == 0;
}

/* Another process may have renamed the file since we opened it. */
static bool is_current(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
	       ours.st_dev == named.st_dev;
}

static void rotate(const char *path)
{
	char old[4096];

	if (snprintf(old, sizeof(old), "%s.1", path) < (int)sizeof(old))
		(void)rename(path, old);
}

/* Opened for one line and locked, so that rotating needs no agreement between processes. */
static int open_locked(const struct transcript *transcript)
{
	for (;;) {
		struct stat status;
		int fd = open(transcript->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			return fd;
		if (is_current(fd, transcript->path)) {
			if (fstat(fd, &status) < 0 || (size_t)status.st_size < transcript->size)
				return fd;
			rotate(transcript->path);
			if (is_current(fd, transcript->path))
				return fd; /* it cannot be renamed; better long than lost */
		}
		close(fd);
	}
}

static void append_printable(struct buf *line, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		buf_append_byte(line, c < ' ' || c == 0x7f ? '?' : text.ptr[i]);
	}
}

static void write_line(struct transcript *transcript, struct slice line)
{
	int fd = open_locked(transcript);

	if ((fd < 0 || write(fd, line.ptr, line.len) < 0) && !transcript->failed) {
		transcript->failed = true;
		log_event(LOG_ERROR, "transcript_not_written", LOG_STR("file", transcript->path),
			  LOG_STR("error", strerror(errno)));
	}
	if (fd >= 0)
		close(fd);
}

void transcript_write(struct transcript *transcript, uint64_t connection, bool from_client,
		      struct slice text)
{
	char time[TIME_TEXT_LEN + 1];
	struct buf line;

	time_format_rfc3339(time_now_ms(), time);
	buf_init(&line, LIMIT_OUTPUT_BUFFER);
	buf_printf(&line, "%s %d-%" PRIu64 " %c: ", time, (int)getpid(), connection,
		   from_client ? 'C' : 'S');
	append_printable(&line, slice_head(text, LIMIT_COMMAND_LINE));
	buf_append_byte(&line, '\n');
	write_line(transcript, buf_slice(&line));
	buf_done(&line);
}
