/* SPDX-License-Identifier: Apache-2.0 */
#include "core/provider.h"

#include <stddef.h>

struct entry {
	struct slice suffix;
	struct slice provider;
};

#define ENTRY(suffix, provider)                                \
	{                                                      \
		SLICE_LITERAL(suffix), SLICE_LITERAL(provider) \
	}

/* Mailbox domains; a suffix fits whole labels only. */
static const struct entry DOMAINS[] = {
	ENTRY("gmail.com", "google"),
	ENTRY("googlemail.com", "google"),
	ENTRY("outlook.com", "microsoft"),
	ENTRY("hotmail.com", "microsoft"),
	ENTRY("live.com", "microsoft"),
	ENTRY("msn.com", "microsoft"),
	ENTRY("hotmail.co.uk", "microsoft"),
	ENTRY("hotmail.fr", "microsoft"),
	ENTRY("hotmail.de", "microsoft"),
	ENTRY("hotmail.it", "microsoft"),
	ENTRY("hotmail.es", "microsoft"),
	ENTRY("live.co.uk", "microsoft"),
	ENTRY("live.fr", "microsoft"),
	ENTRY("live.nl", "microsoft"),
	ENTRY("outlook.de", "microsoft"),
	ENTRY("outlook.fr", "microsoft"),
	ENTRY("yahoo.com", "yahoo"),
	ENTRY("ymail.com", "yahoo"),
	ENTRY("rocketmail.com", "yahoo"),
	ENTRY("yahoo.co.uk", "yahoo"),
	ENTRY("yahoo.fr", "yahoo"),
	ENTRY("yahoo.de", "yahoo"),
	ENTRY("yahoo.it", "yahoo"),
	ENTRY("yahoo.es", "yahoo"),
	ENTRY("yahoo.in", "yahoo"),
	ENTRY("yahoo.co.in", "yahoo"),
	ENTRY("yahoo.com.br", "yahoo"),
	ENTRY("yahoo.ca", "yahoo"),
	ENTRY("aol.com", "yahoo"),
	ENTRY("verizon.net", "yahoo"),
	ENTRY("yahoo.co.jp", "yahoo-japan"),
	ENTRY("icloud.com", "apple"),
	ENTRY("me.com", "apple"),
	ENTRY("mac.com", "apple"),
	ENTRY("comcast.net", "comcast"),
	ENTRY("cox.net", "cox"),
	ENTRY("att.net", "att"),
	ENTRY("sbcglobal.net", "att"),
	ENTRY("bellsouth.net", "att"),
	ENTRY("charter.net", "spectrum"),
	ENTRY("rr.com", "spectrum"),
	ENTRY("gmx.de", "gmx"),
	ENTRY("gmx.net", "gmx"),
	ENTRY("gmx.at", "gmx"),
	ENTRY("gmx.com", "gmx"),
	ENTRY("web.de", "gmx"),
	ENTRY("t-online.de", "t-online"),
	ENTRY("orange.fr", "orange"),
	ENTRY("wanadoo.fr", "orange"),
	ENTRY("free.fr", "free"),
	ENTRY("laposte.net", "laposte"),
	ENTRY("sfr.fr", "sfr"),
	ENTRY("libero.it", "libero"),
	ENTRY("mail.ru", "mailru"),
	ENTRY("bk.ru", "mailru"),
	ENTRY("inbox.ru", "mailru"),
	ENTRY("list.ru", "mailru"),
	ENTRY("yandex.ru", "yandex"),
	ENTRY("yandex.com", "yandex"),
	ENTRY("ya.ru", "yandex"),
	ENTRY("qq.com", "tencent"),
	ENTRY("foxmail.com", "tencent"),
	ENTRY("163.com", "netease"),
	ENTRY("126.com", "netease"),
	ENTRY("docomo.ne.jp", "docomo"),
	ENTRY("ezweb.ne.jp", "kddi"),
	ENTRY("au.com", "kddi"),
	ENTRY("softbank.ne.jp", "softbank"),
	ENTRY("i.softbank.jp", "softbank"),
	ENTRY("naver.com", "naver"),
	ENTRY("proton.me", "proton"),
	ENTRY("protonmail.com", "proton"),
	ENTRY("zoho.com", "zoho"),
	ENTRY("fastmail.com", "fastmail"),
	ENTRY("seznam.cz", "seznam"),
	ENTRY("wp.pl", "wp"),
	ENTRY("onet.pl", "onet"),
	ENTRY("uol.com.br", "uol"),
	ENTRY("terra.com.br", "terra"),
	ENTRY("bigpond.com", "telstra"),
};

/* Hosts that receive or report for domains of others. */
static const struct entry HOSTS[] = {
	ENTRY("google.com", "google"),
	ENTRY("googlemail.com", "google"),
	ENTRY("protection.outlook.com", "microsoft"),
	ENTRY("outlook.com", "microsoft"),
	ENTRY("hotmail.com", "microsoft"),
	ENTRY("yahoodns.net", "yahoo"),
	ENTRY("yahoo.com", "yahoo"),
	ENTRY("yahooinc.com", "yahoo"),
	ENTRY("icloud.com", "apple"),
	ENTRY("apple.com", "apple"),
	ENTRY("comcast.net", "comcast"),
	ENTRY("mimecast.com", "mimecast"),
	ENTRY("pphosted.com", "proofpoint"),
	ENTRY("ppe-hosted.com", "proofpoint"),
	ENTRY("barracudanetworks.com", "barracuda"),
	ENTRY("messagelabs.com", "symantec"),
	ENTRY("iphmx.com", "cisco"),
	ENTRY("trendmicro.com", "trendmicro"),
	ENTRY("secureserver.net", "godaddy"),
	ENTRY("emailsrvr.com", "rackspace"),
	ENTRY("kundenserver.de", "ionos"),
	ENTRY("ionos.com", "ionos"),
	ENTRY("ovh.net", "ovh"),
	ENTRY("zoho.com", "zoho"),
	ENTRY("mail.ru", "mailru"),
	ENTRY("yandex.net", "yandex"),
	ENTRY("yandex.ru", "yandex"),
	ENTRY("qq.com", "tencent"),
	ENTRY("messagingengine.com", "fastmail"),
	ENTRY("mx.cloudflare.net", "cloudflare"),
	ENTRY("amazonaws.com", "amazon"),
	ENTRY("amazonses.com", "amazon"),
};

static bool in_domain(struct slice name, struct slice suffix)
{
	if (!slice_ends_with_nocase(name, suffix))
		return false;
	return name.len == suffix.len || name.ptr[name.len - suffix.len - 1] == '.';
}

static struct slice look_up(const struct entry *entries, size_t count, struct slice name)
{
	if (name.len > 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	for (size_t i = 0; i < count && name.len > 0; i++)
		if (in_domain(name, entries[i].suffix))
			return entries[i].provider;
	return SLICE_NONE;
}

struct slice provider_of(struct slice domain, struct slice host)
{
	struct slice provider = look_up(DOMAINS, sizeof(DOMAINS) / sizeof(DOMAINS[0]), domain);

	if (slice_empty(provider))
		provider = look_up(HOSTS, sizeof(HOSTS) / sizeof(HOSTS[0]), host);
	return slice_empty(provider) ? SLICE("other") : provider;
}
