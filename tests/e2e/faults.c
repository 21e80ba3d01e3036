/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before the program as it is shipped (LD_PRELOAD), makes the n-th call of a kind fail in
 * one of its processes. A test says which by writing to the page that the file $BOUNCED_FAULTS
 * holds; see test_faults.py, which has the same layout. While nothing is armed the calls are only
 * counted.
 *
 * Parser children are given no environment by the program: they get ours here. The page can also
 * run one process's clock ahead, so that a supervisor does not wait long before it starts again
 * what died.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* What dlsym() returns, and the types of sendto() and recvfrom(), are not of ISO C. */
#pragma GCC diagnostic ignored "-Wpedantic"

enum kind { KIND_MEMORY, KIND_READ, KIND_WRITE, KIND_TLS, KIND_DATABASE };

struct page {
	_Atomic int32_t pid; /* of the process that is to meet failures; 0: none */
	_Atomic int32_t kind;
	_Atomic int32_t left;  /* this many calls of that kind are made; the last of them fails */
	_Atomic int32_t ahead; /* milliseconds that the clock is */
};

static struct page nothing;
static struct page *page = &nothing;
static _Atomic int32_t own_pid;

static void learn_pid(void)
{
	own_pid = getpid();
}

__attribute__((constructor)) static void open_page(void)
{
	const char *path = getenv("BOUNCED_FAULTS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *memory = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	if (memory == MAP_FAILED)
		return;
	learn_pid();
	pthread_atfork(NULL, NULL, learn_pid);
	page = memory;
}

/* Whether this call is the one that is to fail. */
static bool fails(enum kind kind)
{
	if (page->pid == 0 || page->pid != own_pid || page->kind != (int32_t)kind)
		return false;
	return atomic_fetch_sub(&page->left, 1) == 1;
}

/* The function that stands behind ours. */
static void *next_function(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (function == NULL)
		abort();
	return function;
}

#define NEXT(name) ((__typeof__(&(name)))next_function(#name))

/* -- memory: dlsym() allocates, so these call the C library by its own names -- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static void *out_of_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t size)
{
	return fails(KIND_MEMORY) ? out_of_memory() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(KIND_MEMORY) ? out_of_memory() : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return fails(KIND_MEMORY) ? out_of_memory() : __libc_realloc(memory, size);
}

/* -- all other calls: the real one, or a failure as it would be reported -- */

/* A function `type name parameters`, called with `arguments`, that fails by returning `failure`. */
#define FAILING(kind, failure, type, name, parameters, arguments) \
	type name parameters                                      \
	{                                                         \
		if (fails(kind))                                  \
			return failure;                           \
		return NEXT(name) arguments;                      \
	}

static int read_error(void)
{
	errno = EIO;
	return -1;
}

#define READING(type, name, parameters, arguments) \
	FAILING(KIND_READ, read_error(), type, name, parameters, arguments)
/* Who cannot write to a stream has lost it: libpq, for one, then waits for what will be read. */
static int broken_pipe(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM)
		shutdown(fd, SHUT_RDWR);
	errno = EPIPE;
	return -1;
}

#define WRITING(type, name, parameters, arguments) \
	FAILING(KIND_WRITE, broken_pipe(fd), type, name, parameters, arguments)

READING(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size))
READING(ssize_t, readv, (int fd, const struct iovec *to, int count), (fd, to, count))
READING(ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags))
READING(ssize_t, recvmsg, (int fd, struct msghdr *to, int flags), (fd, to, flags))
READING(ssize_t, recvfrom,
	(int fd, void *restrict to, size_t size, int flags, struct sockaddr *restrict from,
	 socklen_t *restrict from_len),
	(fd, to, size, flags, from, from_len))

WRITING(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size))
WRITING(ssize_t, writev, (int fd, const struct iovec *from, int count), (fd, from, count))
WRITING(ssize_t, send, (int fd, const void *from, size_t size, int flags), (fd, from, size, flags))
WRITING(ssize_t, sendmsg, (int fd, const struct msghdr *from, int flags), (fd, from, flags))
WRITING(ssize_t, sendto,
	(int fd, const void *from, size_t size, int flags, const struct sockaddr *to,
	 socklen_t to_len),
	(fd, from, size, flags, to, to_len))

static int tls_error(void)
{
	ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
	return -1;
}

FAILING(KIND_TLS, NULL, SSL *, SSL_new, (SSL_CTX * context), (context))
FAILING(KIND_TLS, tls_error(), int, SSL_do_handshake, (SSL * ssl), (ssl))
FAILING(KIND_TLS, tls_error(), int, SSL_read, (SSL * ssl, void *to, int size), (ssl, to, size))
FAILING(KIND_TLS, tls_error(), int, SSL_write, (SSL * ssl, const void *from, int size),
	(ssl, from, size))
FAILING(KIND_TLS, tls_error(), int, SSL_shutdown, (SSL * ssl), (ssl))

#define DATABASE(failure, type, name, parameters, arguments) \
	FAILING(KIND_DATABASE, failure, type, name, parameters, arguments)

DATABASE(NULL, PGconn *, PQconnectdbParams,
	 (const char *const *keywords, const char *const *values, int expand),
	 (keywords, values, expand))
DATABASE(NULL, PGconn *, PQconnectStartParams,
	 (const char *const *keywords, const char *const *values, int expand),
	 (keywords, values, expand))
DATABASE(PGRES_POLLING_FAILED, PostgresPollingStatusType, PQconnectPoll, (PGconn * conn), (conn))
DATABASE(-1, int, PQsetnonblocking, (PGconn * conn, int on), (conn, on))
DATABASE(0, int, PQenterPipelineMode, (PGconn * conn), (conn))
DATABASE(0, int, PQexitPipelineMode, (PGconn * conn), (conn))
DATABASE(0, int, PQpipelineSync, (PGconn * conn), (conn))
DATABASE(-1, int, PQflush, (PGconn * conn), (conn))
DATABASE(0, int, PQconsumeInput, (PGconn * conn), (conn))
DATABASE(NULL, PGresult *, PQgetResult, (PGconn * conn), (conn))
DATABASE(NULL, PGresult *, PQexec, (PGconn * conn, const char *sql), (conn, sql))
DATABASE(NULL, PGresult *, PQprepare,
	 (PGconn * conn, const char *name, const char *sql, int count, const Oid *types),
	 (conn, name, sql, count, types))
DATABASE(0, int, PQsendPrepare,
	 (PGconn * conn, const char *name, const char *sql, int count, const Oid *types),
	 (conn, name, sql, count, types))
DATABASE(NULL, PGresult *, PQexecParams,
	 (PGconn * conn, const char *sql, int count, const Oid *types, const char *const *values,
	  const int *lengths, const int *formats, int binary),
	 (conn, sql, count, types, values, lengths, formats, binary))
DATABASE(0, int, PQsendQueryParams,
	 (PGconn * conn, const char *sql, int count, const Oid *types, const char *const *values,
	  const int *lengths, const int *formats, int binary),
	 (conn, sql, count, types, values, lengths, formats, binary))
DATABASE(NULL, PGresult *, PQexecPrepared,
	 (PGconn * conn, const char *name, int count, const char *const *values, const int *lengths,
	  const int *formats, int binary),
	 (conn, name, count, values, lengths, formats, binary))
DATABASE(0, int, PQsendQueryPrepared,
	 (PGconn * conn, const char *name, int count, const char *const *values, const int *lengths,
	  const int *formats, int binary),
	 (conn, name, count, values, lengths, formats, binary))

/* -- what is no failure -- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = NEXT(clock_gettime)(clock, now);

	if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE) {
		int32_t ahead = page->ahead;
		int64_t ns = now->tv_nsec + ahead % 1000 * INT64_C(1000000);

		now->tv_sec += ahead / 1000 + ns / 1000000000;
		now->tv_nsec = ns % 1000000000;
	}
	return result;
}

#define ENVIRONMENT_MAX 32

int posix_spawn(pid_t *restrict ret_pid, const char *restrict path,
		const posix_spawn_file_actions_t *restrict actions,
		const posix_spawnattr_t *restrict attributes, char *const *restrict argv,
		char *const *restrict environment)
{
	static const char *const names[] = { "LD_PRELOAD=", "BOUNCED_FAULTS=" };
	char *all[ENVIRONMENT_MAX + 1] = { NULL };
	size_t count = 0;

	while (environment[count] != NULL && count < ENVIRONMENT_MAX - 2) {
		all[count] = environment[count];
		count++;
	}
	for (char **entry = environ; *entry != NULL && count < ENVIRONMENT_MAX; entry++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strncmp(*entry, names[i], strlen(names[i])) == 0)
				all[count++] = *entry;
	return NEXT(posix_spawn)(ret_pid, path, actions, attributes, argv, all);
}
