/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default policy for what acts at once. Everything that must be counted over days first
 * (mailboxfull, a domain that does not resolve, …) decides nothing here.
 */
#include "ingest/policy.h"

#include "core/status.h"

static const struct slice COMPLAINTS[] = {
	SLICE_LITERAL("abuse"),
	SLICE_LITERAL("fraud"),
	SLICE_LITERAL("opt-out"),
};

/* RFC 7505: 556 and x.1.10 say that the domain takes no mail; a name that does not resolve today
 * may resolve tomorrow. */
static bool is_null_mx(const struct report_recipient *recipient)
{
	struct status_code status;

	return slice_equal(recipient->reply_code, SLICE("556")) ||
	       (status_parse(recipient->status, &status) && status.subject == 1 &&
		status.detail == 10);
}

static struct policy_decision hard_bounce(const struct report_recipient *recipient)
{
	struct policy_decision decision = { false, ORIGIN_BOUNCE, SLICE_LITERAL("all"),
					    SLICE_LITERAL("") };

#define AT_ONCE(word)             \
	decision.suppress = true; \
	decision.policy = SLICE("default/" word)

	if (recipient->reason == REASON_USERUNKNOWN) {
		AT_ONCE("userunknown");
	} else if (recipient->reason == REASON_HASMOVED) {
		AT_ONCE("hasmoved");
	} else if (recipient->reason == REASON_SUPPRESSED) {
		AT_ONCE("suppressed");
	} else if (recipient->reason == REASON_NOTACCEPT && recipient->severity == SEVERITY_HARD) {
		AT_ONCE("notaccept");
	} else if (recipient->reason == REASON_HOSTUNKNOWN && is_null_mx(recipient)) {
		AT_ONCE("hostunknown-null-mx");
	}
#undef AT_ONCE
	return decision;
}

static struct policy_decision complaint(struct slice feedback_type)
{
	for (size_t i = 0; i < sizeof(COMPLAINTS) / sizeof(COMPLAINTS[0]); i++)
		if (slice_equal(feedback_type, COMPLAINTS[i]))
			return (struct policy_decision){ true, ORIGIN_COMPLAINT,
							 SLICE_LITERAL("marketing"),
							 SLICE_LITERAL("default/complaint") };
	return (struct policy_decision){ 0 };
}

struct policy_decision policy_decide(const struct report *report,
				     const struct report_recipient *recipient)
{
	if (report->kind == REPORT_COMPLAINT)
		return complaint(report->feedback_type);
	if (report->kind == REPORT_UNSUBSCRIBE)
		return (struct policy_decision){ true, ORIGIN_UNSUBSCRIBE,
						 SLICE_LITERAL("marketing"),
						 SLICE_LITERAL("default/unsubscribe") };
	/* a bounce may say of another recipient that it was delivered, or is still being tried */
	if (report->kind == REPORT_BOUNCE && recipient != NULL &&
	    (recipient->action == ACTION_FAILED || recipient->action == ACTION_NONE))
		return hard_bounce(recipient);
	return (struct policy_decision){ 0 };
}

int32_t policy_token_days(enum report_kind kind)
{
	if (kind == REPORT_UNSUBSCRIBE)
		return INT32_MAX;
	return kind == REPORT_COMPLAINT ? 400 : 14;
}
