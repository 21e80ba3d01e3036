/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/utf8.h"

#define FILE_MAX  (1024 * 1024)
#define MINUTE_MS 60000

enum value_type { VALUE_TEXT, VALUE_INT, VALUE_BOOL };

struct key {
	const char *name;
	enum value_type type;
	size_t offset;
	int64_t low, high;   /* of VALUE_INT */
	const char *preset;  /* as it would stand in the file */
	const char *choices; /* of VALUE_TEXT: allowed words, space-separated; NULL: any */
	const char *meaning;
};

#define TEXT(key, member, preset, choices, meaning)                                              \
	{                                                                                        \
		key, VALUE_TEXT, offsetof(struct config, member), 0, 0, preset, choices, meaning \
	}
#define INT(key, member, low, high, preset, meaning)                                              \
	{                                                                                         \
		key, VALUE_INT, offsetof(struct config, member), low, high, preset, NULL, meaning \
	}
#define BOOL(key, member, preset, meaning)                                                    \
	{                                                                                     \
		key, VALUE_BOOL, offsetof(struct config, member), 0, 0, preset, NULL, meaning \
	}

#define TLS_CHOICES    "off may must"
#define ADDRESSES      "as smtp.address"
#define PROXY_NETWORKS "who connects from there is a proxy and must speak the PROXY protocol"
#define TRUSTED                                                             \
	"reports that arrive here prove themselves; never where mail from " \
	"the internet is passed on"

static const struct key KEYS[] = {
	TEXT("smtp.address", smtp.address, "127.0.0.1", NULL,
	     "IPv4 and IPv6 addresses to listen on, separated by blanks"),
	INT("smtp.port", smtp.port, 0, 65535, "2525", "port to listen on; 0: none"),
	TEXT("smtp.tls", smtp.tls, "may", TLS_CHOICES,
	     "STARTTLS: not offered, offered where tls.certificates are set, or demanded"),
	TEXT("smtp.proxy_networks", smtp.proxy_networks, "", NULL, PROXY_NETWORKS),
	BOOL("smtp.trusted", smtp.trusted, "false", TRUSTED),
	TEXT("smtp.hostname", smtp_hostname, "", NULL,
	     "name in the greeting; empty: the machine's own"),
	INT("smtp.size", smtp_size, 65536, 104857600, "10485760",
	    "largest message in bytes, announced as SIZE"),
	BOOL("smtp.pipelining", smtp_pipelining, "true",
	     "offer PIPELINING; off is the hardened profile"),
	TEXT("smtp.bare_eol", smtp_bare_eol, "data", "data reject",
	     "CR or LF alone in a message: keep it as data, or refuse the message"),
	INT("smtp.max_connections", smtp_max_connections, 1, 100000, "10000",
	    "connections of all ingest processes together"),
	INT("smtp.prefix_connections", smtp_prefix_connections, 0, LIMIT_CONNECTIONS, "50",
	    "connections of one IPv4 address or IPv6 /64; 0: any number"),
	INT("smtp.prefix_rate", smtp_prefix_rate, 0, MINUTE_MS, "600",
	    "connections that it may begin in a minute; 0: any number"),
	TEXT("smtp.trusted_networks", smtp_trusted_networks, "127.0.0.0/8 ::1", NULL,
	     "whom those two do not limit, separated by blanks"),
	INT("smtp.command_timeout_ms", smtp_command_timeout_ms, 100, 3600000, "60000",
	    "from one command to the next, and for a TLS handshake; 15000 at most when the service "
	    "is nearly full"),
	INT("smtp.data_timeout_ms", smtp_data_timeout_ms, 100, LIMIT_DATA_MAX_MS, "60000",
	    "for a message; each 500 bytes give a second more"),
	INT("smtp.session_timeout_ms", smtp_session_timeout_ms, 100, 86400000, "1800000",
	    "for a session in all"),
	INT("smtp.error_delay_ms", smtp_error_delay_ms, 0, 60000, "1000",
	    "rest after each error, unless the service is nearly full"),
	TEXT("smtp.role_names", smtp_role_names, "postmaster abuse fbl unsubscribe noc security",
	     NULL, "local parts accepted at every bounce domain"),
	TEXT("smtp.transcript", smtp_transcript, "", NULL, "file that `serve --trace-peer` writes"),
	TEXT("submission.address", submission.address, "127.0.0.1", NULL, ADDRESSES),
	INT("submission.port", submission.port, 0, 65535, "0",
	    "SMTP with STARTTLS and AUTH, usually on 587; 0: none"),
	TEXT("submission.proxy_networks", submission.proxy_networks, "", NULL, PROXY_NETWORKS),
	TEXT("submissions.address", submissions.address, "127.0.0.1", NULL, ADDRESSES),
	INT("submissions.port", submissions.port, 0, 65535, "0",
	    "SMTP over TLS with AUTH, usually on 465; 0: none"),
	TEXT("submissions.proxy_networks", submissions.proxy_networks, "", NULL, PROXY_NETWORKS),
	TEXT("lmtp.address", lmtp.address, "127.0.0.1", NULL, ADDRESSES),
	INT("lmtp.port", lmtp.port, 0, 65535, "0",
	    "LMTP over TCP, for a mail server in front; 0: none"),
	TEXT("lmtp.tls", lmtp.tls, "off", TLS_CHOICES, "as smtp.tls"),
	TEXT("lmtp.proxy_networks", lmtp.proxy_networks, "", NULL, PROXY_NETWORKS),
	BOOL("lmtp.trusted", lmtp.trusted, "false", TRUSTED),
	TEXT("lmtp_unix.path", lmtp_unix.path, "", NULL, "LMTP on a Unix socket; empty: none"),
	TEXT("lmtp_unix.mode", lmtp_unix.mode, "660", "600 660 666", "who may connect to it"),
	BOOL("lmtp_unix.trusted", lmtp_unix.trusted, "false", TRUSTED),
	TEXT("tls.certificates", tls_certificates, "", NULL,
	     "PEM files, separated by blanks, each with its chain; the first is the default, the "
	     "others are chosen by name (SNI)"),
	TEXT("tls.keys", tls_keys, "", NULL, "the certificates' keys, in the same order"),
	TEXT("http.address", http_address, "127.0.0.1", NULL, "address to listen on"),
	INT("http.port", http_port, 1, 65535, "8080", "port to listen on"),
	INT("http.threads", http_threads, 1, 64, "4",
	    "threads of the API, each with a database connection"),
	TEXT("database.dsn", database_dsn, "dbname=bounced", NULL,
	     "libpq connection string for every role that has none of its own"),
	TEXT("database.owner_dsn", database_owner_dsn, "", NULL,
	     "for migrations and administration"),
	TEXT("database.ingest_dsn", database_ingest_dsn, "", NULL, "for ingest"),
	TEXT("database.api_dsn", database_api_dsn, "", NULL, "for the API"),
	TEXT("database.jobs_dsn", database_jobs_dsn, "", NULL, "for jobs"),
	BOOL("database.allow_unsafe", database_allow_unsafe, "false",
	     "start although fsync or synchronous_commit is off; for tests only"),
	INT("ingest.processes", ingest_processes, 0, 64, "0", "0: one for two cores"),
	INT("ingest.parsers", ingest_parsers, 1, 8, "2", "parser children of one ingest process"),
	INT("jobs.interval_ms", jobs_interval_ms, 10, 3600000, "10000",
	    "how often jobs look for reports to authenticate again and suppressions that end"),
	INT("jobs.maintenance_interval_ms", jobs_maintenance_interval_ms, 10, 86400000, "3600000",
	    "how often they make partitions and delete what is past its retention"),
	INT("jobs.retry_ms", jobs_retry_ms, 1, 3600000, "60000",
	    "before a report is authenticated a second time; then 5, 15, 30, 60 times as long"),
	INT("retention.raw_days", retention_raw_days, 2, 36500, "30",
	    "days for which raw messages are kept"),
	INT("retention.event_days", retention_event_days, 31, 36500, "400",
	    "days for which reports and events are kept, and the rest of their last month"),
	INT("retention.rollup_days", retention_rollup_days, 31, 36500, "400",
	    "days for which the hourly counts behind GET /v1/metrics are kept"),
	TEXT("parser.rules_dir", parser_rules_dir, "", NULL,
	     "folder with rules of your own, before the built-in ones; empty: none"),
	TEXT("dns.server", dns_server, "", NULL,
	     "address[@port] of a resolver; empty: those of /etc/resolv.conf"),
	INT("dns.timeout_ms", dns_timeout_ms, 10, 1000, "1000",
	    "how long a message waits for DNS; without an answer it is not trusted"),
	TEXT("dnsbl.tag", dnsbl_tag, "", NULL,
	     "DNS block lists that clients of smtp.* are looked up in, separated by blanks, each "
	     "[name:]zone[=answers]; who is listed is noted with the report"),
	TEXT("dnsbl.defer", dnsbl_defer, "", NULL,
	     "the same; recipients but valid tokens and the postmaster are put off with 451"),
	TEXT("dnsbl.refuse", dnsbl_refuse, "", NULL,
	     "the same; they are refused with 550, which loses a report for ever"),
	INT("dnsbl.timeout_ms", dnsbl_timeout_ms, 10, 5000, "1000",
	    "how long a list has to answer; without an answer nobody is listed"),
	INT("dnsbl.listed_seconds", dnsbl_listed_seconds, 10, 86400, "900",
	    "how long it is remembered that a client is listed"),
	INT("dnsbl.clear_seconds", dnsbl_clear_seconds, 10, 86400, "300",
	    "how long it is remembered that it is not"),
	TEXT("auth.reporters", auth_reporters, "", NULL,
	     "file with more feedback reporters to believe; empty: only the built-in ones"),
	TEXT("auth.authserv_id", auth_authserv_id, "", NULL,
	     "name in Authentication-Results of the mail exchanger in front; empty: there is none"),
	TEXT("auth.trusted_peers", auth_trusted_peers, "", NULL,
	     "networks of that exchanger, whose Authentication-Results are believed"),
	TEXT("master_key.file", master_key_file, "var/master.key", NULL,
	     "32 bytes in hex that seal the token keys in the database"),
	TEXT("user", user, "", NULL, "user to become after binding, when started as root"),
	TEXT("log.level", log_level, "info", "debug info warning error", "least level written"),
};
#define KEY_COUNT (sizeof(KEYS) / sizeof(KEYS[0]))

/* What a start binds, forks, becomes or opens, and a reload cannot change. */
static const char *const AT_START[] = {
	"smtp.address",     "smtp.port",           "submission.address",
	"submission.port",  "submissions.address", "submissions.port",
	"lmtp.address",     "lmtp.port",           "lmtp_unix.path",
	"lmtp_unix.mode",   "http.address",        "http.port",
	"ingest.processes", "master_key.file",     "user",
};

static const char **text_member(struct config *config, const struct key *key)
{
	return (const char **)(void *)((char *)config + key->offset);
}

static int64_t *int_member(struct config *config, const struct key *key)
{
	return (int64_t *)(void *)((char *)config + key->offset);
}

static bool *bool_member(struct config *config, const struct key *key)
{
	return (bool *)(void *)((char *)config + key->offset);
}

static bool is_choice(const char *choices, struct slice value)
{
	struct slice rest = slice_from_cstr(choices), word;

	while (slice_next_field(&rest, ' ', &word))
		if (slice_equal(word, value))
			return true;
	return false;
}

/* NULL, or what is wrong with the value */
static const char *set_value(struct config *config, const struct key *key, struct slice value,
			     struct arena *arena)
{
	uint64_t number;

	switch (key->type) {
	case VALUE_TEXT:
		if (key->choices != NULL && !is_choice(key->choices, value))
			return arena_printf(arena, "must be one of: %s", key->choices).ptr;
		*text_member(config, key) = arena_cstr(arena, value);
		return NULL;
	case VALUE_INT:
		if (!slice_to_u64(value, &number) || number > INT64_MAX ||
		    (int64_t)number < key->low || (int64_t)number > key->high)
			return arena_printf(arena, "must be a whole number from %lld to %lld",
					    (long long)key->low, (long long)key->high)
				.ptr;
		*int_member(config, key) = (int64_t)number;
		return NULL;
	case VALUE_BOOL:
		if (!slice_equal(value, SLICE("true")) && !slice_equal(value, SLICE("false")))
			return "must be true or false";
		*bool_member(config, key) = slice_equal(value, SLICE("true"));
		return NULL;
	}
	return NULL;
}

static void set_presets(struct config *config, struct arena *arena)
{
	static const struct config_listener none = { "", 0, "off", "", false, "", "" };

	*config = (struct config){
		.smtp = none,
		.submission = none,
		.submissions = none,
		.lmtp = none,
		.lmtp_unix = none,
	};
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (set_value(config, &KEYS[i], slice_from_cstr(KEYS[i].preset), arena) != NULL)
			abort(); /* the table above is wrong */
}

static const struct key *find_key(struct slice name)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (slice_equal(slice_from_cstr(KEYS[i].name), name))
			return &KEYS[i];
	return NULL;
}

static enum err parse_line(struct slice line, struct config *config, unsigned lines_of[KEY_COUNT],
			   unsigned number, struct arena *arena, struct slice *ret_problem)
{
	ptrdiff_t equals = slice_find_byte(line, '=');

	if (equals < 0) {
		*ret_problem = SLICE("expected `key = value`");
		return ERR_REFUSE;
	}
	struct slice name = slice_trim(slice_head(line, (size_t)equals));
	struct slice value = slice_trim(slice_skip(line, (size_t)equals + 1));
	const struct key *key = find_key(name);

	if (key == NULL) {
		*ret_problem = arena_printf(arena, "unknown key %.*s", SLICE_ARG(name));
		return ERR_REFUSE;
	}
	unsigned *first = &lines_of[key - KEYS];

	if (*first != 0) {
		*ret_problem =
			arena_printf(arena, "%s was given in line %u already", key->name, *first);
		return ERR_REFUSE;
	}
	*first = number;
	const char *problem = set_value(config, key, value, arena);

	if (problem != NULL) {
		*ret_problem = arena_printf(arena, "%s %s", key->name, problem);
		return ERR_REFUSE;
	}
	return OK;
}

enum err config_parse(struct slice text, const char *name, struct arena *arena,
		      struct config *ret_config, struct slice *ret_error)
{
	struct config config;
	unsigned lines_of[KEY_COUNT] = { 0 };
	struct slice line, problem = SLICE_NONE;

	set_presets(&config, arena);
	for (unsigned number = 1; slice_next_line(&text, &line); number++) {
		line = slice_trim(line);
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (!utf8_valid(line))
			problem = SLICE("not UTF-8");
		if (!slice_empty(problem) ||
		    parse_line(line, &config, lines_of, number, arena, &problem) != OK) {
			*ret_error = arena_printf(arena, "%s:%u: %.*s", name, number,
						  SLICE_ARG(problem));
			return ERR_REFUSE;
		}
	}
	*ret_config = config;
	return OK;
}

/* smtp.port → BOUNCED_SMTP_PORT */
static const char *environment_value(const struct key *key, struct arena *arena,
				     const char **ret_variable)
{
	char *variable = arena_cstr(arena, arena_printf(arena, "BOUNCED_%s", key->name));

	for (char *c = variable; *c != '\0'; c++) {
		if (*c == '.')
			*c = '_';
		else if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - ('a' - 'A'));
	}
	*ret_variable = variable;
	return getenv(variable);
}

static enum err apply_environment(struct config *config, struct arena *arena,
				  struct slice *ret_error)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *variable;
		const char *value = environment_value(&KEYS[i], arena, &variable);

		if (value == NULL)
			continue;
		const char *problem =
			set_value(config, &KEYS[i], slice_trim(slice_from_cstr(value)), arena);

		if (problem != NULL) {
			*ret_error = arena_printf(arena, "environment variable %s %s", variable,
						  problem);
			return ERR_REFUSE;
		}
	}
	return OK;
}

static enum err read_file(const char *path, struct buf *text, struct arena *arena,
			  struct slice *ret_error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	while (fd >= 0) {
		char *room = buf_reserve(text, 4096);

		if (room == NULL) {
			errno = EFBIG;
			break;
		}
		got = read(fd, room, 4096);
		if (got <= 0)
			break;
		text->len += (size_t)got;
	}
	if (got < 0)
		*ret_error = arena_printf(arena, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return got < 0 ? ERR_REFUSE : OK;
}

static const char *default_path(void)
{
	static const char *const paths[] = { "./var/bounced.conf", "/etc/bounced/bounced.conf" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], F_OK) == 0)
			return paths[i];
	return NULL;
}

enum err config_load(const char *path, struct arena *arena, struct config *ret_config,
		     struct slice *ret_error)
{
	struct config config;
	struct buf text;
	enum err err = OK;

	if (path == NULL)
		path = default_path();
	buf_init(&text, FILE_MAX);
	if (path != NULL)
		err = read_file(path, &text, arena, ret_error);
	if (err == OK)
		err = config_parse(buf_slice(&text), path == NULL ? "defaults" : path, arena,
				   &config, ret_error);
	buf_done(&text);
	if (err == OK)
		err = apply_environment(&config, arena, ret_error);
	if (err == OK)
		*ret_config = config;
	return err;
}

struct config config_copy(const struct config *config, struct arena *arena)
{
	struct config copy = *config;

	for (size_t i = 0; i < KEY_COUNT; i++)
		if (KEYS[i].type == VALUE_TEXT)
			*text_member(&copy, &KEYS[i]) =
				arena_cstr(arena, slice_from_cstr(*text_member(&copy, &KEYS[i])));
	return copy;
}

static bool differs(const struct key *key, struct config *a, struct config *b)
{
	switch (key->type) {
	case VALUE_TEXT:
		return strcmp(*text_member(a, key), *text_member(b, key)) != 0;
	case VALUE_INT:
		return *int_member(a, key) != *int_member(b, key);
	case VALUE_BOOL:
		return *bool_member(a, key) != *bool_member(b, key);
	}
	return false;
}

struct slice config_restart_keys(const struct config *running, const struct config *wanted,
				 struct arena *arena)
{
	struct config a = *running, b = *wanted;
	struct slice names = SLICE_NONE;

	for (size_t i = 0; i < sizeof(AT_START) / sizeof(AT_START[0]); i++) {
		const struct key *key = find_key(slice_from_cstr(AT_START[i]));

		assert(key != NULL);
		if (differs(key, &a, &b))
			names = arena_printf(arena, "%.*s%s%s", SLICE_ARG(names),
					     slice_empty(names) ? "" : " ", key->name);
	}
	return names;
}

void config_print(const struct config *config, FILE *out)
{
	struct config copy = *config;

	for (size_t i = 0; i < KEY_COUNT; i++) {
		const struct key *key = &KEYS[i];

		fprintf(out, "# %s\n%s = ", key->meaning, key->name);
		switch (key->type) {
		case VALUE_TEXT:
			fprintf(out, "%s\n", *text_member(&copy, key));
			break;
		case VALUE_INT:
			fprintf(out, "%lld\n", (long long)*int_member(&copy, key));
			break;
		case VALUE_BOOL:
			fprintf(out, "%s\n", *bool_member(&copy, key) ? "true" : "false");
			break;
		}
	}
}
