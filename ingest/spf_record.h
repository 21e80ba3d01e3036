/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of an SPF record (RFC 7208 4.5 to 6, 7.1): text to terms, all of it or nothing. */
#ifndef BOUNCED_INGEST_SPF_RECORD_H
#define BOUNCED_INGEST_SPF_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/authentication.h"
#include "core/network.h"
#include "core/slice.h"

enum spf_mechanism { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_directive {
	enum auth_result result; /* of its qualifier: pass, fail, softfail, neutral */
	enum spf_mechanism mechanism;
	struct slice domain_spec;  /* with macros; empty: the current domain */
	unsigned bits4, bits6;     /* of SPF_A, SPF_MX */
	struct ip_network network; /* of SPF_IP4, SPF_IP6 */
};

struct spf_record {
	struct spf_directive *directives;
	size_t count;
	struct slice redirect; /* domain-spec; empty: none */
};

/* "v=spf1", alone or followed by a space. */
bool spf_record_is(struct slice text);
/* false: a syntax error somewhere. The record points into text. */
bool spf_record_parse(struct slice text, struct arena *arena, struct spf_record *ret_record);

#endif
