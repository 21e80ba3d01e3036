/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of reports: kinds, actions, reasons with their severity and class, trust.
 * Each table below is the single source of its enum, its words and its meaning.
 */
#ifndef BOUNCED_CORE_REASON_H
#define BOUNCED_CORE_REASON_H

#include <stdbool.h>

#include "core/slice.h"

/* What a message is. */
#define REPORT_KINDS(X)                                                        \
	X(NONE, "none", "not understood, or no report at all")                 \
	X(BOUNCE, "bounce", "delivery failed for good")                        \
	X(DELAY, "delay", "not delivered yet, still being tried")              \
	X(DELIVERED, "delivered", "success report")                            \
	X(COMPLAINT, "complaint", "feedback report of a mailbox provider")     \
	X(AUTOREPLY, "autoreply", "out of office and the like")                \
	X(MDN, "mdn", "read receipt")                                          \
	X(UNSUBSCRIBE, "unsubscribe", "unsubscribe mail")                      \
	X(CHALLENGE, "challenge", "asks the sender to prove that he is human") \
	X(DMARC, "dmarc", "DMARC aggregate report")                            \
	X(TLSRPT, "tlsrpt", "SMTP TLS report")                                 \
	X(QUARANTINED, "quarantined", "could not be read safely; kept raw")

enum report_kind {
#define X(name, word, meaning) REPORT_##name,
	REPORT_KINDS(X)
#undef X
		REPORT_KIND_COUNT
};

/* RFC 3464 2.3.3 */
#define REPORT_ACTIONS(X)         \
	X(NONE, "")               \
	X(FAILED, "failed")       \
	X(DELAYED, "delayed")     \
	X(DELIVERED, "delivered") \
	X(RELAYED, "relayed")     \
	X(EXPANDED, "expanded")

enum report_action {
#define X(name, word) ACTION_##name,
	REPORT_ACTIONS(X)
#undef X
		ACTION_COUNT
};

/* Whether the address will ever work, whatever the first digit of the reply. */
#define SEVERITIES(X)   \
	X(NONE, "none") \
	X(SOFT, "soft") \
	X(HARD, "hard")

enum severity {
#define X(name, word) SEVERITY_##name,
	SEVERITIES(X)
#undef X
		SEVERITY_COUNT
};

/* Whose fault it is. */
#define REASON_CLASSES(X)                   \
	X(NONE, "")                         \
	X(RECIPIENT, "recipient")           \
	X(REPUTATION, "reputation")         \
	X(CONTENT, "content")               \
	X(INFRASTRUCTURE, "infrastructure") \
	X(TRANSIENT, "transient")

enum reason_class {
#define X(name, word) CLASS_##name,
	REASON_CLASSES(X)
#undef X
		CLASS_COUNT
};

/* notaccept is hard only for a 5xx answer: reason_severity() knows. */
#define REASONS(X)                                                                                 \
	X(NONE, "", NONE, NONE, "no reason")                                                       \
	X(USERUNKNOWN, "userunknown", HARD, RECIPIENT, "no such mailbox")                          \
	X(HOSTUNKNOWN, "hostunknown", HARD, RECIPIENT,                                             \
	  "the domain does not exist or takes no mail")                                            \
	X(HASMOVED, "hasmoved", HARD, RECIPIENT, "the mailbox moved")                              \
	X(NOTACCEPT, "notaccept", HARD, RECIPIENT, "the host accepts no mail at all")              \
	X(SUSPEND, "suspend", SOFT, RECIPIENT, "the account exists but is disabled")               \
	X(FILTERED, "filtered", SOFT, RECIPIENT, "refused by the recipient's own filter")          \
	X(MAILBOXFULL, "mailboxfull", SOFT, RECIPIENT, "over quota")                               \
	X(NORELAYING, "norelaying", SOFT, RECIPIENT, "the server does not relay for the domain")   \
	X(SUPPRESSED, "suppressed", SOFT, RECIPIENT,                                               \
	  "on the sending provider's own suppression list")                                        \
	X(EMAILTOOLARGE, "emailtoolarge", SOFT, CONTENT, "larger than the recipient's limit")      \
	X(EXPIRED, "expired", SOFT, TRANSIENT, "retry time ran out")                               \
	X(RATELIMITED, "ratelimited", SOFT, TRANSIENT, "too many connections or messages")         \
	X(ONHOLD, "onhold", SOFT, TRANSIENT, "a bounce whose reason is not decided")               \
	X(UNDEFINED, "undefined", SOFT, TRANSIENT, "a bounce without any diagnostic")              \
	X(NETWORKERROR, "networkerror", SOFT, INFRASTRUCTURE,                                      \
	  "connection, route, DNS or loop error")                                                  \
	X(SYSTEMERROR, "systemerror", SOFT, INFRASTRUCTURE, "fault on the receiving system")       \
	X(SYSTEMFULL, "systemfull", SOFT, INFRASTRUCTURE, "the receiving system's disk is full")   \
	X(MAILERERROR, "mailererror", SOFT, INFRASTRUCTURE, "a local delivery program failed")     \
	X(SECURITYERROR, "securityerror", SOFT, INFRASTRUCTURE, "authentication or TLS refusal")   \
	X(FAILEDSTARTTLS, "failedstarttls", SOFT, INFRASTRUCTURE, "STARTTLS could not be made")    \
	X(SYNTAXERROR, "syntaxerror", SOFT, INFRASTRUCTURE, "SMTP command or syntax error")        \
	X(BLOCKED, "blocked", SOFT, REPUTATION, "the client's IP address is refused")              \
	X(BADREPUTATION, "badreputation", SOFT, REPUTATION, "the sender's reputation is too low")  \
	X(REQUIREPTR, "requireptr", SOFT, REPUTATION, "no or bad reverse DNS")                     \
	X(REJECTED, "rejected", SOFT, REPUTATION, "the envelope sender is refused")                \
	X(AUTHFAILURE, "authfailure", SOFT, REPUTATION, "SPF, DKIM or DMARC failed")               \
	X(SPAMDETECTED, "spamdetected", SOFT, CONTENT, "judged spam")                              \
	X(VIRUSDETECTED, "virusdetected", SOFT, CONTENT, "judged malware")                         \
	X(POLICYVIOLATION, "policyviolation", SOFT, CONTENT, "against the receiver's policy")      \
	X(CONTENTERROR, "contenterror", SOFT, CONTENT, "header or body malformed to the receiver") \
	X(NOTCOMPLIANTRFC, "notcompliantrfc", SOFT, CONTENT, "breaks RFC 5321 or 5322")            \
	X(FEEDBACK, "feedback", NONE, NONE, "a complaint")                                         \
	X(VACATION, "vacation", NONE, NONE, "an auto-reply")                                       \
	X(DELIVERED, "delivered", NONE, NONE, "delivered")

enum reason {
#define X(name, word, severity, class, meaning) REASON_##name,
	REASONS(X)
#undef X
		REASON_COUNT
};

/* Why a report may, or may not, change a suppression list. */
#define TRUSTS(X)                                                               \
	X(UNVERIFIED, "unverified", "anyone could have sent it")                \
	X(LEGACY, "legacy", "an unsigned legacy return path")                   \
	X(FORWARDED, "forwarded", "a valid token, but another final recipient") \
	X(VERIFIED, "verified", "a valid token that fits the recipient")        \
	X(AUTHENTICATED, "authenticated", "handed over with a key, or by an allowed reporter")

enum trust {
#define X(name, word, meaning) TRUST_##name,
	TRUSTS(X)
#undef X
		TRUST_COUNT
};

/* The words. Out-of-range values are programmer mistakes. */
const char *report_kind_word(enum report_kind kind);
const char *report_action_word(enum report_action action);
const char *severity_word(enum severity severity);
const char *reason_class_word(enum reason_class class_);
const char *reason_word(enum reason reason);
const char *trust_word(enum trust trust);

/* Exact, lower case; older Sisimai names (speeding, toomanyconn, exceedlimit, mesgtoobig) map to
 * the newer ones. false for an unknown word. */
bool reason_from_word(struct slice word, enum reason *ret_reason);
bool report_kind_from_word(struct slice word, enum report_kind *ret_kind);

/* permanent: the reply or status begins with 5 */
enum severity reason_severity(enum reason reason, bool permanent);
enum reason_class reason_class(enum reason reason);

#endif
