/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"

#include <stdlib.h>
#include <string.h>

#include "store/batch_rows.h"

/* A filing at its place in the lock order. */
struct place {
	const struct filing *filing;
	size_t index;
};

struct event_place {
	const struct filing *filing;
	const struct filing_event *event;
	size_t index;
};

static int compare_keys(uint64_t account_a, const uint8_t *key_a, uint64_t account_b,
			const uint8_t *key_b)
{
	if (account_a != account_b)
		return account_a < account_b ? -1 : 1;
	return memcmp(key_a, key_b, SHA256_LEN);
}

/* Equal keys stay in the order in which they came: the first one wins. */
static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = compare_keys(left->filing->account_id, left->filing->key,
				 right->filing->account_id, right->filing->key);

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static int compare_event_places(const void *a, const void *b)
{
	const struct event_place *left = a, *right = b;
	int order = compare_keys(left->filing->account_id, left->event->key,
				 right->filing->account_id, right->event->key);

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* What must be won for the event to have its effect. */
static const uint8_t *effect_key(const struct filing_event *event)
{
	return event->once ? event->effect_key : event->key;
}

static int compare_effects(const void *a, const void *b)
{
	const struct event_place *left = a, *right = b;
	int order = compare_keys(left->filing->account_id, effect_key(left->event),
				 right->filing->account_id, effect_key(right->event));

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static struct slice key_slice(const uint8_t key[SHA256_LEN])
{
	return slice_from((const char *)key, SHA256_LEN);
}

/* Rows of `width` texts become one array parameter a column. */
static void param_texts(struct pg_params *params, const struct slice *rows, size_t count,
			size_t width)
{
	struct slice *column = ARENA_ARRAY(params->arena, struct slice, count);

	for (size_t i = 0; i < width; i++) {
		for (size_t row = 0; row < count; row++)
			column[row] = rows[row * width + i];
		pg_param_text_array(params, column, count);
	}
}

/* The beginning of another statement's parameters: encoded once, sent with both. */
static void param_share(struct pg_params *params, const struct pg_params *from, int count)
{
	*params = *from;
	params->count = count;
}

/* What identifies a row in every statement: account, key, id, time. The time is exactly the id's
 * millisecond, so that an id finds its partition. */
struct identity_columns {
	int64_t *accounts;
	struct slice *keys;
	struct uuid *ids;
	int64_t *times;
};

static struct identity_columns identity_new(struct arena *arena, size_t count)
{
	return (struct identity_columns){
		.accounts = ARENA_ARRAY(arena, int64_t, count),
		.keys = ARENA_ARRAY(arena, struct slice, count),
		.ids = ARENA_ARRAY(arena, struct uuid, count),
		.times = ARENA_ARRAY(arena, int64_t, count),
	};
}

static void identity_set(struct identity_columns *columns, size_t row, uint64_t account_id,
			 const uint8_t *key, const struct uuid *id)
{
	columns->accounts[row] = (int64_t)account_id;
	columns->keys[row] = key_slice(key);
	columns->ids[row] = *id;
	columns->times[row] = uuid_unix_ms(id);
}

static void param_identity(struct pg_params *params, const struct identity_columns *columns,
			   size_t count)
{
	pg_param_int8_array(params, columns->accounts, count);
	pg_param_bytea_array(params, columns->keys, count);
	pg_param_uuid_array(params, columns->ids, count);
	pg_param_time_array(params, columns->times, count);
}

#define IDENTITY_PARAMS 4
/* Those of them that COMMIT_ACCOUNT takes from COMMIT_SUPPRESSION. */
#define LOCK_PARAMS 3

/* -- reports -- */

static void reports_build(struct batch *batch, const struct place *places, size_t count,
			  const struct slice *rows, struct arena *arena)
{
	struct identity_columns identity = identity_new(arena, count);
	int64_t *sizes = ARENA_ARRAY(arena, int64_t, count);
	struct slice *raws = ARENA_ARRAY(arena, struct slice, count);

	for (size_t i = 0; i < count; i++) {
		const struct filing *filing = places[i].filing;

		identity_set(&identity, i, filing->account_id, filing->key, &filing->report_id);
		raws[i] = buf_slice(&filing->inbound->raw);
		sizes[i] = (int64_t)raws[i].len;
	}

	struct pg_params *key = &batch->params[COMMIT_INGEST_KEY];
	pg_params_init(key, arena);
	param_identity(key, &identity, count);

	struct pg_params *report = &batch->params[COMMIT_REPORT];
	param_share(report, key, IDENTITY_PARAMS);
	pg_param_int8_array(report, sizes, count);
	param_texts(report, rows, count, REPORT_TEXT_COUNT);

	struct pg_params *raw = &batch->params[COMMIT_REPORT_RAW];
	param_share(raw, key, IDENTITY_PARAMS);
	pg_param_bytea_array(raw, raws, count);

	param_share(&batch->params[COMMIT_RESOLVE], key, 2);
	batch->wanted[COMMIT_INGEST_KEY] = batch->wanted[COMMIT_REPORT] = true;
	batch->wanted[COMMIT_REPORT_RAW] = batch->wanted[COMMIT_RESOLVE] = true;
}

/* Those that are to be authenticated again. */
static void undecided_build(struct batch *batch, const struct place *places, size_t count,
			    struct arena *arena)
{
	struct identity_columns identity = identity_new(arena, count);
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const struct filing *filing = places[i].filing;

		if (filing->undecided)
			identity_set(&identity, used++, filing->account_id, filing->key,
				     &filing->report_id);
	}
	if (used == 0)
		return;
	pg_params_init(&batch->params[COMMIT_UNDECIDED], arena);
	param_identity(&batch->params[COMMIT_UNDECIDED], &identity, used);
	batch->wanted[COMMIT_UNDECIDED] = true;
}

/* -- events -- */

/* Parameters that COMMIT_EVENT_KEY and COMMIT_ROLLUP share with COMMIT_EVENT. */
#define EVENT_KEY_PARAMS 6
#define ROLLUP_PARAMS    16

static void events_build(struct batch *batch, const struct event_place *places, size_t count,
			 unsigned slot, struct arena *arena)
{
	struct identity_columns identity = identity_new(arena, count);
	struct slice *report_keys = ARENA_ARRAY(arena, struct slice, count);
	struct uuid *report_ids = ARENA_ARRAY(arena, struct uuid, count);
	struct slice *effect_keys = ARENA_ARRAY(arena, struct slice, count);
	int64_t *campaigns = ARENA_ARRAY(arena, int64_t, count);
	bool *late = ARENA_ARRAY(arena, bool, count);
	bool *attributed = ARENA_ARRAY(arena, bool, count);
	struct slice *rows = ARENA_ARRAY(arena, struct slice, count * EVENT_TEXT_COUNT);

	for (size_t i = 0; i < count; i++) {
		const struct filing *filing = places[i].filing;
		const struct filing_event *event = places[i].event;

		identity_set(&identity, i, filing->account_id, event->key, &event->id);
		report_keys[i] = key_slice(filing->key);
		report_ids[i] = filing->report_id;
		effect_keys[i] = key_slice(effect_key(event));
		campaigns[i] = (int64_t)event->campaign;
		late[i] = event->late;
		attributed[i] = event->attributed;
		event_row(filing, event, &rows[i * EVENT_TEXT_COUNT]);
	}

	struct pg_params *params = &batch->params[COMMIT_EVENT];
	pg_params_init(params, arena);
	param_identity(params, &identity, count);
	pg_param_bytea_array(params, report_keys, count);
	pg_param_uuid_array(params, report_ids, count);
	pg_param_bytea_array(params, effect_keys, count);
	pg_param_int8_array(params, campaigns, count);
	param_texts(params, rows, count, EVENT_TEXT_COUNT);
	pg_param_bool_array(params, late, count);
	pg_param_bool_array(params, attributed, count);

	param_share(&batch->params[COMMIT_EVENT_KEY], params, EVENT_KEY_PARAMS);
	param_share(&batch->params[COMMIT_ROLLUP], params, ROLLUP_PARAMS);
	pg_param_int8(&batch->params[COMMIT_ROLLUP], slot);
	batch->wanted[COMMIT_EVENT_KEY] = batch->wanted[COMMIT_EVENT] = true;
	batch->wanted[COMMIT_ROLLUP] = true;
}

static void effects_build(struct batch *batch, const struct event_place *places, size_t count,
			  struct arena *arena)
{
	struct event_place *once = ARENA_ARRAY(arena, struct event_place, count);
	struct identity_columns identity = identity_new(arena, count);
	struct slice *event_keys = ARENA_ARRAY(arena, struct slice, count);
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		if (places[i].event->once)
			once[used++] = places[i];
	if (used == 0)
		return;
	qsort(once, used, sizeof(*once), compare_effects);
	for (size_t i = 0; i < used; i++) {
		identity_set(&identity, i, once[i].filing->account_id, effect_key(once[i].event),
			     &once[i].event->id);
		event_keys[i] = key_slice(once[i].event->key);
	}

	struct pg_params *params = &batch->params[COMMIT_EFFECT_KEY];
	pg_params_init(params, arena);
	param_identity(params, &identity, used);
	pg_param_bytea_array(params, event_keys, used);
	batch->wanted[COMMIT_EFFECT_KEY] = true;
}

static void suppressions_build(struct batch *batch, const struct event_place *places, size_t count,
			       struct arena *arena)
{
	struct identity_columns identity = identity_new(arena, count);
	bool *final = ARENA_ARRAY(arena, bool, count);
	struct slice *rows = ARENA_ARRAY(arena, struct slice, count * SUPPRESSION_TEXT_COUNT);
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const struct filing *filing = places[i].filing;
		const struct filing_event *event = places[i].event;

		if (!suppression_row(filing, event, arena, &rows[used * SUPPRESSION_TEXT_COUNT]))
			continue;
		identity_set(&identity, used, filing->account_id, effect_key(event), &event->id);
		final[used] = suppression_is_final(event);
		used++;
	}

	struct pg_params *params = &batch->params[COMMIT_SUPPRESSION];
	pg_params_init(params, arena);
	param_identity(params, &identity, used);
	pg_param_bool_array(params, final, used);
	param_texts(params, rows, used, SUPPRESSION_TEXT_COUNT);
	batch->wanted[COMMIT_SUPPRESSION] = used > 0;
}

/* Events that name the address of a ref, and the accounts to be locked for them and for the
 * suppressions. */
static void ref_addresses_build(struct batch *batch, const struct event_place *places, size_t count,
				struct arena *arena)
{
	struct identity_columns identity = identity_new(arena, count);
	struct slice *refs = ARENA_ARRAY(arena, struct slice, count);
	struct slice *rows = ARENA_ARRAY(arena, struct slice, count * ADDRESS_TEXT_COUNT);
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const struct filing_event *event = places[i].event;

		if (!event->names_ref)
			continue;
		identity_set(&identity, used, places[i].filing->account_id, event->key, &event->id);
		refs[used] = event->ref;
		address_row(event, arena, &rows[used * ADDRESS_TEXT_COUNT]);
		used++;
	}

	struct pg_params *params = &batch->params[COMMIT_REF_ADDRESS];
	pg_params_init(params, arena);
	param_identity(params, &identity, used);
	pg_param_text_array(params, refs, used);
	param_texts(params, rows, used, ADDRESS_TEXT_COUNT);
	batch->wanted[COMMIT_REF_ADDRESS] = used > 0;

	struct pg_params *account = &batch->params[COMMIT_ACCOUNT];
	param_share(account, &batch->params[COMMIT_SUPPRESSION], LOCK_PARAMS);
	pg_param_int8_array(account, identity.accounts, used);
	pg_param_text_array(account, refs, used);
	batch->wanted[COMMIT_ACCOUNT] = used > 0 || batch->wanted[COMMIT_SUPPRESSION];
}

/* All events of the filings, in the order of their keys. */
static struct event_place *event_places(const struct filing *const *filings, size_t count,
					struct arena *arena, size_t *ret_count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += filings[i]->event_count;

	struct event_place *places = ARENA_ARRAY(arena, struct event_place, total);
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < filings[i]->event_count; j++, used++)
			places[used] =
				(struct event_place){ filings[i], &filings[i]->events[j], used };
	}
	if (total > 0)
		qsort(places, total, sizeof(*places), compare_event_places);
	*ret_count = total;
	return places;
}

void batch_build(struct arena *arena, const struct filing *const *filings, size_t count,
		 unsigned slot, struct batch *ret_batch)
{
	struct place *places = ARENA_ARRAY(arena, struct place, count);
	struct slice *rows = ARENA_ARRAY(arena, struct slice, count * REPORT_TEXT_COUNT);
	size_t event_count;

	*ret_batch = (struct batch){ .order = ARENA_ARRAY(arena, size_t, count) };
	for (size_t i = 0; i < count; i++)
		places[i] = (struct place){ filings[i], i };
	qsort(places, count, sizeof(*places), compare_places);
	for (size_t i = 0; i < count; i++) {
		ret_batch->order[i] = places[i].index;
		report_row(places[i].filing, arena, &rows[i * REPORT_TEXT_COUNT]);
	}
	reports_build(ret_batch, places, count, rows, arena);
	undecided_build(ret_batch, places, count, arena);

	struct event_place *events = event_places(filings, count, arena, &event_count);
	if (event_count == 0)
		return;
	events_build(ret_batch, events, event_count, slot, arena);
	effects_build(ret_batch, events, event_count, arena);
	suppressions_build(ret_batch, events, event_count, arena);
	ref_addresses_build(ret_batch, events, event_count, arena);
}

void batch_build_raw(struct arena *arena, const struct filing *filing, struct slice why,
		     struct batch *ret_batch)
{
	struct place place = { filing, 0 };
	struct slice row[REPORT_TEXT_COUNT];

	*ret_batch = (struct batch){ .order = ARENA_ARRAY(arena, size_t, 1) };
	report_row_quarantined(filing, why, arena, row);
	reports_build(ret_batch, &place, 1, row, arena);
}
