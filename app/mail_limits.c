/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mail_limits.h"

#include <stdio.h>

struct peer_limits *mail_limits_new(const struct config *config, unsigned processes)
{
	const struct peer_limits_options options = {
		.processes = processes,
		.connections = (unsigned)config->smtp_max_connections,
		.prefix_connections = (unsigned)config->smtp_prefix_connections,
		.prefix_rate = (unsigned)config->smtp_prefix_rate,
	};

	return peer_limits_new(&options);
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
