/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's side of parser/client.h, and the frames that both sides speak over their socketpair:
 * a header of sequence and length (4 bytes each, little-endian), then the bytes.
 *
 * The child first sends the empty frame 0, "ready". Each message comes as a frame with a sequence
 * of its own and is answered by a frame of the same sequence that holds an encoded report
 * (core/report_wire.h). Any violation ends the child.
 */
#ifndef BOUNCED_PARSER_CHILD_H
#define BOUNCED_PARSER_CHILD_H

#include <stdint.h>

#include "core/arena.h"
#include "core/report.h"

/* Where the child finds its socket, and the operator's rules if there are any. */
#define CHILD_FD         3
#define CHILD_RULES_FD   4
#define FRAME_HEADER_LEN 8
#define FRAME_READY      0

struct frame {
	uint32_t sequence;
	uint32_t len;
};

static inline void frame_encode(struct frame frame, unsigned char ret_bytes[FRAME_HEADER_LEN])
{
	const uint32_t words[2] = { frame.sequence, frame.len };

	for (unsigned i = 0; i < FRAME_HEADER_LEN; i++)
		ret_bytes[i] = (unsigned char)(words[i / 4] >> (i % 4 * 8));
}

static inline struct frame frame_decode(const unsigned char bytes[FRAME_HEADER_LEN])
{
	uint32_t words[2] = { 0, 0 };

	for (unsigned i = 0; i < FRAME_HEADER_LEN; i++)
		words[i / 4] |= (uint32_t)bytes[i] << (i % 4 * 8);
	return (struct frame){ .sequence = words[0], .len = words[1] };
}

/* Fills a report from one message. Tests put other functions here. */
typedef void child_parse_fn(void *context, struct slice raw, struct arena *arena,
			    struct report *ret_report);

/* Closes the sandbox, says that it is ready, and answers until the parent hangs up. */
_Noreturn void child_serve(child_parse_fn *parse, void *context);

#endif
