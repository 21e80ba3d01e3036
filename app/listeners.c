/* SPDX-License-Identifier: Apache-2.0 */
#include "app/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/listen.h"
#include "core/log.h"
#include "core/slice.h"

#define SLOTS_MAX   64
#define ADDRESS_MAX 64

struct opening {
	const struct config *config;
	struct listeners_wanted wanted;
	struct listeners *listeners;
	char *error;
	size_t error_size;
};

static const char *const words[LISTENER_COUNT] = {
#define X(name, word) word,
	LISTENERS(X)
#undef X
};

const char *listener_word(enum listener listener)
{
	return words[listener];
}

const struct config_listener *listener_config(const struct config *config, enum listener listener)
{
	switch (listener) {
	case LISTENER_SMTP:
		return &config->smtp;
	case LISTENER_SUBMISSION:
		return &config->submission;
	case LISTENER_SUBMISSIONS:
		return &config->submissions;
	case LISTENER_LMTP:
		return &config->lmtp;
	case LISTENER_LMTP_UNIX:
		return &config->lmtp_unix;
	case LISTENER_HTTP:
	case LISTENER_COUNT:
		break;
	}
	abort();
}

bool listener_wanted(const struct config *config, enum listener listener)
{
	if (listener == LISTENER_HTTP)
		return true;
	if (listener == LISTENER_LMTP_UNIX)
		return config->lmtp_unix.path[0] != '\0';
	return listener_config(config, listener)->port > 0;
}

bool listener_is_of_ingest(const struct listener_socket *socket, unsigned slot)
{
	return socket->listener != LISTENER_HTTP &&
	       (socket->slot == LISTENER_ALL_SLOTS || socket->slot == (int)slot);
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		close(listeners->sockets[i].fd);
	listeners->count = 0;
}

static bool add(struct opening *opening, enum listener listener, int slot, int fd)
{
	struct listeners *listeners = opening->listeners;

	if (listeners->count == LISTENER_SOCKETS_MAX) {
		close(fd);
		snprintf(opening->error, opening->error_size, "%s: too many sockets",
			 words[listener]);
		return false;
	}
	listeners->sockets[listeners->count++] =
		(struct listener_socket){ .listener = listener, .slot = slot, .fd = fd };
	return true;
}

static bool part_is_wanted(const struct opening *opening, enum listener listener)
{
	return listener == LISTENER_HTTP ? opening->wanted.api : opening->wanted.ingest_slots > 0;
}

void listener_socket_name(const struct listener_socket *socket, char *ret_name, size_t size)
{
	if (socket->slot == LISTENER_ALL_SLOTS)
		snprintf(ret_name, size, "%s", words[socket->listener]);
	else
		snprintf(ret_name, size, "%s.%d", words[socket->listener], socket->slot);
}

/* -- what systemd passes -- */

static bool find_word(struct slice word, enum listener *ret_listener)
{
	for (int i = 0; i < LISTENER_COUNT; i++) {
		if (slice_equal(word, slice_from_cstr(words[i]))) {
			*ret_listener = (enum listener)i;
			return true;
		}
	}
	return false;
}

/* "smtp.0": slot 0. A slot that there is not serves nobody: then all do. */
static int slot_of(const struct opening *opening, struct slice number)
{
	uint64_t slot;

	if (!slice_to_u64(number, &slot) || slot >= opening->wanted.ingest_slots)
		return LISTENER_ALL_SLOTS;
	return (int)slot;
}

static bool take_passed(struct opening *opening, struct slice passed_as, int fd)
{
	struct slice number = passed_as, name = SLICE_NONE;
	enum listener listener;
	int listening = 0;
	socklen_t len = sizeof(listening);

	(void)slice_next_field(&number, '.', &name);
	if (!find_word(name, &listener)) {
		snprintf(opening->error, opening->error_size,
			 "a socket was passed as \"%.*s\", which is no listener's name",
			 SLICE_ARG(name));
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening) {
		snprintf(opening->error, opening->error_size,
			 "what was passed as %s does not listen", words[listener]);
		return false;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (!part_is_wanted(opening, listener)) {
		close(fd);
		return true;
	}
	return add(opening, listener, slot_of(opening, number), fd);
}

static uint64_t number_of(const char *variable)
{
	uint64_t number = 0;

	(void)slice_to_u64(slice_from_cstr(getenv(variable)), &number);
	return number;
}

static bool take_all_passed(struct opening *opening)
{
	struct slice names = slice_from_cstr(getenv("LISTEN_FDNAMES"));
	uint64_t count = number_of("LISTEN_FDS");
	bool taken = true;

	if (number_of("LISTEN_PID") != (uint64_t)getpid())
		return true;
	for (uint64_t i = 0; i < count && i < LISTENER_SOCKETS_MAX && taken; i++) {
		struct slice name = SLICE_NONE;

		(void)slice_next_field(&names, ':', &name);
		taken = take_passed(opening, name, LISTENERS_PASSED_FIRST + (int)i);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return taken;
}

static bool is_passed(const struct listeners *listeners, size_t passed, enum listener listener)
{
	for (size_t i = 0; i < passed; i++)
		if (listeners->sockets[i].listener == listener)
			return true;
	return false;
}

static bool slot_has_socket(const struct listeners *listeners, enum listener listener, int slot)
{
	for (size_t i = 0; i < listeners->count; i++) {
		const struct listener_socket *socket = &listeners->sockets[i];

		if (socket->listener == listener &&
		    (socket->slot == slot || socket->slot == LISTENER_ALL_SLOTS))
			return true;
	}
	return false;
}

/* There are more processes than before: where a slot got no socket, all share those that there are.
 */
static void share_where_short(struct opening *opening, enum listener listener)
{
	struct listeners *listeners = opening->listeners;
	size_t slot = 0;

	while (slot < opening->wanted.ingest_slots &&
	       slot_has_socket(listeners, listener, (int)slot))
		slot++;
	for (size_t i = 0; slot < opening->wanted.ingest_slots && i < listeners->count; i++)
		if (listeners->sockets[i].listener == listener)
			listeners->sockets[i].slot = LISTENER_ALL_SLOTS;
}

/* -- what the configuration wants -- */

/* One socket an ingest process, so that the kernel shares connections out. */
static bool open_tcp(struct opening *opening, enum listener listener, const char *address,
		     int64_t port)
{
	bool http = listener == LISTENER_HTTP;
	size_t count = http ? 1 : opening->wanted.ingest_slots;
	int fds[SLOTS_MAX];

	if (!listen_tcp(address, port, fds, count, opening->error, opening->error_size))
		return false;
	bool added = true;

	for (size_t i = 0; i < count; i++) {
		if (added)
			added = add(opening, listener, http ? LISTENER_ALL_SLOTS : (int)i, fds[i]);
		else
			close(fds[i]);
	}
	if (added)
		log_event(LOG_INFO, "listening", LOG_STR("protocol", words[listener]),
			  LOG_STR("address", address), LOG_INT("port", port));
	return added;
}

static bool open_each_address(struct opening *opening, enum listener listener,
			      const char *addresses, int64_t port)
{
	struct slice rest = slice_from_cstr(addresses), word;
	bool any = false;

	while (slice_next_field(&rest, ' ', &word)) {
		char address[ADDRESS_MAX];

		if (slice_empty(word))
			continue;
		any = true;
		snprintf(address, sizeof(address), "%.*s", SLICE_ARG(word));
		if (!open_tcp(opening, listener, address, port))
			return false;
	}
	if (!any)
		snprintf(opening->error, opening->error_size, "%s.address: there is none",
			 words[listener]);
	return any;
}

static bool open_unix(struct opening *opening)
{
	const struct config_listener *unix_socket = &opening->config->lmtp_unix;
	mode_t mode = (mode_t)strtol(unix_socket->mode, NULL, 8);
	int fd = listen_unix(unix_socket->path, mode, opening->config->user, opening->error,
			     opening->error_size);

	if (fd < 0)
		return false;
	log_event(LOG_INFO, "listening", LOG_STR("protocol", words[LISTENER_LMTP_UNIX]),
		  LOG_STR("path", unix_socket->path));
	return add(opening, LISTENER_LMTP_UNIX, LISTENER_ALL_SLOTS, fd);
}

static bool open_one(struct opening *opening, enum listener listener)
{
	const struct config *config = opening->config;

	if (listener == LISTENER_HTTP)
		return open_each_address(opening, listener, config->http_address,
					 config->http_port);
	if (listener == LISTENER_LMTP_UNIX)
		return open_unix(opening);
	return open_each_address(opening, listener, listener_config(config, listener)->address,
				 listener_config(config, listener)->port);
}

static bool open_all(struct opening *opening)
{
	if (!take_all_passed(opening))
		return false;
	size_t passed = opening->listeners->count;

	for (int i = 0; i < LISTENER_COUNT; i++) {
		enum listener listener = (enum listener)i;

		if (is_passed(opening->listeners, passed, listener))
			share_where_short(opening, listener);
		else if (part_is_wanted(opening, listener) &&
			 listener_wanted(opening->config, listener) && !open_one(opening, listener))
			return false;
	}
	return true;
}

bool listeners_open(const struct config *config, struct listeners_wanted wanted,
		    struct listeners *ret_listeners, char *error, size_t error_size)
{
	struct opening opening = { config, wanted, ret_listeners, error, error_size };

	ret_listeners->count = 0;
	if (open_all(&opening))
		return true;
	listeners_close(ret_listeners);
	return false;
}
