/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/limits.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Computing, allocating, reading and writing; the last row is what abort() needs. */
static const int ALLOWED[] = {
	SCMP_SYS(read),           SCMP_SYS(write),         SCMP_SYS(readv),
	SCMP_SYS(writev),         SCMP_SYS(close),         SCMP_SYS(munmap),
	SCMP_SYS(mremap),         SCMP_SYS(madvise),       SCMP_SYS(brk),
	SCMP_SYS(futex),          SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),      SCMP_SYS(sched_yield),   SCMP_SYS(exit),
	SCMP_SYS(exit_group),     SCMP_SYS(rt_sigreturn),  SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(getpid),        SCMP_SYS(gettid),
};

/* What sanitizers do to print a report. */
static const int ALLOWED_SANITIZERS[] = {
	SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getrlimit),   SCMP_SYS(prlimit64),    SCMP_SYS(tgkill),
	SCMP_SYS(prctl),       SCMP_SYS(getppid),      SCMP_SYS(fcntl),
};

/* Library code that looks for a file goes on when it may not have it. */
static const int REFUSED[] = {
	SCMP_SYS(open),  SCMP_SYS(openat),   SCMP_SYS(stat),       SCMP_SYS(lstat),
	SCMP_SYS(fstat), SCMP_SYS(access),   SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(ioctl), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(faccessat),
};

static int limit(__rlimit_resource_t resource, rlim_t value)
{
	const struct rlimit both = { .rlim_cur = value, .rlim_max = value };
	return setrlimit(resource, &both);
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (seccomp_rule_add(filter, action, calls[i], 0) != 0)
			return -1;
	}
	return 0;
}

#define ADD_ALL(filter, action, calls) \
	add_all((filter), (action), (calls), sizeof(calls) / sizeof((calls)[0]))

/* Memory, but none that can be executed. */
static int add_memory(scmp_filter_ctx filter)
{
	const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };

	for (size_t i = 0; i < 2; i++) {
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0 ||
		    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) != 0)
			return -1;
	}
	return 0;
}

static int load_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (!filter)
		return -1;
	int bad = ADD_ALL(filter, SCMP_ACT_ALLOW, ALLOWED);
	bad |= ADD_ALL(filter, SCMP_ACT_ERRNO(EACCES), REFUSED);
	bad |= add_memory(filter);
	if (SANITIZED)
		bad |= ADD_ALL(filter, SCMP_ACT_ALLOW, ALLOWED_SANITIZERS);
	if (!bad)
		bad = seccomp_load(filter);
	seccomp_release(filter);
	return bad;
}

enum err sandbox_enter(void)
{
	if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_FSIZE, 0) != 0 ||
	    limit(RLIMIT_NPROC, 0) != 0)
		return ERR_FATAL;
	if (!SANITIZED && limit(RLIMIT_AS, LIMIT_PARSER_MEMORY) != 0)
		return ERR_FATAL;
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return ERR_FATAL;
	return load_filter() == 0 ? OK : ERR_FATAL;
}
