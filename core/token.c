/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a token: version 3 bits, kind 2, flags 3 · key id 1 · issue day 2 (big-endian) · account
 * varint · campaign varint · ref varint, or 16 raw bytes · commitment 5 or 3, where flagged ·
 * MAC 10. Varints are LEB128, least significant group first.
 */
#include "core/token.h"

#include <assert.h>
#include <string.h>

#include "core/address.h"
#include "core/encoding.h"
#include "core/hash.h"

#define VERSION         1u
#define FLAG_UUID       1u
#define FLAG_COMMITMENT 2u
#define FLAGS_KNOWN     (FLAG_UUID | FLAG_COMMITMENT)

#define MAC_LABEL        "bounced/token/1"
#define COMMITMENT_LABEL "bounced/commitment/1"

static const char *const KIND_WORDS[] = { "bounce", "complaint", "unsubscribe", "probe" };

/* How many bytes each field may take; a UUID leaves less room for the others. */
struct field_sizes {
	unsigned account, campaign, commitment;
};

static struct field_sizes field_sizes(bool ref_is_uuid)
{
	return ref_is_uuid ? (struct field_sizes){ 2, 3, 3 } : (struct field_sizes){ 4, 5, 5 };
}

#define REF_VARINT_MAX 10

struct cursor {
	const uint8_t *bytes;
	size_t len, at;
	bool bad;
};

static uint8_t take(struct cursor *cursor)
{
	if (cursor->at >= cursor->len) {
		cursor->bad = true;
		return 0;
	}
	return cursor->bytes[cursor->at++];
}

static uint64_t take_varint(struct cursor *cursor, unsigned max_bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < max_bytes; i++) {
		uint8_t byte = take(cursor);
		uint64_t group = byte & 0x7f;

		/* the tenth group has room for one bit; a last group of zero is not minimal */
		if ((i == 9 && group > 1) || (i > 0 && byte == 0))
			break;
		value |= group << (7 * i);
		if ((byte & 0x80) == 0)
			return value;
	}
	cursor->bad = true;
	return 0;
}

static void take_bytes(struct cursor *cursor, uint8_t *ret_bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ret_bytes[i] = take(cursor);
}

bool token_decode(struct slice text, struct token *ret_token)
{
	struct token token = { 0 };
	struct slice prefix = SLICE(TOKEN_PREFIX);

	if (text.len > TOKEN_TEXT_MAX || !slice_starts_with_nocase(text, prefix))
		return false;
	ptrdiff_t len = base32_decode(slice_skip(text, prefix.len), token.bytes, TOKEN_BYTES_MAX);

	if (len < TOKEN_MAC_LEN)
		return false;
	token.byte_count = (uint8_t)len;
	struct cursor cursor = { token.bytes, (size_t)len - TOKEN_MAC_LEN, 0, false };
	unsigned first = take(&cursor);
	unsigned flags = first & 7u;

	if (first >> 5 != VERSION || (flags & ~FLAGS_KNOWN) != 0)
		return false;
	token.kind = (enum token_kind)(first >> 3 & 3u);
	token.ref_is_uuid = (flags & FLAG_UUID) != 0;
	token.has_commitment = (flags & FLAG_COMMITMENT) != 0;
	struct field_sizes sizes = field_sizes(token.ref_is_uuid);

	token.key_id = take(&cursor);
	token.issue_day = (uint16_t)(take(&cursor) << 8);
	token.issue_day = (uint16_t)(token.issue_day | take(&cursor));
	token.account = take_varint(&cursor, sizes.account);
	token.campaign = take_varint(&cursor, sizes.campaign);
	if (token.ref_is_uuid)
		take_bytes(&cursor, token.ref_uuid.bytes, sizeof(token.ref_uuid.bytes));
	else
		token.ref = take_varint(&cursor, REF_VARINT_MAX);
	if (token.has_commitment)
		take_bytes(&cursor, token.commitment, sizes.commitment);
	if (cursor.bad || cursor.at != cursor.len)
		return false;
	*ret_token = token;
	return true;
}

static void token_mac(const struct token *token, size_t signed_len,
		      const uint8_t key[TOKEN_KEY_LEN], uint8_t ret_mac[SHA256_LEN])
{
	char message[sizeof(MAC_LABEL) - 1 + TOKEN_BYTES_MAX];
	size_t label_len = sizeof(MAC_LABEL) - 1;

	memcpy(message, MAC_LABEL, label_len);
	memcpy(message + label_len, token->bytes, signed_len);
	hmac_sha256(slice_from((const char *)key, TOKEN_KEY_LEN),
		    slice_from(message, label_len + signed_len), ret_mac);
}

bool token_mac_valid(const struct token *token, const uint8_t key[TOKEN_KEY_LEN])
{
	uint8_t mac[SHA256_LEN];
	size_t signed_len = (size_t)token->byte_count - TOKEN_MAC_LEN;

	assert(token->byte_count >= TOKEN_MAC_LEN && token->byte_count <= TOKEN_BYTES_MAX);
	token_mac(token, signed_len, key, mac);
	return bytes_equal_constant_time(mac, token->bytes + signed_len, TOKEN_MAC_LEN);
}

/* false when the value needs more than max_bytes */
static bool put_varint(struct token *token, uint64_t value, unsigned max_bytes)
{
	for (unsigned i = 0; i < max_bytes; i++) {
		uint8_t group = value & 0x7f;

		value >>= 7;
		token->bytes[token->byte_count++] = (uint8_t)(group | (value != 0 ? 0x80 : 0));
		if (value == 0)
			return true;
	}
	return false;
}

static void put_bytes(struct token *token, const uint8_t *bytes, size_t count)
{
	memcpy(token->bytes + token->byte_count, bytes, count);
	token->byte_count = (uint8_t)(token->byte_count + count);
}

enum err token_mint(struct token *token, const uint8_t key[TOKEN_KEY_LEN], struct arena *arena,
		    struct slice *ret_text)
{
	struct field_sizes sizes = field_sizes(token->ref_is_uuid);
	unsigned flags = (token->ref_is_uuid ? FLAG_UUID : 0) |
			 (token->has_commitment ? FLAG_COMMITMENT : 0);
	uint8_t head[4] = { (uint8_t)(VERSION << 5 | (unsigned)token->kind << 3 | flags),
			    token->key_id, (uint8_t)(token->issue_day >> 8),
			    (uint8_t)token->issue_day };
	uint8_t mac[SHA256_LEN];

	token->byte_count = 0;
	put_bytes(token, head, sizeof(head));
	if (!put_varint(token, token->account, sizes.account) ||
	    !put_varint(token, token->campaign, sizes.campaign))
		return ERR_REFUSE;
	if (token->ref_is_uuid)
		put_bytes(token, token->ref_uuid.bytes, sizeof(token->ref_uuid.bytes));
	else
		(void)put_varint(token, token->ref, REF_VARINT_MAX); /* takes any */
	if (token->has_commitment)
		put_bytes(token, token->commitment, sizes.commitment);
	token_mac(token, token->byte_count, key, mac);
	put_bytes(token, mac, TOKEN_MAC_LEN);

	char *text = arena_alloc(arena, TOKEN_TEXT_MAX + 1);
	size_t prefix_len = sizeof(TOKEN_PREFIX) - 1;

	memcpy(text, TOKEN_PREFIX, prefix_len);
	*ret_text = slice_from(text, prefix_len + base32_encode(token->bytes, token->byte_count,
								text + prefix_len));
	return OK;
}

/* false where the text is no address */
static bool commitment_of(const uint8_t key[TOKEN_KEY_LEN], struct arena *arena,
			  struct slice address, uint8_t ret_mac[SHA256_LEN])
{
	struct slice normal = address_normalise(arena, address);

	if (slice_empty(normal))
		return false;
	struct slice message = arena_printf(arena, COMMITMENT_LABEL "%.*s", SLICE_ARG(normal));

	hmac_sha256(slice_from((const char *)key, TOKEN_KEY_LEN), message, ret_mac);
	return true;
}

void token_commit(struct token *token, const uint8_t key[TOKEN_KEY_LEN], struct arena *arena,
		  struct slice address)
{
	uint8_t mac[SHA256_LEN];

	token->has_commitment = commitment_of(key, arena, address, mac);
	if (token->has_commitment)
		memcpy(token->commitment, mac, TOKEN_COMMITMENT_MAX);
}

bool token_commitment_fits(const struct token *token, const uint8_t key[TOKEN_KEY_LEN],
			   struct arena *arena, struct slice address)
{
	uint8_t mac[SHA256_LEN];

	return token->has_commitment && commitment_of(key, arena, address, mac) &&
	       bytes_equal_constant_time(mac, token->commitment,
					 field_sizes(token->ref_is_uuid).commitment);
}

struct slice token_ref_text(const struct token *token, struct arena *arena)
{
	if (token->ref_is_uuid) {
		char *text = arena_alloc(arena, UUID_TEXT_LEN + 1);

		uuid_format(&token->ref_uuid, text);
		return slice_from(text, UUID_TEXT_LEN);
	}
	if (token->ref == 0)
		return SLICE_NONE;
	return arena_printf(arena, "%llu", (unsigned long long)token->ref);
}

/* What stands behind the count-th `separator`; empty when there are fewer. */
static struct slice after_nth(struct slice s, char separator, unsigned count)
{
	while (count-- > 0) {
		ptrdiff_t at = slice_find_byte(s, separator);

		if (at < 0)
			return SLICE_NONE;
		s = slice_skip(s, (size_t)at + 1);
	}
	return s;
}

/*
 * SRS0=hash=stamp=domain=local; SRS1=hash=forwarder==hash=stamp=domain=local, where `=` after the
 * tag may also be `+` or `-`; prvs=tag=local or, as some write it, prvs=local=tag.
 */
static struct slice unwrap_once(struct slice local)
{
	struct slice inner = SLICE_NONE;

	if (local.len > 5 && slice_starts_with_nocase(local, SLICE("SRS0")) &&
	    strchr("=+-", local.ptr[4]) != NULL) {
		inner = after_nth(slice_skip(local, 5), '=', 3);
	} else if (local.len > 5 && slice_starts_with_nocase(local, SLICE("SRS1")) &&
		   strchr("=+-", local.ptr[4]) != NULL) {
		struct slice rest = after_nth(slice_skip(local, 5), '=', 2);

		/* SRS1's guarded part begins with SRS0's own separator */
		if (rest.len > 0 && strchr("=+-", rest.ptr[0]) != NULL)
			inner = after_nth(slice_skip(rest, 1), '=', 3);
	} else if (slice_starts_with_nocase(local, SLICE("prvs="))) {
		struct slice rest = slice_skip(local, 5);
		ptrdiff_t equals = slice_find_byte(rest, '=');

		if (equals > 0 && slice_starts_with_nocase(rest, SLICE(TOKEN_PREFIX)))
			inner = slice_head(rest, (size_t)equals);
		else if (equals >= 0)
			inner = slice_skip(rest, (size_t)equals + 1);
	}
	return slice_empty(inner) ? local : inner;
}

struct slice return_path_unwrap(struct slice local)
{
	/* a BATV tag around an SRS address around … ; deeper nesting is nobody's */
	for (unsigned round = 0; round < 4; round++) {
		struct slice inner = unwrap_once(local);

		if (inner.len == local.len)
			break;
		local = inner;
	}
	return local;
}

const char *token_kind_word(enum token_kind kind)
{
	assert((unsigned)kind < sizeof(KIND_WORDS) / sizeof(KIND_WORDS[0]));
	return KIND_WORDS[kind];
}

bool token_kind_from_word(struct slice word, enum token_kind *ret_kind)
{
	for (unsigned i = 0; i < sizeof(KIND_WORDS) / sizeof(KIND_WORDS[0]); i++) {
		if (slice_equal(word, slice_from_cstr(KIND_WORDS[i]))) {
			*ret_kind = (enum token_kind)i;
			return true;
		}
	}
	return false;
}
