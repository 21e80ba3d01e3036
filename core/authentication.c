/* SPDX-License-Identifier: Apache-2.0 */
#include "core/authentication.h"

#include "core/json.h"

static const char *const WORDS[AUTH_RESULT_COUNT] = {
#define X(name, word) word,
	AUTH_RESULTS(X)
#undef X
};

const char *auth_result_word(enum auth_result result)
{
	return WORDS[result];
}

bool auth_result_parse(struct slice word, enum auth_result *ret_result)
{
	for (unsigned i = 0; i < AUTH_WAITING; i++) {
		if (!slice_equal_nocase(word, slice_from_cstr(WORDS[i])))
			continue;
		*ret_result = (enum auth_result)i;
		return true;
	}
	return false;
}

static void dkim_json(struct json_writer *json, const struct authentication *authentication)
{
	json_key(json, "dkim");
	json_array_begin(json);
	for (size_t i = 0; i < authentication->dkim_count; i++) {
		const struct auth_dkim *dkim = &authentication->dkim[i];

		json_object_begin(json);
		json_put_cstr(json, "result", auth_result_word(dkim->result));
		json_put_string(json, "domain", dkim->domain);
		json_put_string(json, "selector", dkim->selector);
		json_put_optional(json, "reason", dkim->reason);
		json_object_end(json);
	}
	json_array_end(json);
}

void authentication_json(struct json_writer *json, const struct authentication *authentication)
{
	const struct auth_spf *spf = &authentication->spf;
	const struct auth_dmarc *dmarc = &authentication->dmarc;

	json_object_begin(json);
	json_put_optional(json, "by", authentication->by);
	json_put_optional(json, "reporter", authentication->reporter);
	json_put_optional(json, "from", authentication->from);
	json_key(json, "spf");
	json_object_begin(json);
	json_put_cstr(json, "result", auth_result_word(spf->result));
	json_put_cstr(json, "identity", spf->helo ? "helo" : "mailfrom");
	json_put_optional(json, "domain", spf->domain);
	json_object_end(json);
	dkim_json(json, authentication);
	json_key(json, "dmarc");
	json_object_begin(json);
	json_put_cstr(json, "result", auth_result_word(dmarc->result));
	json_put_optional(json, "domain", dmarc->domain);
	json_put_optional(json, "policy", dmarc->policy);
	json_object_end(json);
	json_object_end(json);
}
