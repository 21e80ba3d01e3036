/* SPDX-License-Identifier: Apache-2.0 */
/* Every numeric limit of the program, with its reason. Sizes in bytes, times in milliseconds. */
#ifndef BOUNCED_CORE_LIMITS_H
#define BOUNCED_CORE_LIMITS_H

/* -- SMTP framing (RFC 5321 4.5.3.1 asks for at least 512, 1000 and 100) -- */

/* A command line with its CRLF. ESMTP parameters make lines longer than 512; SMTPUTF8 paths more.
 */
#define LIMIT_COMMAND_LINE 2048
/* What is read and thrown away of an over-long command line before the connection is closed. */
#define LIMIT_COMMAND_JUNK 65536
/* The SIZE we announce unless configured. Reports return the original, which senders cap at 10 MB.
 */
#define LIMIT_MESSAGE_SIZE 10485760
/* Recipients of one transaction. */
#define LIMIT_RECIPIENTS 100
/* Transactions of one session; senders reconnect without harm. */
#define LIMIT_SESSION_MESSAGES 100
/* Errors of one session until it is closed. */
#define LIMIT_SESSION_ERRORS 20
/* NOOP, RSET and VRFY that are free; each one more counts as an error. */
#define LIMIT_SESSION_IDLE_COMMANDS 20
/* Failed AUTHs of one session until it is closed, and how long each one's reply is held back. */
#define LIMIT_AUTH_FAILURES 3
#define LIMIT_AUTH_DELAY_MS 1000
/* Time from one complete command to the next; also for a TLS handshake, and for a PROXY header. */
#define LIMIT_COMMAND_MS 60000
/* The same while the service is nearly full. */
#define LIMIT_STRESS_COMMAND_MS 15000
/* The service is nearly full from so many percent of its connections on, until fewer than the
 * second number. */
#define LIMIT_STRESS_BEGIN 80
#define LIMIT_STRESS_END   70
/* After an error the session rests for so long: who guesses or errs in a loop goes slowly. */
#define LIMIT_ERROR_DELAY_MS 1000
/* DATA: 60 s, and a second more for each 500 bytes received, at most 10 minutes. */
#define LIMIT_DATA_BASE_MS     60000
#define LIMIT_DATA_BYTES_PER_S 500
#define LIMIT_DATA_MAX_MS      600000
#define LIMIT_SESSION_MS       1800000
/* Replies a client does not read: bytes kept, and how long. */
#define LIMIT_OUTPUT_BUFFER 65536
#define LIMIT_OUTPUT_MS     30000
/* Connections of all ingest processes, and descriptors kept free for the database and children. */
#define LIMIT_CONNECTIONS  10000
#define LIMIT_RESERVED_FDS 64

/* -- acknowledgment -- */

/* From end-of-data to the reply; senders wait 10 minutes (RFC 5321 4.5.3.2.6), balancers less. */
#define LIMIT_REPLY_MS 30000
/* The bytes of messages that a process holds. While more of them wait for their reply, MAIL answers
 * 452; while more do together with those being received, the end of a message larger than a share
 * does, which few reports are. */
#define LIMIT_IN_FLIGHT       (256 * 1024 * 1024)
#define LIMIT_IN_FLIGHT_SHARE (64 * 1024)
/* A batch of the group commit. Past 64 the rate no longer rises (docs/performance.md). */
#define LIMIT_BATCH_MESSAGES 64
#define LIMIT_BATCH_BYTES    (1024 * 1024)

/* -- database -- */

/* Connecting, until given up; and the pause after a failure, doubled up to the second: a database
 * that is back is noticed within seconds. */
#define LIMIT_CONNECT_MS       5000
#define LIMIT_RECONNECT_MIN_MS 100
#define LIMIT_RECONNECT_MAX_MS 2000
/* A batch, until its outcome counts as unknown; less than LIMIT_REPLY_MS, so that 451 can be said.
 * The server ends a statement earlier, so that it lets go of its locks. */
#define LIMIT_COMMIT_MS           20000
#define LIMIT_COMMIT_STATEMENT_MS 15000
/* Times that a batch is tried again after a deadlock. */
#define LIMIT_COMMIT_RETRIES 3
/* How often a committer makes the partitions of the days to come. */
#define LIMIT_PARTITIONS_MS (6 * 60 * 60 * 1000)

/* Days for which the same message, and the same event by another way, count once; the second is
 * also how long a complaint's token may still have its effect. */
#define LIMIT_INGEST_KEY_DAYS 14
#define LIMIT_EVENT_KEY_DAYS  400
/* Days for which a removed suppression is told to who asks for changes. */
#define LIMIT_TOMBSTONE_DAYS 400

/* -- what a message may hold before it is parsed (threats: MIME bombs) -- */

#define LIMIT_HEADERS      1000
#define LIMIT_HEADER_BLOCK (256 * 1024)
#define LIMIT_HEADER       (64 * 1024)
/* Colons in one address header: each may open a group, and GMime recurses per group. */
#define LIMIT_ADDRESS_COLONS 64
/* An address header longer than this is blanked in the copy that GMime sees. */
#define LIMIT_ADDRESS_HEADER 8192
#define LIMIT_BOUNDARY_LINES 2000
#define LIMIT_BOUNDARY       2048
#define LIMIT_PARTS          1000
#define LIMIT_MIME_DEPTH     32
#define LIMIT_EMBEDDED_DEPTH 8
#define LIMIT_RECEIVED       50
/* What readers look at of one decoded text part, and recipients they take from one report. */
#define LIMIT_TEXT_PART         (512 * 1024)
#define LIMIT_REPORT_RECIPIENTS 1000
/* Stored lengths: a diagnostic, any other text of a report. */
#define LIMIT_DIAGNOSTIC  4096
#define LIMIT_REPORT_TEXT 2048
/* What of other systems' numbers one report carries. */
#define LIMIT_IDENTIFIERS 16
/* Token candidates that one message may offer for verification. */
#define LIMIT_TOKEN_CANDIDATES 32

/* -- parser child -- */

#define LIMIT_PARSE_MS 2000
/* Until a new child has compiled its rules and is ready; a sanitized one is slow. */
#define LIMIT_PARSER_START_MS 20000
/* A message that is handed to a child; beyond LIMIT_MESSAGE_SIZE for what files hold. */
#define LIMIT_PARSER_MESSAGE (32 * 1024 * 1024)
#define LIMIT_PARSER_MEMORY  (512UL * 1024 * 1024)
/* An encoded report on its way from the child. */
#define LIMIT_REPORT_WIRE (8 * 1024 * 1024)

/* -- addresses (RFC 5321 4.5.3.1: 64 + 1 + 255; liberal for what reports quote) -- */

#define LIMIT_ADDRESS 1024
#define LIMIT_DOMAIN  255

/* -- DNS, to authenticate what is received -- */

/* Different questions for one message; what comes after them counts as failed. */
#define LIMIT_DNS_QUESTIONS 32
/* A body whose DKIM signatures are verified: it takes a few ms a megabyte, in the event loop. */
#define LIMIT_DKIM_BODY (4 * 1024 * 1024)
/* Records taken of one answer. */
#define LIMIT_DNS_RECORDS 100

/* A feedback report that could not be authenticated for want of an answer is tried again for so
 * long. */
#define LIMIT_PENDING_MS (24 * 60 * 60 * 1000)

/* -- DNS block lists -- */

/* Clients that are asked about at the same time; further ones are not, as if no list had them. */
#define LIMIT_BLOCK_LIST_LOOKUPS 1000
/* Clients whose listings are remembered, by each process. */
#define LIMIT_BLOCK_LIST_CACHE 16384
/* How long at most it is remembered what only some of the lists said. */
#define LIMIT_BLOCK_LIST_RETRY_MS 30000
/* How often at most the log is told that a list fails. */
#define LIMIT_BLOCK_LIST_LOG_MS (10 * 60 * 1000)

/* -- HTTP -- */

#define LIMIT_HTTP_BODY              (4 * 1024 * 1024)
#define LIMIT_HTTP_CONNECTION_MEMORY (32 * 1024)
#define LIMIT_JSON_DEPTH             32
#define LIMIT_CHECK_ADDRESSES        10000
#define LIMIT_PAGE_DEFAULT           100
#define LIMIT_PAGE_MAX               10000
/* A page ends early when it has grown so large, and no answer may be larger than the second: ten
 * thousand events with the longest texts would need 100 MB for each thread. */
#define LIMIT_HTTP_PAGE     (32 * 1024 * 1024)
#define LIMIT_HTTP_RESPONSE (64 * 1024 * 1024)
/* Connections of one API process. */
#define LIMIT_HTTP_CONNECTIONS 1000
/* A connection on which nothing moves; a body may take so long and a second more for each
 * LIMIT_DATA_BYTES_PER_S. */
#define LIMIT_HTTP_IDLE_MS 30000
/* What the database may spend on one request. */
#define LIMIT_HTTP_STATEMENT_MS 30000
/* Rows of one answer of GET /v1/metrics. */
#define LIMIT_METRICS_ROWS 10000

/* -- directory of domains, accounts and keys cached by ingest -- */

#define LIMIT_DIRECTORY_REFRESH_MS 5000
/* Between two refreshes asked for by unknown domains or keys. */
#define LIMIT_DIRECTORY_FORCED_MS 1000

#endif
