/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/verification_guard.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/network.h"

#define MINUTE_MS 60000
#define NEVER     INT64_MIN

struct minute {
	uint32_t good;
	uint32_t bad;
};

/* A network that failed, and when last. */
struct network {
	uint64_t id;
	int64_t minute;
};

struct watched {
	uint64_t domain; /* a digest of its name; 0: free */
	int64_t minute;  /* the newest that is counted */
	int64_t alerted_at;
	struct minute minutes[GUARD_HISTORY_MIN]; /* minute modulo the count */
	struct network networks[GUARD_NETWORKS_MIN];
};

struct verification_guard {
	struct watched domains[GUARD_DOMAINS_MAX];
};

struct verification_guard *verification_guard_new(void)
{
	struct verification_guard *guard = calloc(1, sizeof(*guard));

	if (guard == NULL)
		abort();
	return guard;
}

void verification_guard_free(struct verification_guard *guard)
{
	free(guard);
}

/* Never 0. */
static uint64_t digest(struct slice bytes)
{
	uint8_t sha[SHA256_LEN];
	uint64_t id;

	sha256(bytes, sha);
	memcpy(&id, sha, sizeof(id));
	return id | 1;
}

static uint64_t network_of(struct slice peer)
{
	struct ip_address address;

	if (!ip_parse(peer, &address))
		return digest(peer);
	address = ip_unmap(address);
	return digest(slice_from((const char *)address.bytes, address.v6 ? 6 : 3));
}

static struct watched *find(struct verification_guard *guard, struct slice domain, int64_t minute)
{
	uint64_t id = digest(domain);
	struct watched *oldest = &guard->domains[0];

	for (size_t i = 0; i < GUARD_DOMAINS_MAX; i++) {
		struct watched *watched = &guard->domains[i];

		if (watched->domain == id)
			return watched;
		if (oldest->domain != 0 &&
		    (watched->domain == 0 || watched->minute < oldest->minute))
			oldest = watched;
	}
	*oldest = (struct watched){ .domain = id, .minute = minute, .alerted_at = NEVER };
	for (size_t i = 0; i < GUARD_NETWORKS_MIN; i++)
		oldest->networks[i].minute = NEVER;
	return oldest;
}

/* Forgets what is an hour old. */
static void advance(struct watched *watched, int64_t minute)
{
	int64_t passed = minute - watched->minute;

	for (int64_t i = 1; i <= passed && i <= GUARD_HISTORY_MIN; i++)
		watched->minutes[(watched->minute + i) % GUARD_HISTORY_MIN] =
			(struct minute){ 0, 0 };
	if (passed > 0)
		watched->minute = minute;
}

/* Only whether there are enough of them counts: a new one takes the place of the oldest. */
static void note_network(struct watched *watched, uint64_t id)
{
	struct network *place = &watched->networks[0];

	for (size_t i = 0; i < GUARD_NETWORKS_MIN; i++) {
		if (watched->networks[i].id == id) {
			place = &watched->networks[i];
			break;
		}
		if (watched->networks[i].minute < place->minute)
			place = &watched->networks[i];
	}
	*place = (struct network){ id, watched->minute };
}

static bool many_networks(const struct watched *watched)
{
	for (size_t i = 0; i < GUARD_NETWORKS_MIN; i++)
		if (watched->networks[i].minute == NEVER ||
		    watched->networks[i].minute <= watched->minute - GUARD_WINDOW_MIN)
			return false;
	return true;
}

static bool in_trouble(const struct watched *watched)
{
	uint64_t good[2] = { 0, 0 }, bad[2] = { 0, 0 }; /* in the window, and before it */

	for (int64_t age = 0; age < GUARD_HISTORY_MIN && age <= watched->minute; age++) {
		const struct minute *minute =
			&watched->minutes[(watched->minute - age) % GUARD_HISTORY_MIN];
		unsigned when = age < GUARD_WINDOW_MIN ? 0 : 1;

		good[when] += minute->good;
		bad[when] += minute->bad;
	}
	return bad[0] >= GUARD_FAILURES_MIN && bad[0] > good[0] &&
	       good[1] >= GUARD_HISTORY_GOOD_MIN && good[1] > bad[1] && many_networks(watched);
}

struct guard_state verification_guard_note(struct verification_guard *guard, struct slice domain,
					   struct slice peer, bool verified, int64_t now_ms)
{
	int64_t minute = now_ms / MINUTE_MS;
	struct watched *watched = find(guard, domain, minute);
	struct guard_state state = { false, false };

	advance(watched, minute);
	if (verified) {
		watched->minutes[watched->minute % GUARD_HISTORY_MIN].good++;
	} else {
		watched->minutes[watched->minute % GUARD_HISTORY_MIN].bad++;
		note_network(watched, network_of(peer));
	}
	state.trouble = in_trouble(watched);
	if (state.trouble &&
	    (watched->alerted_at == NEVER || now_ms - watched->alerted_at >= GUARD_ALERT_MS)) {
		state.alert = true;
		watched->alerted_at = now_ms;
	}
	return state;
}
