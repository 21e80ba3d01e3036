/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

enum method method_from_text(struct slice text)
{
	static const struct {
		struct slice text;
		enum method method;
	} METHODS[] = {
		{ SLICE_LITERAL("GET"), METHOD_GET },
		{ SLICE_LITERAL("HEAD"), METHOD_HEAD },
		{ SLICE_LITERAL("PUT"), METHOD_PUT },
		{ SLICE_LITERAL("POST"), METHOD_POST },
		{ SLICE_LITERAL("DELETE"), METHOD_DELETE },
		{ SLICE_LITERAL("OPTIONS"), METHOD_OPTIONS },
	};

	for (size_t i = 0; i < sizeof(METHODS) / sizeof(METHODS[0]); i++)
		if (slice_equal(text, METHODS[i].text))
			return METHODS[i].method;
	return METHOD_OTHER;
}

const struct http_header *request_header(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (slice_equal_nocase(request->headers[i].name, slice_from_cstr(name)))
			return &request->headers[i];
	return NULL;
}

size_t request_header_count(const struct request *request, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < request->header_count; i++)
		if (slice_equal_nocase(request->headers[i].name, slice_from_cstr(name)))
			count++;
	return count;
}

const struct param *request_param(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->param_count; i++)
		if (slice_equal(request->params[i].name, slice_from_cstr(name)))
			return &request->params[i];
	return NULL;
}
