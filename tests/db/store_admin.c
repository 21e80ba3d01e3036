/* SPDX-License-Identifier: Apache-2.0 */
/* Administration, and the directory that ingest loads of it. */
#include "tests/db/database.h"

#include <poll.h>
#include <string.h>

#include "store/admin.h"
#include "store/api_key.h"
#include "store/directory.h"

#define PATIENCE_MS 20000

static const uint8_t MASTER_KEY[SECRETBOX_KEY_LEN] = { 1, 2, 3 };
static const uint8_t OTHER_KEY[SECRETBOX_KEY_LEN] = { 9 };

struct fixture {
	struct database *database;
	struct admin admin;
	struct slice error;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->database = database_new();
	fixture->admin =
		(struct admin){ .pg = fixture->database->pg, .arena = fixture->database->arena };
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	database_free(fixture->database);
	free(fixture);
	return 0;
}

static void accounts(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_account *list;
	struct admin_account found;
	size_t count;
	uint64_t id;

	assert_int_equal(
		admin_account_create(admin, SLICE("three"), ACCOUNT_OBSERVE, &id, &fixture->error),
		OK);
	assert_int_equal(id, 3);
	assert_int_equal(
		admin_account_create(admin, SLICE("three"), ACCOUNT_ENFORCE, &id, &fixture->error),
		ERR_REFUSE);
	assert_true(slice_find(fixture->error, SLICE("three")) >= 0);
	assert_int_equal(
		admin_account_create(admin, SLICE(" "), ACCOUNT_ENFORCE, &id, &fixture->error),
		ERR_REFUSE);

	assert_int_equal(admin_account_list(admin, &list, &count, &fixture->error), OK);
	assert_int_equal(count, 4);
	assert_true(slice_equal(list[0].name, SLICE("operator")) && list[0].id == 0);
	assert_true(slice_equal(list[3].name, SLICE("three")) && list[3].id == 3);
	assert_int_equal(list[3].mode, ACCOUNT_OBSERVE);
	assert_false(list[3].accept_unverified);

	assert_int_equal(admin_account_find(admin, SLICE("two"), &found, &fixture->error), OK);
	assert_int_equal(found.id, 2);
	assert_int_equal(admin_account_find(admin, SLICE("2"), &found, &fixture->error), OK);
	assert_true(slice_equal(found.name, SLICE("two")));
	assert_int_equal(admin_account_find(admin, SLICE("nobody"), &found, &fixture->error),
			 ERR_MISSING);
	assert_true(slice_find(fixture->error, SLICE("nobody")) >= 0);
}

static void domains(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_domain *list;
	size_t count;

	assert_int_equal(admin_domain_add(admin,
					  SLICE("B\xc3\xbc"
						"cher.Example."),
					  1, REJECT_INVALID_ACCEPT, &fixture->error),
			 OK);
	assert_int_equal(
		admin_domain_add(admin, SLICE("a.example"), 0, REJECT_INVALID_550, &fixture->error),
		OK);
	assert_int_equal(admin_domain_add(admin, SLICE("xn--bcher-kva.example"), 1,
					  REJECT_INVALID_550, &fixture->error),
			 OK);
	assert_int_equal(
		admin_domain_add(admin, SLICE("a.example"), 2, REJECT_INVALID_550, &fixture->error),
		ERR_REFUSE);
	assert_true(slice_find(fixture->error, SLICE("belongs to account 0")) >= 0);
	assert_int_equal(admin_domain_add(admin, SLICE("b.example"), 99, REJECT_INVALID_550,
					  &fixture->error),
			 ERR_MISSING);
	assert_int_equal(
		admin_domain_add(admin, SLICE("no domain"), 1, REJECT_INVALID_550, &fixture->error),
		ERR_REFUSE);

	assert_int_equal(admin_domain_list(admin, &list, &count, &fixture->error), OK);
	assert_int_equal(count, 2);
	assert_true(slice_equal(list[0].name, SLICE("a.example")));
	assert_true(slice_equal(list[1].name, SLICE("xn--bcher-kva.example")));
	assert_int_equal(list[1].account_id, 1);
	assert_int_equal(list[1].reject_invalid, REJECT_INVALID_550);
}

static void api_keys(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_api_key_spec spec = { .account_id = 1,
					   .name = SLICE("platform"),
					   .scopes = API_SCOPE_READ | API_SCOPE_INGEST,
					   .expires_at = TIME_NONE };
	struct admin_api_key *list;
	struct api_key_text key;
	struct slice text;
	size_t count;

	assert_int_equal(admin_api_key_create(admin, &spec, &text, &fixture->error), OK);
	assert_true(api_key_read(text, &key));
	assert_int_equal(admin_api_key_list(admin, &list, &count, &fixture->error), OK);
	assert_int_equal(count, 1);
	assert_true(slice_equal(list[0].id, key.id));
	assert_true(slice_equal(list[0].name, SLICE("platform")));
	assert_int_equal(list[0].scopes, API_SCOPE_READ | API_SCOPE_INGEST);
	assert_true(list[0].expires_at == TIME_NONE && list[0].revoked_at == TIME_NONE);
	assert_string_equal(database_text(fixture->database, "SELECT scopes::text FROM api_key"),
			    "{read,ingest}");

	/* Only the digest is there. */
	struct slice secret = slice_skip(text, API_KEY_TEXT_LEN - API_KEY_SECRET_LEN);
	const char *query = arena_printf(fixture->database->arena,
					 "SELECT count(*) FROM api_key k"
					 " WHERE secret_sha256 = sha256('%.*s') AND"
					 " position('%.*s' IN k::text) = 0",
					 SLICE_ARG(secret), SLICE_ARG(secret))
				    .ptr;
	assert_int_equal(database_number(fixture->database, query), 1);

	assert_int_equal(admin_api_key_revoke(admin, key.id, &fixture->error), OK);
	assert_int_equal(admin_api_key_list(admin, &list, &count, &fixture->error), OK);
	int64_t revoked_at = list[0].revoked_at;
	assert_true(revoked_at != TIME_NONE);
	assert_int_equal(admin_api_key_revoke(admin, key.id, &fixture->error), OK);
	assert_int_equal(admin_api_key_list(admin, &list, &count, &fixture->error), OK);
	assert_true(list[0].revoked_at == revoked_at);
	assert_int_equal(admin_api_key_revoke(admin, SLICE("nosuchkey"), &fixture->error),
			 ERR_MISSING);

	spec.scopes = 0;
	assert_int_equal(admin_api_key_create(admin, &spec, &text, &fixture->error), ERR_REFUSE);
	spec.scopes = API_SCOPE_ADMIN;
	spec.account_id = 99;
	assert_int_equal(admin_api_key_create(admin, &spec, &text, &fixture->error), ERR_MISSING);
}

static void token_keys(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_token_key first, second;
	struct admin_token_key *list;
	size_t count;

	assert_int_equal(admin_token_key_create(admin, 1, MASTER_KEY, &first, &fixture->error), OK);
	assert_int_equal(first.key_id, 0);
	assert_int_equal(first.state, TOKEN_KEY_CURRENT);
	assert_int_equal(admin_token_key_create(admin, 1, MASTER_KEY, &second, &fixture->error),
			 OK);
	assert_int_equal(second.key_id, 1);
	assert_int_equal(second.state, TOKEN_KEY_NEXT);
	assert_int_equal(admin_token_key_create(admin, 99, MASTER_KEY, &second, &fixture->error),
			 ERR_MISSING);
	assert_int_equal(admin_token_key_list(admin, &list, &count, &fixture->error), OK);
	assert_int_equal(count, 2);
	assert_true(list[1].key_id == 1 && list[1].retired_at == TIME_NONE);

	database_run(admin->pg, "UPDATE token_key SET key_id = 255 WHERE key_id = 1");
	assert_int_equal(admin_token_key_create(admin, 1, MASTER_KEY, &second, &fixture->error),
			 ERR_REFUSE);
}

static const char *const STATES =
	"SELECT string_agg(state, ' ' ORDER BY key_id) FROM token_key WHERE account_id = 1";

static void a_token_keys_life(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct token_key_place place = { .account_id = 1, .key_id = 1 };
	struct admin_token_key key;
	uint8_t secret[TOKEN_KEY_LEN], again[TOKEN_KEY_LEN];

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			admin_token_key_create(admin, 1, MASTER_KEY, &key, &fixture->error), OK);
	assert_string_equal(database_text(fixture->database, STATES), "current next");

	/* one process knows it, another does not; a third has ended */
	database_run(admin->pg,
		     "INSERT INTO ingest_process VALUES"
		     " (gen_random_uuid(), 'a.example', 11, now(), '{1/1,2/7}'),"
		     " (gen_random_uuid(), 'b.example', 22, now(), '{1/11,2/1}'),"
		     " (gen_random_uuid(), 'c.example', 33, now() - interval '1 hour', '{}')");
	assert_int_equal(admin_token_key_activate(admin, place, false, &key, &fixture->error),
			 ERR_REFUSE);
	assert_true(slice_find(fixture->error, SLICE("b.example (process 22)")) >= 0);
	assert_true(slice_find(fixture->error, SLICE("a.example")) < 0);
	assert_true(slice_find(fixture->error, SLICE("c.example")) < 0);
	assert_string_equal(database_text(fixture->database, STATES), "current next");
	database_run(admin->pg, "UPDATE ingest_process SET next_keys = '{1/1}' WHERE pid = 22");
	assert_int_equal(admin_token_key_activate(admin, place, false, &key, &fixture->error), OK);
	assert_int_equal(key.state, TOKEN_KEY_CURRENT);
	assert_string_equal(database_text(fixture->database, STATES), "retired current");
	assert_int_equal(database_number(fixture->database,
					 "SELECT count(*) FROM token_key WHERE key_id = 0"
					 " AND retired_at IS NOT NULL"),
			 1);
	assert_int_equal(admin_token_key_activate(admin, place, true, &key, &fixture->error),
			 ERR_REFUSE);
	assert_true(slice_find(fixture->error, SLICE("is current")) >= 0);

	/* forced: nobody knows the third one */
	assert_int_equal(admin_token_key_create(admin, 1, MASTER_KEY, &key, &fixture->error), OK);
	place.key_id = 2;
	assert_int_equal(admin_token_key_activate(admin, place, false, &key, &fixture->error),
			 ERR_REFUSE);
	assert_int_equal(admin_token_key_activate(admin, place, true, &key, &fixture->error), OK);
	assert_string_equal(database_text(fixture->database, STATES), "retired retired current");

	assert_int_equal(
		admin_token_key_export(admin, place, MASTER_KEY, &key, secret, &fixture->error),
		OK);
	assert_int_equal(
		admin_token_key_export(admin, place, MASTER_KEY, &key, again, &fixture->error), OK);
	assert_memory_equal(secret, again, TOKEN_KEY_LEN);
	assert_int_equal(
		admin_token_key_export(admin, place, OTHER_KEY, &key, again, &fixture->error),
		ERR_REFUSE);

	place.key_id = 0;
	assert_int_equal(admin_token_key_revoke(admin, place, &key, &fixture->error), OK);
	assert_int_equal(admin_token_key_revoke(admin, place, &key, &fixture->error), OK);
	assert_int_equal(admin_token_key_retire(admin, place, &key, &fixture->error), ERR_REFUSE);
	assert_int_equal(
		admin_token_key_export(admin, place, MASTER_KEY, &key, again, &fixture->error),
		ERR_REFUSE);
	place.key_id = 2;
	assert_int_equal(admin_token_key_retire(admin, place, &key, &fixture->error), OK);
	assert_int_equal(key.state, TOKEN_KEY_RETIRED);
	assert_string_equal(database_text(fixture->database, STATES), "revoked retired retired");
	place.key_id = 9;
	assert_int_equal(admin_token_key_retire(admin, place, &key, &fixture->error), ERR_MISSING);
	assert_int_equal(admin_token_key_revoke(admin, place, &key, &fixture->error), ERR_MISSING);
	assert_int_equal(admin_token_key_activate(admin, place, true, &key, &fixture->error),
			 ERR_MISSING);
}

static struct directory_pattern pattern(const char *domain, const char *template)
{
	return (struct directory_pattern){ .domain = slice_from_cstr(domain),
					   .template_ = slice_from_cstr(template),
					   .expires_at = 1800000000000 };
}

static void legacy_patterns(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct directory_pattern item = pattern("nowhere.example", "b-{ref}");
	struct admin_pattern *list;
	size_t count;

	assert_int_equal(admin_pattern_add(admin, MASTER_KEY, &item, &fixture->error), ERR_MISSING);
	assert_int_equal(admin_domain_add(admin, SLICE("own.example"), 1, REJECT_INVALID_550,
					  &fixture->error),
			 OK);
	assert_int_equal(admin_domain_add(admin, SLICE("shared.example"), 0, REJECT_INVALID_550,
					  &fixture->error),
			 OK);
	item = pattern("shared.example", "b-{ref}");
	assert_int_equal(admin_pattern_add(admin, MASTER_KEY, &item, &fixture->error), ERR_REFUSE);

	for (unsigned i = 1; i <= 8; i++) {
		char template[16];

		snprintf(template, sizeof(template), "b%u-{ref}", i);
		item = pattern("OWN.example.", template);
		assert_int_equal(admin_pattern_add(admin, MASTER_KEY, &item, &fixture->error), OK);
		assert_int_equal(item.number, i);
	}
	item = pattern("own.example", "b9-{ref}");
	assert_int_equal(admin_pattern_add(admin, MASTER_KEY, &item, &fixture->error), ERR_REFUSE);
	assert_int_equal(admin_pattern_remove(admin, SLICE("Own.example"), 3, &fixture->error), OK);
	assert_int_equal(admin_pattern_remove(admin, SLICE("own.example"), 3, &fixture->error),
			 ERR_MISSING);
	item = pattern("own.example", "b4-{ref}");
	assert_int_equal(admin_pattern_add(admin, MASTER_KEY, &item, &fixture->error), ERR_REFUSE);
	item.template_ = SLICE("s-{ref}-{hmac}");
	item.covers = SLICE("{ref}");
	item.algorithm = PATTERN_HMAC_SHA1;
	item.mac_digits = 10;
	memcpy(item.secret, "secret", item.secret_len = 6);
	item.expires_at = TIME_NONE;
	assert_int_equal(admin_pattern_add(admin, MASTER_KEY, &item, &fixture->error), OK);
	assert_int_equal(item.number, 3);

	assert_int_equal(admin_pattern_list(admin, &list, &count, &fixture->error), OK);
	assert_int_equal(count, 8);
	assert_true(slice_equal(list[0].pattern.domain, SLICE("own.example")));
	assert_true(list[0].pattern.expires_at == 1800000000000);
	assert_int_equal(list[2].pattern.algorithm, PATTERN_HMAC_SHA1);
	assert_true(list[2].pattern.expires_at == TIME_NONE);
	assert_true(slice_equal(list[2].pattern.covers, SLICE("{ref}")));
	assert_int_equal(database_number(fixture->database,
					 "SELECT count(*) FROM legacy_pattern p"
					 " WHERE position('secret'::bytea IN secret_box) > 0"),
			 0);
}

static void settings(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_account account;
	struct admin_domain domain;

	assert_int_equal(admin_account_find(admin, SLICE("one"), &account, &fixture->error), OK);
	account.mode = ACCOUNT_OBSERVE;
	account.accept_unverified = true;
	assert_int_equal(admin_account_save(admin, &account, &fixture->error), OK);
	assert_int_equal(admin_account_find(admin, SLICE("one"), &account, &fixture->error), OK);
	assert_true(account.mode == ACCOUNT_OBSERVE && account.accept_unverified);
	assert_int_equal(admin_account_find(admin, SLICE("two"), &account, &fixture->error), OK);
	assert_true(account.mode == ACCOUNT_ENFORCE && !account.accept_unverified);
	account.id = 99;
	assert_int_equal(admin_account_save(admin, &account, &fixture->error), ERR_MISSING);

	assert_int_equal(admin_domain_find(admin, SLICE("own.example"), &domain, &fixture->error),
			 ERR_MISSING);
	assert_int_equal(admin_domain_add(admin, SLICE("own.example"), 1, REJECT_INVALID_550,
					  &fixture->error),
			 OK);
	assert_int_equal(admin_domain_find(admin, SLICE("OWN.example"), &domain, &fixture->error),
			 OK);
	assert_true(domain.account_id == 1 && domain.reject_invalid == REJECT_INVALID_550);
}

static void without_database(void **state)
{
	struct fixture *fixture = *state;
	struct admin admin = { .pg = pg_new("host=/nonexistent dbname=nowhere", 0),
			       .arena = fixture->database->arena };
	struct admin_account *list;
	size_t count;

	assert_int_equal(admin_account_list(&admin, &list, &count, &fixture->error), ERR_RETRY);
	assert_false(slice_empty(fixture->error));
	pg_free(admin.pg);
}

/* -- the directory -- */

static enum directory_step turn(struct directory_loader *loader, struct directory **ret_directory)
{
	struct pollfd poll_fd = { .fd = directory_loader_fd(loader), .events = POLLIN };

	if (directory_loader_wants_write(loader))
		poll_fd.events |= POLLOUT;
	poll(&poll_fd, 1, 20);
	return directory_loader_step(loader, time_monotonic_ms(), ret_directory);
}

static enum directory_step load(struct directory_loader *loader, struct directory **ret_directory)
{
	int64_t give_up = time_monotonic_ms() + PATIENCE_MS;
	enum directory_step step = DIRECTORY_WAIT;

	directory_loader_request(loader);
	while (step == DIRECTORY_WAIT && time_monotonic_ms() < give_up)
		step = turn(loader, ret_directory);
	return step;
}

static void a_directory_has_what_was_administered(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_token_key keys[2];
	struct directory *directory;

	assert_int_equal(admin_domain_add(admin, SLICE("bounce.example"), 2, REJECT_INVALID_550,
					  &fixture->error),
			 OK);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
			admin_token_key_create(admin, 2, MASTER_KEY, &keys[i], &fixture->error),
			OK);
	database_run(admin->pg, "UPDATE account SET mode = 'observe', accept_unverified = true"
				" WHERE account_id = 1");

	struct directory_loader *loader = directory_loader_new(
		database_dsn_as(fixture->database, "bounced_ingest"), MASTER_KEY);
	assert_int_equal(load(loader, &directory), DIRECTORY_LOADED);
	assert_int_equal(directory->account_count, 3);
	assert_int_equal(directory_account_find(directory, 1)->mode, ACCOUNT_OBSERVE);
	assert_true(directory_account_find(directory, 1)->accept_unverified);
	assert_int_equal(directory_account_find(directory, 2)->mode, ACCOUNT_ENFORCE);
	const struct directory_domain *domain =
		directory_domain_find(directory, SLICE("bounce.example"));
	assert_non_null(domain);
	assert_int_equal(domain->account_id, 2);
	assert_int_equal(domain->reject_invalid, REJECT_INVALID_550);
	assert_int_equal(directory->key_count, 2);
	assert_int_equal(directory_key_current(directory, 2)->key_id, 0);
	assert_memory_not_equal(directory_key_find(directory, 2, 0)->secret,
				directory_key_find(directory, 2, 1)->secret, TOKEN_KEY_LEN);
	struct directory_token_key key = *directory_key_find(directory, 2, 0);
	directory_free(directory);

	/* The same connection again: the same key, and what was added meanwhile. */
	assert_int_equal(admin_domain_add(admin, SLICE("b.example"), 0, REJECT_INVALID_ACCEPT,
					  &fixture->error),
			 OK);
	assert_int_equal(load(loader, &directory), DIRECTORY_LOADED);
	assert_memory_equal(directory_key_find(directory, 2, 0)->secret, key.secret, TOKEN_KEY_LEN);
	assert_non_null(directory_domain_find(directory, SLICE("b.example")));
	assert_true(directory->loaded_at <= time_monotonic_ms());
	directory_free(directory);
	directory_loader_free(loader);
}

/* A loader that announces itself says with each load what the one before brought. */
static void a_loader_confirms_next_keys(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_token_key key;
	struct directory *directory;

	assert_int_equal(admin_token_key_create(admin, 1, MASTER_KEY, &key, &fixture->error), OK);
	assert_int_equal(admin_token_key_create(admin, 1, MASTER_KEY, &key, &fixture->error), OK);
	assert_int_equal(admin_token_key_create(admin, 1, OTHER_KEY, &key, &fixture->error), OK);
	struct directory_loader *loader = directory_loader_new(
		database_dsn_as(fixture->database, "bounced_ingest"), MASTER_KEY);
	directory_loader_announce(loader);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(load(loader, &directory), DIRECTORY_LOADED);
		directory_free(directory);
		assert_string_equal(database_text(fixture->database,
						  "SELECT next_keys::text FROM ingest_process"),
				    i == 0 ? "{}" : "{1/1}");
	}
	struct token_key_place place = { .account_id = 1, .key_id = 1 };
	assert_int_equal(admin_token_key_activate(admin, place, false, &key, &fixture->error), OK);
	place.key_id = 2; /* this process cannot open it */
	assert_int_equal(admin_token_key_activate(admin, place, false, &key, &fixture->error),
			 ERR_REFUSE);
	directory_loader_free(loader);
}

static void retired_keys_end_and_patterns_are_loaded(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_token_key key;
	struct directory_pattern item = pattern("own.example", "b-{ref}");
	struct directory *directory;

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			admin_token_key_create(admin, 1, MASTER_KEY, &key, &fixture->error), OK);
	database_run(admin->pg, "UPDATE token_key SET state = 'retired',"
				" retired_at = now() - (399 + 2 * key_id) * interval '1 day'"
				" WHERE key_id < 2");
	assert_int_equal(admin_domain_add(admin, SLICE("own.example"), 1, REJECT_INVALID_550,
					  &fixture->error),
			 OK);
	assert_int_equal(admin_pattern_add(admin, MASTER_KEY, &item, &fixture->error), OK);
	item = (struct directory_pattern){ .domain = SLICE("own.example"),
					   .template_ = SLICE("s-{ref}-{hmac}"),
					   .covers = SLICE("{ref}"),
					   .algorithm = PATTERN_HMAC_SHA256,
					   .mac_digits = 10,
					   .secret = "secret",
					   .secret_len = 6,
					   .expires_at = TIME_NONE };
	assert_int_equal(admin_pattern_add(admin, MASTER_KEY, &item, &fixture->error), OK);
	item.template_ = SLICE("t-{ref}-{hmac}");
	assert_int_equal(admin_pattern_add(admin, OTHER_KEY, &item, &fixture->error), OK);

	struct directory_loader *loader =
		directory_loader_new(database_dsn_as(fixture->database, "bounced_api"), MASTER_KEY);
	assert_int_equal(load(loader, &directory), DIRECTORY_LOADED);
	assert_int_equal(directory_key_find(directory, 1, 0)->state, TOKEN_KEY_RETIRED);
	assert_null(directory_key_find(directory, 1, 1));
	assert_true(directory_key_is_revoked(directory, 1, 1));
	assert_false(directory_key_is_revoked(directory, 1, 0));
	assert_false(directory_key_is_revoked(directory, 1, 9));
	const struct directory_domain *domain =
		directory_domain_find(directory, SLICE("own.example"));
	/* the third one does not open */
	assert_int_equal(domain->pattern_count, 2);
	assert_true(slice_equal(domain->patterns[0].template_, SLICE("b-{ref}")));
	assert_true(domain->patterns[0].expires_at == 1800000000000);
	assert_int_equal(domain->patterns[1].secret_len, 6);
	assert_memory_equal(domain->patterns[1].secret, "secret", 6);
	directory_free(directory);
	directory_loader_free(loader);
}

static void keys_of_another_master_or_place_stay_closed(void **state)
{
	struct fixture *fixture = *state;
	struct admin *admin = &fixture->admin;
	struct admin_token_key key;
	struct directory *directory;

	assert_int_equal(admin_token_key_create(admin, 1, OTHER_KEY, &key, &fixture->error), OK);
	assert_int_equal(admin_token_key_create(admin, 1, MASTER_KEY, &key, &fixture->error), OK);
	/* Moved to another account by who can write the table but has no master key. */
	database_run(admin->pg, "INSERT INTO token_key SELECT 2, key_id, 'current', secret_box"
				" FROM token_key WHERE key_id = 1");
	struct directory_loader *loader = directory_loader_new(fixture->database->dsn, MASTER_KEY);
	assert_int_equal(load(loader, &directory), DIRECTORY_LOADED);
	assert_int_equal(directory->key_count, 1);
	assert_null(directory_key_find(directory, 1, 0));
	assert_non_null(directory_key_find(directory, 1, 1));
	assert_null(directory_key_find(directory, 2, 1));
	directory_free(directory);
	directory_loader_free(loader);
}

static void a_lost_database_fails_the_request(void **state)
{
	struct fixture *fixture = *state;
	struct directory_loader *nowhere =
		directory_loader_new("host=/nonexistent dbname=nowhere", MASTER_KEY);
	struct directory_loader *loader = directory_loader_new(
		database_dsn_as(fixture->database, "bounced_ingest"), MASTER_KEY);
	struct directory *directory = NULL;

	assert_int_equal(load(nowhere, &directory), DIRECTORY_FAILED);
	assert_int_equal(load(nowhere, &directory), DIRECTORY_FAILED);
	assert_true(directory_loader_deadline(nowhere) == INT64_MAX);
	directory_loader_free(nowhere);

	assert_int_equal(load(loader, &directory), DIRECTORY_LOADED);
	directory_free(directory);
	directory = NULL;
	/* Lost while idle: noticed, and no reason to fail the next request. */
	database_run(fixture->database->pg,
		     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		     " WHERE usename = 'bounced_ingest' AND datname = current_database()");
	int64_t give_up = time_monotonic_ms() + PATIENCE_MS;
	while (directory_loader_fd(loader) >= 0 && time_monotonic_ms() < give_up)
		assert_int_equal(turn(loader, &directory), DIRECTORY_WAIT);
	assert_int_equal(load(loader, &directory), DIRECTORY_LOADED);
	directory_free(directory);

	/* A statement that fails. */
	database_run(fixture->database->pg, "ALTER TABLE bounce_domain RENAME TO elsewhere");
	assert_int_equal(load(loader, &directory), DIRECTORY_FAILED);
	database_run(fixture->database->pg, "ALTER TABLE elsewhere RENAME TO bounce_domain");
	assert_int_equal(load(loader, &directory), DIRECTORY_LOADED);
	directory_free(directory);
	directory_loader_free(loader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(accounts),
		TEST(domains),
		TEST(api_keys),
		TEST(token_keys),
		TEST(a_token_keys_life),
		TEST(legacy_patterns),
		TEST(settings),
		TEST(without_database),
		TEST(a_directory_has_what_was_administered),
		TEST(a_loader_confirms_next_keys),
		TEST(retired_keys_end_and_patterns_are_loaded),
		TEST(keys_of_another_master_or_place_stay_closed),
		TEST(a_lost_database_fails_the_request),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
