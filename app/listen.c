/* SPDX-License-Identifier: Apache-2.0 */
#include "app/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Pending connections of one socket; the kernel caps it at net.core.somaxconn. */
#define BACKLOG 1024
/* A service that was killed may take a moment to let go of its port. */
#define BUSY_TRIES    20
#define BUSY_PAUSE_NS (50 * 1000 * 1000L)

union endpoint {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

static void set_port(union endpoint *endpoint, int port)
{
	if (endpoint->any.sa_family == AF_INET6)
		endpoint->in6.sin6_port = htons((uint16_t)port);
	else
		endpoint->in.sin_port = htons((uint16_t)port);
}

int listen_port(int fd)
{
	union endpoint endpoint = { 0 };
	socklen_t len = sizeof(endpoint);

	if (getsockname(fd, &endpoint.any, &len) < 0)
		return 0;
	return ntohs(endpoint.any.sa_family == AF_INET6 ? endpoint.in6.sin6_port
							: endpoint.in.sin_port);
}

static bool resolve(const char *address, int64_t port, union endpoint *endpoint, socklen_t *len)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
	};
	struct addrinfo *found;

	if (getaddrinfo(address, NULL, &hints, &found) != 0)
		return false;
	memcpy(&endpoint->storage, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
	set_port(endpoint, (int)port);
	return true;
}

/* The bound socket, or -1 with errno. */
static int bind_socket(const union endpoint *endpoint, socklen_t len, bool share)
{
	int fd = socket(endpoint->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* "::" leaves IPv4 to "0.0.0.0". */
	if (endpoint->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (share)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, &endpoint->any, len) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* With SO_REUSEPORT alone a second service of the same user would silently take half the mail. */
static bool port_is_free(const union endpoint *endpoint, socklen_t len)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };

	for (int i = 0;; i++) {
		int fd = bind_socket(endpoint, len, false);

		if (fd >= 0 && listen(fd, 1) == 0) {
			close(fd);
			return true;
		}

		int saved = errno;

		if (fd >= 0)
			close(fd);
		errno = saved;
		if (errno != EADDRINUSE || i == BUSY_TRIES)
			return false;
		nanosleep(&pause, NULL);
	}
}

static bool bind_all(union endpoint *endpoint, socklen_t len, int *ret_fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ret_fds[i] = bind_socket(endpoint, len, true);
		if (ret_fds[i] >= 0 && listen(ret_fds[i], BACKLOG) == 0) {
			set_port(endpoint, listen_port(ret_fds[i]));
			continue;
		}

		int saved = errno;

		for (size_t j = 0; j <= i; j++) {
			if (ret_fds[j] >= 0)
				close(ret_fds[j]);
		}
		errno = saved;
		return false;
	}
	return true;
}

bool listen_tcp(const char *address, int64_t port, int *ret_fds, size_t count, char *error,
		size_t error_size)
{
	union endpoint endpoint = { 0 };
	socklen_t len;

	if (!resolve(address, port, &endpoint, &len)) {
		snprintf(error, error_size, "\"%s\" is not an IP address", address);
		return false;
	}
	if (!port_is_free(&endpoint, len) || !bind_all(&endpoint, len, ret_fds, count)) {
		snprintf(error, error_size, "cannot listen on %s port %d: %s", address, (int)port,
			 strerror(errno));
		return false;
	}
	return true;
}

/* Nobody can connect before the file's mode and owner are right. */
static bool bind_unix(int fd, const struct sockaddr_un *address, mode_t mode,
		      const struct passwd *owner)
{
	mode_t old = umask(0177);
	bool bound = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	umask(old);
	return bound &&
	       (owner == NULL || chown(address->sun_path, owner->pw_uid, owner->pw_gid) == 0) &&
	       chmod(address->sun_path, mode) == 0 && listen(fd, BACKLOG) == 0;
}

int listen_unix(const char *path, mode_t mode, const char *user, char *error, size_t error_size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct passwd *owner = NULL;
	struct stat status;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(error, error_size, "%s: the path is too long for a socket", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	if (geteuid() == 0 && user[0] != '\0')
		owner = getpwnam(user);
	if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind_unix(fd, &address, mode, owner))
		return fd;
	snprintf(error, error_size, "cannot listen on %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
