/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: a strict file of `dotted.key = value` lines, `#` comments. An unknown key, a key
 * given twice or a value of the wrong type is an error that names the key and its line. The
 * environment overrides the file: BOUNCED_SMTP_PORT is smtp.port.
 *
 * The table in config.c is the single source of keys, types, defaults and their documentation.
 */
#ifndef BOUNCED_CORE_CONFIG_H
#define BOUNCED_CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/arena.h"
#include "core/err.h"

/* One kind of listening socket; a key that a kind does not have stays empty. */
struct config_listener {
	const char *address; /* several, separated by blanks */
	int64_t port;        /* 0: none */
	const char *tls;     /* off | may | must */
	const char *proxy_networks;
	bool trusted;
	const char *path; /* of a Unix socket; empty: none */
	const char *mode; /* of its file, octal */
};

struct config {
	struct config_listener smtp;
	struct config_listener submission;  /* with STARTTLS */
	struct config_listener submissions; /* with TLS from the first byte */
	struct config_listener lmtp;
	struct config_listener lmtp_unix;
	/* tls.*: files, separated by blanks, as many of the one as of the other */
	const char *tls_certificates;
	const char *tls_keys;
	/* smtp.*: also for the other listeners of mail */
	const char *smtp_hostname; /* in the greeting; empty: gethostname() */
	int64_t smtp_size;         /* announced and enforced */
	bool smtp_pipelining;
	const char *smtp_bare_eol;    /* data | reject */
	int64_t smtp_max_connections; /* of all ingest processes */
	int64_t smtp_prefix_connections;
	int64_t smtp_prefix_rate; /* in a minute */
	const char *smtp_trusted_networks;
	int64_t smtp_command_timeout_ms;
	int64_t smtp_data_timeout_ms;
	int64_t smtp_session_timeout_ms;
	int64_t smtp_error_delay_ms;
	const char
		*smtp_role_names; /* local parts accepted at every bounce domain, space-separated */
	const char *smtp_transcript; /* file that `serve --trace-peer` writes */
	/* http.* */
	const char *http_address;
	int64_t http_port;
	int64_t http_threads;
	/* database.* : libpq connection strings; empty: that of database.dsn */
	const char *database_dsn;
	const char *database_owner_dsn;
	const char *database_ingest_dsn;
	const char *database_api_dsn;
	const char *database_jobs_dsn;
	bool database_allow_unsafe; /* start although fsync or synchronous_commit is off (tests) */
	/* ingest.* */
	int64_t ingest_processes; /* 0: one for two cores */
	int64_t ingest_parsers;   /* parser children of one ingest process */
	/* dnsbl.*: block lists, separated by blanks, each "[name:]zone[=answers]" */
	const char *dnsbl_tag;
	const char *dnsbl_defer;
	const char *dnsbl_refuse;
	int64_t dnsbl_timeout_ms;
	int64_t dnsbl_listed_seconds;
	int64_t dnsbl_clear_seconds;
	/* dns.*, auth.* */
	const char *dns_server;     /* "192.0.2.53" or "192.0.2.53@5353"; empty: the machine's */
	int64_t dns_timeout_ms;     /* for all that is asked about one message */
	const char *auth_reporters; /* file; empty: only the built-in ones */
	const char *auth_authserv_id;
	const char *auth_trusted_peers; /* networks, space-separated */
	/* jobs.*, retention.* */
	int64_t jobs_interval_ms;
	int64_t jobs_maintenance_interval_ms;
	int64_t jobs_retry_ms;
	int64_t retention_raw_days;
	int64_t retention_event_days; /* of reports as well */
	int64_t retention_rollup_days;
	/* parser.* */
	const char *parser_rules_dir; /* the operator's rules; empty: none */
	/* process-wide */
	const char *master_key_file;
	const char *user; /* to become after binding, when started as root; empty: stay */
	const char *log_level;
};

/*
 * Reads `path`; NULL means ./var/bounced.conf, else /etc/bounced/bounced.conf, else defaults only.
 * Text lives in the arena. On ERR_REFUSE *ret_error says what is wrong and where:
 * "var/bounced.conf:3: unknown key smtp.prot".
 */
enum err config_load(const char *path, struct arena *arena, struct config *ret_config,
		     struct slice *ret_error) MUST_CHECK;
/* From text, for tests: no file, no environment. name stands in errors. */
enum err config_parse(struct slice text, const char *name, struct arena *arena,
		      struct config *ret_config, struct slice *ret_error) MUST_CHECK;
/* A copy whose text lives in that arena. */
struct config config_copy(const struct config *config, struct arena *arena);
/* The keys that only a start looks at and that differ, separated by blanks. */
struct slice config_restart_keys(const struct config *running, const struct config *wanted,
				 struct arena *arena);
/* Every key with its value and meaning, as a file that config_load() reads. */
void config_print(const struct config *config, FILE *out);

#endif
