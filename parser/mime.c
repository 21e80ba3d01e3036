/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/mime.h"

#include <gmime/gmime.h>
#include <string.h>

#include "core/limits.h"
#include "parser/charset.h"
#include "parser/html.h"

/* A multipart whose children are being visited. */
struct level {
	GMimeMultipart *multipart;
	int next;
	int count;
};

struct walk {
	struct slice raw; /* what GMime saw a copy of */
	struct message *message;
	struct level levels[LIMIT_MIME_DEPTH];
	unsigned depth;
	size_t cap;
	bool has_text; /* what readers read is found */
	const char *why;
};

static GMimeParser *parser; /* keeps the last stream until the next message */
static GMimeParserOptions *options;
static GByteArray bytes; /* what that stream reads: borrowed */

void mime_init(void)
{
	if (options)
		return;
	g_mime_init();
	parser = g_mime_parser_new();
	options = g_mime_parser_options_new();
	charset_init();
}

static struct slice lower_cstr(struct arena *arena, const char *text)
{
	return text ? arena_lower(arena, slice_from_cstr(text)) : SLICE_NONE;
}

/* "type/subtype", with the type that the pre-scan renamed put back. */
static struct slice content_type_name(struct arena *arena, GMimeContentType *type)
{
	const char *media = type ? g_mime_content_type_get_media_type(type) : NULL;
	const char *subtype = type ? g_mime_content_type_get_media_subtype(type) : NULL;

	if (!media || !subtype)
		return SLICE("text/plain");
	if (slice_equal_nocase(slice_from_cstr(media), SLICE(PRESCAN_MESSAGE_TYPE)))
		media = "message";
	struct slice name = arena_printf(arena, "%s/%s", media, subtype);
	return arena_lower(arena, name);
}

static enum part_kind part_kind_of(struct slice type)
{
	static const struct {
		struct slice type;
		enum part_kind kind;
	} KINDS[] = {
		{ SLICE_LITERAL("text/plain"), PART_TEXT },
		{ SLICE_LITERAL("text/html"), PART_HTML },
		{ SLICE_LITERAL("message/delivery-status"), PART_DELIVERY_STATUS },
		{ SLICE_LITERAL("message/global-delivery-status"), PART_DELIVERY_STATUS },
		{ SLICE_LITERAL("message/feedback-report"), PART_FEEDBACK_REPORT },
		{ SLICE_LITERAL("message/disposition-notification"), PART_DISPOSITION },
		{ SLICE_LITERAL("message/global-disposition-notification"), PART_DISPOSITION },
		{ SLICE_LITERAL("message/rfc822"), PART_MESSAGE },
		{ SLICE_LITERAL("message/rfc2822"), PART_MESSAGE },
		{ SLICE_LITERAL("message/global"), PART_MESSAGE },
		{ SLICE_LITERAL("message/partial"), PART_MESSAGE },
		{ SLICE_LITERAL("text/rfc822-headers"), PART_HEADERS },
		{ SLICE_LITERAL("text/rfc822-header"), PART_HEADERS },
		{ SLICE_LITERAL("text/rfc822"), PART_MESSAGE },
		{ SLICE_LITERAL("message/global-headers"), PART_HEADERS },
		{ SLICE_LITERAL("message/rfc822-headers"), PART_HEADERS },
	};

	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		if (slice_equal(type, KINDS[i].type))
			return KINDS[i].kind;
	}
	return PART_OTHER;
}

/* Readers look at the beginning only, so a part is cut before it is decoded. */
static struct slice decode_transfer(struct arena *arena, GMimeContentEncoding encoding,
				    struct slice encoded)
{
	GMimeEncoding state;

	if (encoding != GMIME_CONTENT_ENCODING_BASE64 &&
	    encoding != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
	    encoding != GMIME_CONTENT_ENCODING_UUENCODE)
		return slice_head(encoded, LIMIT_TEXT_PART);
	encoded = slice_head(encoded, LIMIT_TEXT_PART * 4 / 3);
	g_mime_encoding_init_decode(&state, encoding);
	char *out = arena_bytes(arena, g_mime_encoding_outlen(&state, encoded.len) + 1);
	size_t len = g_mime_encoding_step(&state, encoded.ptr, encoded.len, out);
	return slice_head(slice_from(out, len), LIMIT_TEXT_PART);
}

/* Where the part's bytes lie. An empty slice for what GMime did not leave as bytes. */
static struct slice part_bytes(const struct walk *walk, GMimePart *part)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;

	if (!stream || stream->bound_start < 0 || stream->bound_start > (gint64)walk->raw.len)
		return SLICE_NONE;
	size_t start = (size_t)stream->bound_start;
	size_t end = walk->raw.len;
	if (stream->bound_end >= 0 && (size_t)stream->bound_end < end)
		end = (size_t)stream->bound_end;
	return start < end ? slice_from(walk->raw.ptr + start, end - start) : SLICE_NONE;
}

static struct part *walk_add(struct walk *walk)
{
	struct message *message = walk->message;

	if (message->part_count == LIMIT_PARTS) {
		walk->why = "too many parts";
		return NULL;
	}
	if (message->part_count == walk->cap) {
		walk->cap = walk->cap ? walk->cap * 2 : 8;
		struct part *grown = ARENA_ARRAY(message->arena, struct part, walk->cap);
		if (message->part_count > 0)
			memcpy(grown, message->parts, message->part_count * sizeof(*grown));
		message->parts = grown;
	}
	return &message->parts[message->part_count++];
}

static bool is_text(enum part_kind kind)
{
	return kind == PART_TEXT || kind == PART_HTML;
}

static bool is_blank(struct slice text)
{
	return slice_trim(text).len == 0;
}

static bool is_media(struct slice type)
{
	return slice_starts_with(type, SLICE("image/")) ||
	       slice_starts_with(type, SLICE("audio/")) || slice_starts_with(type, SLICE("video/"));
}

/* RFC 2045 5.2: text/plain where the message's own type is none ("text", "nonsense"). */
static bool has_valid_type(const struct message *message)
{
	const struct header *type = header_find(&message->headers, "Content-Type", 0);
	return !type || slice_find_byte(type->value, '/') >= 0;
}

static void walk_leaf(struct walk *walk, GMimeObject *object)
{
	struct arena *arena = walk->message->arena;
	struct part *part = walk_add(walk);

	if (!part)
		return;
	GMimeContentType *type = g_mime_object_get_content_type(object);
	*part = (struct part){
		.content_type = content_type_name(arena, type),
		.charset = lower_cstr(arena, g_mime_content_type_get_parameter(type, "charset")),
		.filename = SLICE_NONE,
		.body = SLICE_NONE,
		.depth = walk->depth,
	};
	if (walk->depth == 0 && !has_valid_type(walk->message))
		part->content_type = SLICE("text/plain");
	part->kind = part_kind_of(part->content_type);
	if (!GMIME_IS_PART(object))
		return;
	GMimePart *leaf = (GMimePart *)object;
	const char *filename = g_mime_part_get_filename(leaf);
	if (filename)
		part->filename = arena_copy(arena, slice_from_cstr(filename));
	if (is_media(part->content_type) || (part->kind == PART_HTML && walk->has_text))
		return; /* nobody reads it */
	GMimeContentEncoding encoding = g_mime_part_get_content_encoding(leaf);
	part->body = decode_transfer(arena, encoding, part_bytes(walk, leaf));
	if (part->kind == PART_MESSAGE || part->kind == PART_HEADERS)
		walk->why = prescan_embedded(part->body);
	else if (is_text(part->kind))
		part->body = charset_to_utf8(arena, part->charset, part->body);
	walk->has_text |=
		part->kind == PART_HTML || (part->kind == PART_TEXT && !is_blank(part->body));
}

static void walk_push(struct walk *walk, GMimeMultipart *multipart)
{
	if (walk->depth == LIMIT_MIME_DEPTH) {
		walk->why = "parts nested too deep";
		return;
	}
	walk->levels[walk->depth++] = (struct level){
		.multipart = multipart,
		.count = g_mime_multipart_get_count(multipart),
	};
}

static void walk_visit(struct walk *walk, GMimeObject *object)
{
	if (GMIME_IS_MULTIPART(object))
		walk_push(walk, (GMimeMultipart *)object);
	else
		walk_leaf(walk, object);
}

static void walk_all(struct walk *walk, GMimeObject *root)
{
	walk_visit(walk, root);
	while (walk->depth > 0 && !walk->why) {
		struct level *level = &walk->levels[walk->depth - 1];
		if (level->next == level->count)
			walk->depth--;
		else
			walk_visit(walk,
				   g_mime_multipart_get_part(level->multipart, level->next++));
	}
}

/* What follows the message's own headers, whatever its structure claims. */
static struct slice body_after_headers(struct slice raw)
{
	struct slice rest = raw;
	struct slice line;

	while (slice_next_line(&rest, &line)) {
		if (line.len == 0)
			return rest;
	}
	return SLICE_NONE;
}

static struct slice choose_text(const struct message *message)
{
	for (size_t i = 0; i < message->part_count; i++) {
		const struct part *part = &message->parts[i];
		if (part->kind == PART_TEXT && !is_blank(part->body))
			return part->body;
	}
	const struct part *html = message_part(message, PART_HTML);
	return html ? html_to_text(message->arena, html->body) : SLICE_NONE;
}

const struct part *message_part(const struct message *message, enum part_kind kind)
{
	for (size_t i = 0; i < message->part_count; i++) {
		if (message->parts[i].kind == kind)
			return &message->parts[i];
	}
	return NULL;
}

/* What GMime takes for no message, or a multipart without parts (no boundary, or one that never
 * occurs): all of it is text. */
static void read_as_text(struct walk *walk)
{
	struct part *part = walk_add(walk);
	struct slice body = slice_head(body_after_headers(walk->message->raw), LIMIT_TEXT_PART);

	*part = (struct part){
		.kind = PART_TEXT,
		.content_type = SLICE("text/plain"),
		.charset = SLICE_NONE,
		.filename = SLICE_NONE,
		.body = charset_to_utf8(walk->message->arena, SLICE_NONE, body),
	};
}

/* A part, because a message would be parsed for headers that we read ourselves. */
static GMimeObject *parse(char *copy, size_t len)
{
	bytes = (GByteArray){ .data = (guint8 *)copy, .len = (guint)len };
	GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(&bytes);
	g_mime_stream_mem_set_owner((GMimeStreamMem *)stream, FALSE);
	g_mime_parser_init_with_stream(parser, stream);
	GMimeObject *root = g_mime_parser_construct_part(parser, options);
	g_object_unref(stream);
	return root;
}

const char *mime_read(const struct prescan *prescan, struct message *message)
{
	struct walk walk = {
		.raw = slice_skip(message->raw, prescan->start),
		.message = message,
	};

	GMimeObject *root =
		prescan->plain ? NULL : parse(prescan->copy + prescan->start, walk.raw.len);
	GMimeContentType *type = root ? g_mime_object_get_content_type(root) : NULL;
	message->content_type = content_type_name(message->arena, type);
	message->report_type = SLICE_NONE;
	if (root) {
		const char *report_type = g_mime_content_type_get_parameter(type, "report-type");
		message->report_type = lower_cstr(message->arena, report_type);
		walk_all(&walk, root);
		g_object_unref(root);
	}
	if (walk.why)
		return walk.why;
	if (message->part_count == 0)
		read_as_text(&walk);
	message->text = choose_text(message);
	return NULL;
}
