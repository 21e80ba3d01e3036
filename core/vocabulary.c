/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vocabulary.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include "core/json.h"

/* SparkPost's classes: code, name */
#define SP_NONE         "", ""
#define SP_UNDETERMINED "1", "Undetermined"
#define SP_INVALID      "10", "Invalid Recipient"
#define SP_SOFT         "20", "Soft Bounce"
#define SP_DNS          "21", "DNS Failure"
#define SP_FULL         "22", "Mailbox Full"
#define SP_LARGE        "23", "Too Large"
#define SP_TIMEOUT      "24", "Timeout"
#define SP_ADMIN        "25", "Admin Failure"
#define SP_GENERIC      "40", "Generic Bounce"
#define SP_BLOCK        "50", "Mail Block"
#define SP_SPAM_BLOCK   "51", "Spam Block"
#define SP_SPAM         "52", "Spam Content"
#define SP_ATTACHMENT   "53", "Prohibited Attachment"
#define SP_RELAY        "54", "Relaying Denied"
#define SP_AUTOREPLY    "60", "Auto-Reply"
#define SP_TRANSIENT    "70", "Transient Failure"
#define SP_UNSUBSCRIBE  "90", "Unsubscribe"
#define SP_CHALLENGE    "100", "Challenge-Response"

/* Postmark's types: name, code */
#define PM_NONE        "", ""
#define PM_HARD        "HardBounce", "1"
#define PM_TRANSIENT   "Transient", "2"
#define PM_UNSUBSCRIBE "Unsubscribe", "16"
#define PM_AUTO        "AutoResponder", "64"
#define PM_CHANGE      "AddressChange", "128"
#define PM_DNS         "DnsError", "256"
#define PM_SPAM        "SpamNotification", "512"
#define PM_UNKNOWN     "Unknown", "2048"
#define PM_SOFT        "SoftBounce", "4096"
#define PM_VIRUS       "VirusNotification", "8192"
#define PM_CHALLENGE   "ChallengeVerification", "16384"
#define PM_COMPLAINT   "SpamComplaint", "100001"
#define PM_MANUAL      "ManuallyDeactivated", "100002"
#define PM_BLOCKED     "Blocked", "100006"
#define PM_DMARC       "DMARCPolicy", "100009"

/* SES: bounceType, bounceSubType */
#define SES_NONE       "", ""
#define SES_UNKNOWN    "Undetermined", "Undetermined"
#define SES_PERMANENT  "Permanent", "General"
#define SES_SUPPRESSED "Permanent", "Suppressed"
#define SES_TRANSIENT  "Transient", "General"
#define SES_FULL       "Transient", "MailboxFull"
#define SES_LARGE      "Transient", "MessageTooLarge"
#define SES_CONTENT    "Transient", "ContentRejected"
#define SES_ATTACHMENT "Transient", "AttachmentRejected"

struct row {
	struct vocabulary_class classes[VOCABULARY_COUNT];
};

/* In the order of enum vocabulary; KumoMTA has no second word. */
/* clang-format off */
#define ROW(sparkpost, postmark, ses, kumomta) \
	{ { { "", "" }, { sparkpost }, { postmark }, { ses }, { kumomta, "" } } }
/* clang-format on */

static const struct row REASON_ROWS[REASON_COUNT] = {
	[REASON_NONE] = ROW(SP_NONE, PM_NONE, SES_NONE, ""),
	[REASON_USERUNKNOWN] = ROW(SP_INVALID, PM_HARD, SES_PERMANENT, "InvalidRecipient"),
	[REASON_HOSTUNKNOWN] = ROW(SP_INVALID, PM_DNS, SES_PERMANENT, "BadDomain"),
	[REASON_HASMOVED] = ROW(SP_INVALID, PM_CHANGE, SES_PERMANENT, "InactiveMailbox"),
	[REASON_NOTACCEPT] = ROW(SP_INVALID, PM_HARD, SES_PERMANENT, "BadDomain"),
	[REASON_SUSPEND] = ROW(SP_GENERIC, PM_SOFT, SES_PERMANENT, "InactiveMailbox"),
	[REASON_FILTERED] = ROW(SP_GENERIC, PM_SOFT, SES_CONTENT, "InvalidRecipient"),
	[REASON_MAILBOXFULL] = ROW(SP_FULL, PM_SOFT, SES_FULL, "QuotaIssues"),
	[REASON_NORELAYING] = ROW(SP_RELAY, PM_SOFT, SES_PERMANENT, "RelayDenied"),
	[REASON_SUPPRESSED] = ROW(SP_ADMIN, PM_MANUAL, SES_SUPPRESSED, "InvalidRecipient"),
	[REASON_EMAILTOOLARGE] = ROW(SP_LARGE, PM_SOFT, SES_LARGE, "QuotaIssues"),
	[REASON_EXPIRED] = ROW(SP_TIMEOUT, PM_TRANSIENT, SES_TRANSIENT, "MessageExpired"),
	[REASON_RATELIMITED] = ROW(SP_SOFT, PM_TRANSIENT, SES_TRANSIENT, "TransientFailure"),
	[REASON_ONHOLD] = ROW(SP_GENERIC, PM_UNKNOWN, SES_UNKNOWN, "Uncategorized"),
	[REASON_UNDEFINED] = ROW(SP_UNDETERMINED, PM_UNKNOWN, SES_UNKNOWN, "Uncategorized"),
	[REASON_NETWORKERROR] = ROW(SP_TRANSIENT, PM_TRANSIENT, SES_TRANSIENT, "BadConnection"),
	[REASON_SYSTEMERROR] = ROW(SP_SOFT, PM_SOFT, SES_TRANSIENT, "BadConfiguration"),
	[REASON_SYSTEMFULL] = ROW(SP_SOFT, PM_SOFT, SES_TRANSIENT, "QuotaIssues"),
	[REASON_MAILERERROR] = ROW(SP_GENERIC, PM_SOFT, SES_TRANSIENT, "BadConfiguration"),
	[REASON_SECURITYERROR] = ROW(SP_BLOCK, PM_BLOCKED, SES_TRANSIENT, "AuthenticationFailed"),
	[REASON_FAILEDSTARTTLS] = ROW(SP_SOFT, PM_TRANSIENT, SES_TRANSIENT, "BadConfiguration"),
	[REASON_SYNTAXERROR] = ROW(SP_SOFT, PM_SOFT, SES_TRANSIENT, "ProtocolErrors"),
	[REASON_BLOCKED] = ROW(SP_SPAM_BLOCK, PM_BLOCKED, SES_TRANSIENT, "SpamBlock"),
	[REASON_BADREPUTATION] = ROW(SP_SPAM_BLOCK, PM_BLOCKED, SES_TRANSIENT, "SpamBlock"),
	[REASON_REQUIREPTR] = ROW(SP_BLOCK, PM_BLOCKED, SES_TRANSIENT, "SpamBlock"),
	[REASON_REJECTED] = ROW(SP_BLOCK, PM_BLOCKED, SES_TRANSIENT, "InvalidSender"),
	[REASON_AUTHFAILURE] = ROW(SP_BLOCK, PM_DMARC, SES_CONTENT, "AuthenticationFailed"),
	[REASON_SPAMDETECTED] = ROW(SP_SPAM, PM_SPAM, SES_CONTENT, "SpamContent"),
	[REASON_VIRUSDETECTED] = ROW(SP_ATTACHMENT, PM_VIRUS, SES_ATTACHMENT, "VirusRelated"),
	[REASON_POLICYVIOLATION] = ROW(SP_BLOCK, PM_BLOCKED, SES_CONTENT, "PolicyRelated"),
	[REASON_CONTENTERROR] = ROW(SP_SPAM, PM_SOFT, SES_CONTENT, "ContentRelated"),
	[REASON_NOTCOMPLIANTRFC] = ROW(SP_BLOCK, PM_BLOCKED, SES_CONTENT, "ProtocolErrors"),
	/* Complaints and deliveries are events of their own elsewhere, not bounces of a class. */
	[REASON_FEEDBACK] = ROW(SP_NONE, PM_COMPLAINT, SES_NONE, ""),
	[REASON_VACATION] = ROW(SP_AUTOREPLY, PM_AUTO, SES_NONE, "AutoReply"),
	[REASON_DELIVERED] = ROW(SP_NONE, PM_NONE, SES_NONE, ""),
};

static const struct row DELAY_ROW = ROW(SP_TRANSIENT, PM_TRANSIENT, SES_NONE, "TransientFailure");
static const struct row CHALLENGE_ROW =
	ROW(SP_CHALLENGE, PM_CHALLENGE, SES_NONE, "ChallengeResponse");
static const struct row UNSUBSCRIBE_ROW =
	ROW(SP_UNSUBSCRIBE, PM_UNSUBSCRIBE, SES_NONE, "Unsubscribe");

static const char *const WORDS[VOCABULARY_COUNT] = { [VOCABULARY_NONE] = "",
#define X(name, word) [VOCABULARY_##name] = word,
						     VOCABULARIES(X)
#undef X
};

bool vocabulary_from_word(struct slice word, enum vocabulary *ret_vocabulary)
{
	for (int i = VOCABULARY_NONE + 1; i < VOCABULARY_COUNT; i++) {
		if (slice_equal(word, slice_from_cstr(WORDS[i]))) {
			*ret_vocabulary = (enum vocabulary)i;
			return true;
		}
	}
	return false;
}

const char *vocabulary_word(enum vocabulary vocabulary)
{
	assert(vocabulary < VOCABULARY_COUNT);
	return WORDS[vocabulary];
}

struct vocabulary_class vocabulary_class(enum vocabulary vocabulary, enum report_kind kind,
					 enum reason reason)
{
	const struct row *row = &REASON_ROWS[reason];

	assert(vocabulary < VOCABULARY_COUNT && reason < REASON_COUNT);
	if (kind == REPORT_DELAY)
		row = &DELAY_ROW;
	else if (kind == REPORT_CHALLENGE)
		row = &CHALLENGE_ROW;
	else if (kind == REPORT_UNSUBSCRIBE)
		row = &UNSUBSCRIBE_ROW;
	return row->classes[vocabulary];
}

void vocabulary_names(enum vocabulary vocabulary, struct vocabulary_names *ret_names)
{
	const char *word = vocabulary_word(vocabulary);

	snprintf(ret_names->class_, sizeof(ret_names->class_), "%s_class", word);
	snprintf(ret_names->detail, sizeof(ret_names->detail), "%s_detail", word);
}

void vocabulary_json(struct json_writer *json, enum vocabulary vocabulary, enum report_kind kind,
		     enum reason reason)
{
	struct vocabulary_class class_ = vocabulary_class(vocabulary, kind, reason);
	struct vocabulary_names names;

	if (vocabulary == VOCABULARY_NONE)
		return;
	vocabulary_names(vocabulary, &names);
	json_put_cstr(json, names.class_, class_.class_);
	json_put_cstr(json, names.detail, class_.detail);
}
