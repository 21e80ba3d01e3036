/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as forgers please, through the header scan, DKIM, DMARC and Authentication-Results: no
 * signature made without the key passes, and nothing waits for ever. The key is one that nobody
 * has.
 */
#include <stdlib.h>

#include "ingest/auth_results.h"
#include "ingest/dkim.h"
#include "ingest/dmarc.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 1024 bits; the private half was never kept. */
static const struct slice KEY =
	SLICE_LITERAL("v=DKIM1; k=rsa; p="
		      "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDVYsEXmxpFe6w+jm3hSVwn"
		      "4Lx18gEBdm75VsmxdNY6I64j0Ba3sS4sn1lZKvp3mYEOQyNE72X73VOZ+eQC"
		      "yMT4Rud6iDT8fb/9tWA5UYSquTAXPSgxgB/l6FpOfdRTZH3dOJ2Qtw4VAFhu"
		      "y292CRuVm//sSiqUPiPUozaNbbTlsQIDAQAB");

static void answer_all(struct dns_table *table)
{
	static const struct slice dmarc = SLICE_LITERAL("v=DMARC1; p=reject");
	const struct dns_question *question;

	while ((question = dns_table_next(table)) != NULL) {
		bool is_key = slice_find(question->name, SLICE("._domainkey.")) >= 0;
		const struct dns_answer answer = { false, is_key ? &KEY : &dmarc, 1 };

		dns_table_answer(table, question, &answer);
	}
}

static void check_own(struct dkim_verifier *verifier, const struct header_scan *scan,
		      struct arena *arena)
{
	struct authentication found = { .from = header_scan_address(scan, SLICE("From"), arena) };
	struct dns_table *table = dns_table_new(arena);

	for (unsigned round = 0; round < 2; round++) {
		found.dkim_count = dkim_verify_message(verifier, scan, table, arena, found.dkim);
		answer_all(table);
	}
	for (size_t i = 0; i < found.dkim_count; i++)
		if (found.dkim[i].result == AUTH_PASS || found.dkim[i].direct_only ||
		    found.dkim[i].result == AUTH_WAITING)
			abort();
	for (unsigned round = 0; round < 3; round++) {
		found.dmarc = dmarc_check(&found, table, arena);
		answer_all(table);
	}
	if (found.dmarc.result == AUTH_PASS || found.dmarc.result == AUTH_WAITING)
		abort();
}

/* A hop's word is believed only for a signature that keeps our rules, over a single From. */
static void check_hop(const struct header_scan *scan, struct arena *arena)
{
	struct authentication found = { 0 };

	if (!auth_results_read(scan, SLICE("mx.front.example"), arena, &found))
		return;
	for (size_t i = 0; i < found.dkim_count; i++)
		if (found.dkim[i].result == AUTH_PASS && header_scan_count(scan, SLICE("From")) > 1)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dkim_verifier *verifier;

	if (size > INPUT_MAX)
		return 0;
	if (verifier == NULL)
		verifier = dkim_verifier_new();
	struct arena *arena = arena_new(0);
	struct header_scan scan = header_scan(slice_from((const char *)data, size), arena);

	if (!slice_empty(header_scan_address(&scan, SLICE("From"), arena)) && scan.ambiguous)
		abort();
	check_own(verifier, &scan, arena);
	check_hop(&scan, arena);
	arena_free(arena);
	return 0;
}
