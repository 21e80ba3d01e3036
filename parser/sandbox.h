/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cage of a parser child: from sandbox_enter() on the process can compute, allocate within
 * LIMIT_PARSER_MEMORY, and read and write descriptors it already has. Opening a file answers EACCES
 * (iconv and the sanitizers try to and go on without); memory cannot be made executable; every
 * other system call kills.
 *
 * Under sanitizers, which reserve terabytes of address space and look after themselves by more
 * system calls, the memory limit is left out and those calls are allowed.
 */
#ifndef BOUNCED_PARSER_SANDBOX_H
#define BOUNCED_PARSER_SANDBOX_H

#include "core/err.h"

/* ERR_FATAL when the kernel refuses: the caller must not read anything then. */
enum err sandbox_enter(void) MUST_CHECK;

#endif
