/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outcomes of a fallible call, split by what the caller does about them.
 *
 * Broken input from outside is never an error of ours: parsers say so in their own result.
 * Programmer mistakes are assert(), kept in release. Out of memory aborts.
 */
#ifndef BOUNCED_CORE_ERR_H
#define BOUNCED_CORE_ERR_H

enum err {
	OK = 0,
	ERR_RETRY,   /* transient: the same call may succeed later (database away, deadlock) */
	ERR_REFUSE,  /* the input is not acceptable; saying so to whoever gave it is the remedy */
	ERR_MISSING, /* what was named does not exist */
	ERR_FATAL,   /* nothing the caller can do: give up and say why */
};

#define MUST_CHECK                __attribute__((warn_unused_result))
#define PRINTF_LIKE(string, args) __attribute__((format(printf, string, args)))

#endif
