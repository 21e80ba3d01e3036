/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenge-response: the recipient's filter wants to know whether a human sent the mail. Some come
 * dressed as a delivery status notification, so this one outbids that reader.
 */
#include "parser/readers.h"
#include "parser/text.h"

/* Products that do nothing else, by what they call themselves. */
static const char *const PRODUCTS[] = {
	"boxbe.com",
	"spamarrest.com",
	"x-boxbe-notice",
	"bluebottle.com",
	"mailblocks.com",
	"sendio",
	"spamlion",
	"qconfirm",
	"choicemail",
	"vanquish.com",
	"cleanmymailbox",
	"mailinblack",
	NULL,
};

static const char *const HEADERS[] = {
	"X-Boxbe-Notice",
	"X-TMDA-Fingerprint",
	"X-Spamarrest-speedcode",
	"X-ChoiceMail-Registration-Request",
	"X-ASK-Info",
	"X-Challenge-Response",
};

/* What they say, in whole phrases that bounces and letters do not use. */
static const char *const PHRASES[] = {
	"sender not pre-approved",
	"click the link below to verify that you are a",
	"prove that you are a human",
	"prove you are a real person",
	"verify that you are a human",
	"verify that you are a real person",
	"verify you are a human",
	"confirm that you are a human",
	"confirm your message by replying",
	"this message requires confirmation",
	"reply to this message to confirm",
	"please reply to this message to have your message delivered",
	"your message is awaiting approval by the recipient",
	"is protected by a challenge-response",
	"challenge/response anti-spam",
	"be added to my approved senders list",
	"add yourself to my list of approved senders",
	"uses an email verification system",
	"your email is being held until you",
	"verify that you are a real live human",
	"requires that you verify that you are",
	"click the link below to complete the verification",
	"authorize yourself as a sender",
	"not on my list of approved senders",
	"only from senders i have approved beforehand",
	"added to my list of approved senders",
	"i'm protecting myself from receiving junk mail",
	"is being held because the address",
	"prouver que vous êtes un humain",
	"prouver que vous n'êtes pas un robot",
	NULL,
};

static bool has_header(const struct message *message)
{
	for (size_t i = 0; i < sizeof(HEADERS) / sizeof(HEADERS[0]); i++) {
		if (header_find(&message->headers, HEADERS[i], 0))
			return true;
	}
	return false;
}

/* "Diagnostic-Code: X-Boxbe-Notice; Sender not pre-approved." */
static bool dressed_as_status(const struct message *message)
{
	const struct part *part = message_part(message, PART_DELIVERY_STATUS);
	return part && (text_has(part->body, PHRASES) || text_has(part->body, PRODUCTS));
}

static void challenge_read(const struct message *message, struct reading *reading)
{
	bool product = has_header(message) || text_header_has(message, "From", PRODUCTS);
	bool phrase = text_has_banner(message, PHRASES) != NULL;

	if ((product || phrase) && dressed_as_status(message))
		reading->score = 96;
	else if (product && phrase)
		reading->score = 70;
	else if (has_header(message) || phrase)
		reading->score = 45;
	if (reading->score > 0)
		reading->kind = REPORT_CHALLENGE;
}

const struct reader reader_challenge = { "challenge", challenge_read };
