/* SPDX-License-Identifier: Apache-2.0 */
/* STARTTLS (RFC 3207) and AUTH (RFC 4954); passwords are taken over TLS alone. */
#include "ingest/smtp_machine.h"

static const struct smtp_reply unavailable = SMTP_REPLY(502, "5.5.1", "Command not implemented");
static const struct smtp_reply ready = SMTP_REPLY(220, "2.0.0", "Ready to start TLS");
static const struct smtp_reply tls_active = SMTP_REPLY(503, "5.5.1", "TLS is active already");
static const struct smtp_reply needs_tls =
	SMTP_REPLY(538, "5.7.11", "Encryption required for authentication");
static const struct smtp_reply hello_first = SMTP_REPLY(503, "5.5.1", "Send EHLO first");
static const struct smtp_reply not_now = SMTP_REPLY(503, "5.5.1", "AUTH is not allowed now");
static const struct smtp_reply no_mechanism =
	SMTP_REPLY(504, "5.5.4", "Unknown authentication mechanism");
static const struct smtp_reply broken = SMTP_REPLY(501, "5.5.2", "Cannot decode the response");
static const struct smtp_reply cancelled = SMTP_REPLY(501, "5.7.0", "Authentication cancelled");

bool smtp_may_start_tls(const struct smtp_session *session)
{
	return session->settings->starttls && slice_empty(session->tls);
}

bool smtp_may_authenticate(const struct smtp_session *session)
{
	return session->settings->auth && !slice_empty(session->tls) && !session->authenticated;
}

void smtp_handle_starttls(struct smtp_session *session, struct slice arguments)
{
	(void)arguments;
	if (!slice_empty(session->tls)) {
		smtp_say(session, &tls_active);
	} else if (!session->settings->starttls) {
		smtp_say(session, &unavailable);
	} else {
		smtp_say(session, &ready);
		session->question = SMTP_START_TLS;
	}
}

void smtp_auth_end(struct smtp_session *session)
{
	sasl_free(session->sasl);
	session->sasl = NULL;
}

/* The exchange takes the next answer. */
static void go_on(struct smtp_session *session, struct slice line)
{
	enum sasl_result result = sasl_next(session->sasl, line);

	if (result == SASL_CONTINUE) {
		const struct smtp_reply challenge = { 334, NULL, sasl_challenge(session->sasl) };

		smtp_say(session, &challenge);
	} else if (result == SASL_DONE) {
		session->question = SMTP_ASK_AUTH;
	} else {
		smtp_auth_end(session);
		smtp_say(session, result == SASL_CANCELLED ? &cancelled : &broken);
	}
}

void smtp_handle_auth_line(struct smtp_session *session, struct slice line)
{
	smtp_trace_heard(session, SLICE("****"));
	go_on(session, line);
}

void smtp_handle_auth(struct smtp_session *session, struct slice arguments)
{
	const struct smtp_reply *refusal = NULL;
	struct slice mechanism = SLICE_NONE;

	session->auth_tried = true;
	if (!session->settings->auth)
		refusal = &unavailable;
	else if (slice_empty(session->tls))
		refusal = &needs_tls;
	else if (session->helo_len == 0)
		refusal = &hello_first;
	else if (session->authenticated || session->inbound != NULL)
		refusal = &not_now;
	if (refusal == NULL) {
		(void)slice_next_field(&arguments, ' ', &mechanism);
		session->sasl = sasl_new(mechanism);
		if (session->sasl == NULL)
			refusal = &no_mechanism;
	}
	if (refusal != NULL) {
		smtp_say(session, refusal);
		return;
	}
	if (!slice_empty(arguments)) {
		go_on(session, slice_trim(arguments));
		return;
	}
	const struct smtp_reply challenge = { 334, NULL, sasl_challenge(session->sasl) };

	smtp_say(session, &challenge);
}
