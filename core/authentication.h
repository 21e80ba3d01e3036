/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sent a message, as far as SPF, DKIM and DMARC say. Results are the words of RFC 8601 2.7. All
 * slices live in the message's arena; domains are in lower case.
 */
#ifndef BOUNCED_CORE_AUTHENTICATION_H
#define BOUNCED_CORE_AUTHENTICATION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/slice.h"

struct json_writer;

#define AUTH_RESULTS(X)                        \
	X(NONE, "none")                        \
	X(PASS, "pass")                        \
	X(FAIL, "fail")                        \
	X(SOFTFAIL, "softfail")                \
	X(NEUTRAL, "neutral")                  \
	X(POLICY, "policy")                    \
	X(TEMPERROR, "temperror")              \
	X(PERMERROR, "permerror")              \
	/* only while it is being found out */ \
	X(WAITING, "waiting")

enum auth_result {
#define X(name, word) AUTH_##name,
	AUTH_RESULTS(X)
#undef X
		AUTH_RESULT_COUNT
};

/* Signatures of one message that are looked at. */
#define AUTH_DKIM_MAX 5

struct auth_spf {
	enum auth_result result;
	bool helo; /* of the HELO name, because the sender was null */
	struct slice domain;
};

struct auth_dkim {
	enum auth_result result;
	struct slice domain;
	struct slice selector;
	struct slice reason; /* why it does not pass */
	/* The signature is good, but Content-Type is not signed (AUTH_POLICY): whoever got the
	 * message could send it on and have it read differently. Worth something only from its
	 * sender. */
	bool direct_only;
	bool to_signed; /* To is among what it signs */
};

struct auth_dmarc {
	enum auth_result result;
	struct slice domain; /* of From */
	struct slice policy; /* "none", "quarantine", "reject" */
};

struct authentication {
	struct slice by;   /* whose results: a trusted hop's authserv-id; empty: our own */
	struct slice from; /* the address in From; empty where it is not exactly one */
	struct slice to;   /* the same of To */
	struct auth_spf spf;
	struct auth_dkim dkim[AUTH_DKIM_MAX];
	size_t dkim_count;
	struct auth_dmarc dmarc;
	struct slice reporter; /* name of the allow-listed reporter that it proves; empty: none */
	/* Whom the reporter sent it to: it came straight from its hosts, or it signed To. Otherwise
	 * whoever got the report may have sent it on to us. */
	bool reporter_direct;
	bool reporter_signed_to;
	bool undecided; /* DNS did not answer; if it had, there might be a reporter */
};

const char *auth_result_word(enum auth_result result);
/* false for an unknown word */
bool auth_result_parse(struct slice word, enum auth_result *ret_result);
/* The whole as a JSON object. */
void authentication_json(struct json_writer *json, const struct authentication *authentication);

#endif
