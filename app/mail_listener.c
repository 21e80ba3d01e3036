/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mail_listener.h"

#include <stdio.h>
#include <string.h>

#include "app/mail_limits.h"

static bool parse_proxies(const struct config_listener *config, enum listener listener,
			  struct mail_listener *made, char *error, size_t error_size)
{
	struct slice rest = slice_from_cstr(config->proxy_networks), word;
	size_t count = 0;

	while (slice_next_field(&rest, ' ', &word)) {
		if (slice_empty(word))
			continue;
		if (count == MAIL_LISTENER_PROXIES ||
		    !ip_network_parse(word, &made->proxies[count])) {
			snprintf(error, error_size, "%s.proxy_networks: %.*s %s",
				 listener_word(listener), SLICE_ARG(word),
				 count == MAIL_LISTENER_PROXIES ? "is one too many"
								: "is no network");
			return false;
		}
		count++;
	}
	made->options.proxy_networks = made->proxies;
	made->options.proxy_network_count = count;
	return true;
}

static void set_tls(const struct config_listener *config, enum listener listener, bool tls,
		    struct listener_options *options)
{
	bool submission = listener == LISTENER_SUBMISSION || listener == LISTENER_SUBMISSIONS;

	options->implicit_tls = listener == LISTENER_SUBMISSIONS;
	options->smtp.auth = submission;
	options->smtp.tls_required = submission || strcmp(config->tls, "must") == 0;
	options->smtp.starttls =
		listener == LISTENER_SUBMISSION || (tls && strcmp(config->tls, "off") != 0);
}

bool mail_listener_make(const struct config *config, enum listener listener, struct slice hostname,
			bool tls, struct mail_listener *ret_listener, char *error,
			size_t error_size)
{
	const struct config_listener *own = listener_config(config, listener);
	struct listener_options *options = &ret_listener->options;

	*options = (struct listener_options){ .smtp = smtp_settings_default() };
	options->smtp.hostname = hostname;
	options->smtp.listener = slice_from_cstr(listener_word(listener));
	options->smtp.message_size = (size_t)config->smtp_size;
	options->smtp.pipelining = config->smtp_pipelining;
	options->smtp.reject_bare_eol = strcmp(config->smtp_bare_eol, "reject") == 0;
	options->smtp.lmtp = listener == LISTENER_LMTP || listener == LISTENER_LMTP_UNIX;
	options->smtp.trusted = own->trusted;
	/* Who submits has a key, and who speaks LMTP is ours. */
	options->screened = listener == LISTENER_SMTP && !own->trusted;
	mail_limits_set_times(config, &options->smtp);
	set_tls(own, listener, tls, options);
	if (!tls && (options->implicit_tls || options->smtp.tls_required)) {
		snprintf(error, error_size, "%s: needs tls.certificates", listener_word(listener));
		return false;
	}
	return parse_proxies(own, listener, ret_listener, error, error_size);
}

bool mail_listeners_check(const struct config *config, struct tls *tls, char *error,
			  size_t error_size)
{
	struct mail_limits_trusted trusted;
	bool good = tls_load(tls, config->tls_certificates, config->tls_keys, error, error_size) ==
			    OK &&
		    mail_limits_trusted(config, &trusted, error, error_size);

	for (int i = 0; good && i < LISTENER_COUNT; i++) {
		enum listener listener = (enum listener)i;
		struct mail_listener made;

		if (listener != LISTENER_HTTP && listener_wanted(config, listener))
			good = mail_listener_make(config, listener, SLICE("localhost"),
						  tls_loaded(tls), &made, error, error_size);
	}
	return good;
}
