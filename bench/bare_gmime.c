/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a reader of MIME built on GMime must do: read each file named on standard input
 * and let GMime construct its message. Prints how many parts they had, so that the work is done.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gmime/gmime.h>

#include "bench/spool.h"

/* Decodes the content of a leaf; an embedded message is one that was parsed already. */
static void read_part(GMimeObject *parent, GMimeObject *part, gpointer counter)
{
	(void)parent;
	(*(size_t *)counter)++;
	if (!GMIME_IS_PART(part))
		return;
	GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
	if (!content)
		return;
	GMimeStream *memory = g_mime_stream_mem_new();
	g_mime_data_wrapper_write_to_stream(content, memory);
	g_object_unref(memory);
}

static size_t parse_file(const char *path)
{
	size_t parts = 0;
	GMimeStream *stream = g_mime_stream_file_open(path, "rb", NULL);
	if (!stream)
		die(path, strerror(errno));
	GMimeStream *memory = g_mime_stream_mem_new();
	g_mime_stream_write_to_stream(stream, memory);
	g_mime_stream_reset(memory);
	GMimeParser *parser = g_mime_parser_new_with_stream(memory);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (message) {
		g_mime_message_foreach(message, read_part, &parts);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(memory);
	g_object_unref(stream);
	return parts;
}

int main(void)
{
	char path[4096];
	size_t files = 0;
	size_t parts = 0;
	g_mime_init();
	while (fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		parts += parse_file(path);
		files++;
	}
	g_mime_shutdown();
	printf("%zu files, %zu parts\n", files, parts);
	return 0;
}
