/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory.h"

#include <stdlib.h>

#include <openssl/crypto.h>

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_accounts(const void *a, const void *b)
{
	const struct directory_account *left = a, *right = b;

	return compare_u64(left->id, right->id);
}

static int compare_domains(const void *a, const void *b)
{
	const struct directory_domain *left = a, *right = b;

	return slice_compare(left->name, right->name);
}

static int compare_patterns(const void *a, const void *b)
{
	const struct directory_pattern *left = a, *right = b;
	int by_domain = slice_compare(left->domain, right->domain);

	return by_domain != 0 ? by_domain : compare_u64(left->number, right->number);
}

static int compare_keys(const void *a, const void *b)
{
	const struct directory_token_key *left = a, *right = b;
	int by_account = compare_u64(left->account_id, right->account_id);

	return by_account != 0 ? by_account : compare_u64(left->key_id, right->key_id);
}

static int compare_api_keys(const void *a, const void *b)
{
	const struct directory_api_key *left = a, *right = b;

	return slice_compare(left->id, right->id);
}

/* qsort() and bsearch() must not be given NULL, not even for an empty array. */
static void sort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count > 1)
		qsort(array, count, size, compare);
}

static const void *find(const void *wanted, const void *array, size_t count, size_t size,
			int (*compare)(const void *, const void *))
{
	return count == 0 ? NULL : bsearch(wanted, array, count, size, compare);
}

/* Both arrays are sorted by domain; patterns of an unknown domain belong to nobody. */
static void assign_patterns(struct directory *directory)
{
	size_t next = 0;

	for (size_t i = 0; i < directory->domain_count; i++) {
		struct directory_domain *domain = &directory->domains[i];

		while (next < directory->pattern_count &&
		       slice_compare(directory->patterns[next].domain, domain->name) < 0)
			next++;
		domain->patterns = &directory->patterns[next];
		domain->pattern_count = 0;
		while (next < directory->pattern_count &&
		       slice_equal(directory->patterns[next].domain, domain->name)) {
			domain->pattern_count++;
			next++;
		}
	}
}

void directory_finish(struct directory *directory)
{
	sort(directory->accounts, directory->account_count, sizeof(*directory->accounts),
	     compare_accounts);
	sort(directory->domains, directory->domain_count, sizeof(*directory->domains),
	     compare_domains);
	sort(directory->patterns, directory->pattern_count, sizeof(*directory->patterns),
	     compare_patterns);
	sort(directory->keys, directory->key_count, sizeof(*directory->keys), compare_keys);
	sort(directory->api_keys, directory->api_key_count, sizeof(*directory->api_keys),
	     compare_api_keys);
	if (directory->pattern_count > 0)
		assign_patterns(directory);
}

void directory_free(struct directory *directory)
{
	if (directory == NULL)
		return;
	if (directory->key_count > 0)
		OPENSSL_cleanse(directory->keys, directory->key_count * sizeof(*directory->keys));
	if (directory->pattern_count > 0)
		OPENSSL_cleanse(directory->patterns,
				directory->pattern_count * sizeof(*directory->patterns));
	arena_free(directory->arena);
}

const struct directory_account *directory_account_find(const struct directory *directory,
						       uint64_t id)
{
	struct directory_account wanted = { .id = id };

	return find(&wanted, directory->accounts, directory->account_count,
		    sizeof(*directory->accounts), compare_accounts);
}

const struct directory_domain *directory_domain_find(const struct directory *directory,
						     struct slice name)
{
	struct directory_domain wanted = { .name = name };

	return find(&wanted, directory->domains, directory->domain_count,
		    sizeof(*directory->domains), compare_domains);
}

static const struct directory_token_key *key_find(const struct directory *directory,
						  uint64_t account_id, uint8_t key_id)
{
	struct directory_token_key wanted = { .account_id = account_id, .key_id = key_id };

	return find(&wanted, directory->keys, directory->key_count, sizeof(*directory->keys),
		    compare_keys);
}

const struct directory_token_key *directory_key_find(const struct directory *directory,
						     uint64_t account_id, uint8_t key_id)
{
	const struct directory_token_key *key = key_find(directory, account_id, key_id);

	return key == NULL || key->state == TOKEN_KEY_REVOKED ? NULL : key;
}

bool directory_key_is_revoked(const struct directory *directory, uint64_t account_id,
			      uint8_t key_id)
{
	const struct directory_token_key *key = key_find(directory, account_id, key_id);

	return key != NULL && key->state == TOKEN_KEY_REVOKED;
}

const struct directory_token_key *directory_key_current(const struct directory *directory,
							uint64_t account_id)
{
	for (size_t i = 0; i < directory->key_count; i++)
		if (directory->keys[i].account_id == account_id &&
		    directory->keys[i].state == TOKEN_KEY_CURRENT)
			return &directory->keys[i];
	return NULL;
}

const struct directory_api_key *directory_api_key_find(const struct directory *directory,
						       struct slice id)
{
	struct directory_api_key wanted = { .id = id };

	return find(&wanted, directory->api_keys, directory->api_key_count,
		    sizeof(*directory->api_keys), compare_api_keys);
}
