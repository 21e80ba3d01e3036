/* SPDX-License-Identifier: Apache-2.0 */
#include "app/authentication.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/log.h"
#include "ingest/reporters.h"

#define FILE_MAX (1024 * 1024)

struct authentication_setup {
	struct resolver *resolver;
	struct authenticator *authenticator;
};

static enum err read_file(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	while (fd >= 0) {
		char *room = buf_reserve(text, 4096);

		if (room == NULL) {
			errno = EFBIG;
			got = -1;
			break;
		}
		got = read(fd, room, 4096);
		if (got <= 0)
			break;
		text->len += (size_t)got;
	}

	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return got < 0 ? ERR_REFUSE : OK;
}

static enum err read_reporters(const char *path, struct arena *arena,
			       struct reporters **ret_reporters, struct slice *ret_error)
{
	struct buf text;
	enum err err = OK;

	buf_init(&text, FILE_MAX);
	if (path[0] != '\0')
		err = read_file(path, &text);
	if (err != OK)
		*ret_error = arena_printf(arena, "%s: %s", path, strerror(errno));
	else
		err = reporters_read(buf_slice(&text), path, arena, ret_reporters, ret_error);
	buf_done(&text);
	return err;
}

static enum err open_authenticator(struct authentication_setup *setup, struct event_base *base,
				   const struct config *config, const struct reporters *reporters,
				   struct slice *ret_error)
{
	struct authenticator_options options = {
		.base = base,
		.reporters = reporters,
		.authserv_id = slice_from_cstr(config->auth_authserv_id),
		.trusted_peers = slice_from_cstr(config->auth_trusted_peers),
		.timeout_ms = config->dns_timeout_ms,
	};

	if (resolver_new(base, config->dns_server, &setup->resolver) != OK) {
		*ret_error = SLICE("dns.server must be an address, or address@port");
		return ERR_REFUSE;
	}
	options.resolver = resolver_interface(setup->resolver);
	if (authenticator_new(&options, &setup->authenticator) != OK) {
		*ret_error = SLICE("auth.trusted_peers must be networks like 192.0.2.0/24");
		return ERR_REFUSE;
	}
	return OK;
}

enum err authentication_open(struct event_base *base, const struct config *config,
			     const struct reporters *reporters,
			     struct authentication_setup **ret_setup, struct slice *ret_error)
{
	struct authentication_setup *setup = calloc(1, sizeof(*setup));

	if (setup == NULL)
		abort();
	if (open_authenticator(setup, base, config, reporters, ret_error) != OK) {
		authentication_close(setup);
		return ERR_REFUSE;
	}
	*ret_setup = setup;
	return OK;
}

void authentication_close(struct authentication_setup *setup)
{
	if (setup == NULL)
		return;
	authenticator_free(setup->authenticator);
	resolver_free(setup->resolver);
	free(setup);
}

struct authenticator *authentication_authenticator(struct authentication_setup *setup)
{
	return setup->authenticator;
}

struct resolver_interface authentication_resolver(struct authentication_setup *setup)
{
	return resolver_interface(setup->resolver);
}

enum err authentication_check(const struct config *config, struct arena *arena,
			      const struct reporters **ret_reporters, struct slice *ret_error)
{
	struct authentication_setup *setup = NULL;
	struct reporters *reporters;
	struct event_base *base;
	enum err err = read_reporters(config->auth_reporters, arena, &reporters, ret_error);

	if (err != OK)
		return err;
	base = event_base_new();
	if (base == NULL)
		abort();
	err = authentication_open(base, config, reporters, &setup, ret_error);
	if (err == OK)
		*ret_reporters = reporters;
	authentication_close(setup);
	event_base_free(base);
	return err;
}
