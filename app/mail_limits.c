/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mail_limits.h"

#include <stdio.h>
#include <unistd.h>

/* For processes that were replaced and serve on: seats for so many reloads in RETIRED_MS. */
#define RELOADS   4
#define SEATS_MIN 64

static struct peer_limits_options options_of(const struct config *config, unsigned seats)
{
	return (struct peer_limits_options){
		.seats = seats,
		.connections = (unsigned)config->smtp_max_connections,
		.prefix_connections = (unsigned)config->smtp_prefix_connections,
		.prefix_rate = (unsigned)config->smtp_prefix_rate,
	};
}

static struct peer_limits *adopt(int fd, const struct config *config, unsigned processes)
{
	struct peer_limits *limits = fd >= 0 ? peer_limits_adopt(fd) : NULL;

	if (limits != NULL && peer_limits_free_seats(limits) >= processes &&
	    mail_limits_apply(config, limits))
		return limits;
	peer_limits_free(limits);
	return NULL;
}

struct peer_limits *mail_limits_open(const struct config *config, unsigned processes, int *fd)
{
	unsigned seats = processes * RELOADS > SEATS_MIN ? processes * RELOADS : SEATS_MIN;
	const struct peer_limits_options options = options_of(config, seats);
	struct peer_limits *limits = adopt(*fd, config, processes);

	if (limits != NULL)
		return limits;
	if (*fd >= 0)
		close(*fd);
	return peer_limits_new(&options, fd);
}

bool mail_limits_apply(const struct config *config, struct peer_limits *limits)
{
	const struct peer_limits_options options = options_of(config, 1);

	if (!peer_limits_fit(limits, &options))
		return false;
	peer_limits_configure(limits, &options);
	return true;
}

bool mail_limits_trusted(const struct config *config, struct mail_limits_trusted *ret_trusted,
			 char *error, size_t error_size)
{
	struct slice rest = slice_from_cstr(config->smtp_trusted_networks), word;
	size_t count = 0;

	while (slice_next_field(&rest, ' ', &word)) {
		if (slice_empty(word))
			continue;
		if (count == MAIL_LIMITS_NETWORKS ||
		    !ip_network_parse(word, &ret_trusted->networks[count])) {
			snprintf(error, error_size, "smtp.trusted_networks: %.*s %s",
				 SLICE_ARG(word),
				 count == MAIL_LIMITS_NETWORKS ? "is one too many"
							       : "is no network");
			return false;
		}
		count++;
	}
	ret_trusted->count = count;
	return true;
}

void mail_limits_set_times(const struct config *config, struct smtp_settings *settings)
{
	settings->command_ms = config->smtp_command_timeout_ms;
	settings->data_base_ms = config->smtp_data_timeout_ms;
	settings->session_ms = config->smtp_session_timeout_ms;
	settings->error_delay_ms = config->smtp_error_delay_ms;
}
