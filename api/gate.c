/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"

#include "api/target.h"

static const struct gate_verdict PASSED = { 0, "" };

/* RFC 9110 5.6.2 */
static bool is_token(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum(text.ptr[i]) &&
		    slice_find_byte(SLICE("!#$%&'*+-.^_`|~"), text.ptr[i]) < 0)
			return false;
	return text.len > 0;
}

static bool has_control(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static struct gate_verdict check_headers(const struct request *request)
{
	/* Each of these steers framing, routing or rights, and a second one contradicts the first.
	 */
	static const char *const ONCE[] = { "Content-Length", "Transfer-Encoding", "Host",
					    "Content-Type", "Authorization" };

	for (size_t i = 0; i < request->header_count; i++) {
		if (!is_token(request->headers[i].name))
			return (struct gate_verdict){ 400, "a header name that is no token" };
		if (has_control(request->headers[i].value))
			return (struct gate_verdict){ 400, "a control character in a header" };
	}
	for (size_t i = 0; i < sizeof(ONCE) / sizeof(ONCE[0]); i++)
		if (request_header_count(request, ONCE[i]) > 1)
			return (struct gate_verdict){ 400, "a header that may stand only once" };
	return PASSED;
}

static struct gate_verdict check_framing(const struct request *request)
{
	const struct http_header *length = request_header(request, "Content-Length");
	const struct http_header *encoding = request_header(request, "Transfer-Encoding");
	uint64_t bytes;

	if (length && encoding)
		return (struct gate_verdict){ 400, "Content-Length beside Transfer-Encoding" };
	if (length && !slice_to_u64(length->value, &bytes))
		return (struct gate_verdict){ 400, "Content-Length is no number" };
	if (!encoding)
		return PASSED;
	if (slice_equal(request->version, SLICE("HTTP/1.0")))
		return (struct gate_verdict){ 400, "Transfer-Encoding in HTTP/1.0" };
	if (!slice_equal(encoding->value, SLICE("chunked")))
		return (struct gate_verdict){ 501, "a Transfer-Encoding other than chunked" };
	return PASSED;
}

static struct gate_verdict check_host(const struct request *request)
{
	const struct http_header *host = request_header(request, "Host");

	if (!host && slice_equal(request->version, SLICE("HTTP/1.0")))
		return PASSED;
	if (!host || slice_empty(host->value))
		return (struct gate_verdict){ 400, "no Host" };
	for (size_t i = 0; i < host->value.len; i++)
		if (!ascii_is_alnum(host->value.ptr[i]) &&
		    slice_find_byte(SLICE("-._:[]"), host->value.ptr[i]) < 0)
			return (struct gate_verdict){ 400, "Host is no name" };
	return PASSED;
}

struct gate_verdict gate_check(struct request *request, struct arena *arena)
{
	struct gate_verdict verdict;
	const char *fault;

	if (!slice_equal(request->version, SLICE("HTTP/1.1")) &&
	    !slice_equal(request->version, SLICE("HTTP/1.0")))
		return (struct gate_verdict){ 505, "an HTTP version other than 1.0 and 1.1" };
	if (request->method == METHOD_OTHER)
		return (struct gate_verdict){ 405, "a method that no resource has" };
	verdict = check_headers(request);
	if (verdict.status == 0)
		verdict = check_framing(request);
	if (verdict.status == 0)
		verdict = check_host(request);
	if (verdict.status != 0)
		return verdict;
	fault = target_parse(request, arena);
	return fault ? (struct gate_verdict){ 400, fault } : PASSED;
}
