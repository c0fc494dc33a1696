/*
 * What a sender needs to go on with a transfer: where, and the octets of the
 * APDU around the content, which must be those of the first attempt (a later
 * one has another trace, for example).
 *
 *	file   = header moving fixed
 *	moving = serial(4) offset(8) tries(1) checksum(4)
 *	fixed  = octets(4) checksum(4) octet*
 *
 * The moving part is small enough to be written whole or not at all while the
 * system lives; the fixed one is written once per activity, before it.
 */
#include "p1/x400p1_keep_own.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/log.h"
#include "qmgr/wire.h"

#define MARK "ITS1"
#define MOVING 17
#define FIXED_HEADER 8
#define FIXED_MAX (64u << 20)
/* How often it is resumed in vain before it is sent anew. */
#define TRIES_MAX 2

struct x_cut {
	struct x_keep *store;
	struct x_keep_file file;
	struct buf key;
	struct buf fixed; /* head and tail are in it, too */
	struct p1_resume at;
	enum p1_protocol protocol;
	uint8_t tries;
	bool good;  /* there is something to go on from */
	bool dirty; /* the file could not be written: in memory only */
};

static void
key_of(const struct x_cut_key *k, struct buf *out)
{
	q_out_text(out, k->peer);
	buf_put_u64(out, k->record);
	buf_put_u32(out, (uint32_t)k->n);
	q_out_u32s(out, k->recipients, k->n);
}

static uint64_t
moving_at(const struct x_cut *s)
{
	return 12 + s->key.len;
}

/* --- the fixed part --- */

static void
put_octets(struct buf *b, const void *p, size_t n)
{
	buf_put_u32(b, (uint32_t)n);
	buf_append(b, p, n);
}

static struct octets
get_octets(struct q_in *in)
{
	uint32_t n = q_in_count(in, 1);
	struct octets o = {in->p, n};

	if (!in->bad) {
		in->p += n;
		in->n -= n;
	}
	return o;
}

static void
get_into(struct q_in *in, uint8_t *out, size_t max, uint8_t *n)
{
	struct octets o = get_octets(in);

	if (o.n > max)
		in->bad = true;
	*n = in->bad ? 0 : (uint8_t)o.n;
	memcpy(out, o.p, *n);
}

static void
pack(struct x_cut *s, const struct p1_resume *r, enum p1_protocol protocol)
{
	const struct rtse_activity *a = &r->rtse.activity;
	const struct ses_conn_id *c = &a->association;
	struct buf b = {0};

	buf_putc(&b, (uint8_t)protocol);
	buf_put_u64(&b, r->rtse.total);
	buf_put_u64(&b, r->content_n);
	put_octets(&b, a->id, a->id_n);
	put_octets(&b, c->user, c->user_n);
	put_octets(&b, c->common, c->common_n);
	put_octets(&b, c->add, c->add_n);
	put_octets(&b, r->head.p, r->head.n);
	put_octets(&b, r->tail.p, r->tail.n);
	buf_free(&s->fixed);
	s->fixed = b;
}

/* From s->fixed to the rest: what came from the file, or was just packed. */
static bool
unpack(struct x_cut *s)
{
	struct q_in in = {s->fixed.data, s->fixed.len, false};
	struct p1_resume *r = &s->at;
	struct rtse_activity *a = &r->rtse.activity;
	struct ses_conn_id *c = &a->association;

	s->protocol = (enum p1_protocol)q_in_enum(&in, P1_PROTOCOLS - 1);
	r->rtse.total = q_in_u64(&in);
	r->content_n = q_in_u64(&in);
	get_into(&in, a->id, sizeof(a->id), &a->id_n);
	get_into(&in, c->user, sizeof(c->user), &c->user_n);
	get_into(&in, c->common, sizeof(c->common), &c->common_n);
	get_into(&in, c->add, sizeof(c->add), &c->add_n);
	r->head = get_octets(&in);
	r->tail = get_octets(&in);
	return !in.bad && in.n == 0 &&
	    r->rtse.total == r->head.n + r->content_n + r->tail.n;
}

/* --- the file --- */

static void
put_moving(const struct x_cut *s, struct buf *out)
{
	size_t at = out->len;

	buf_put_u32(out, s->at.rtse.serial);
	buf_put_u64(out, s->at.rtse.offset);
	buf_putc(out, s->tries);
	buf_put_u32(out, crc32c(0, out->data + at, MOVING - 4));
}

static bool
write_moving(const struct x_cut *s)
{
	struct buf b = {0};
	bool ok;

	put_moving(s, &b);
	ok = x_keep_write(s->file.fd, b.data, b.len, moving_at(s)) == 0;
	buf_free(&b);
	return ok;
}

static bool
write_all(const struct x_cut *s)
{
	struct buf b = {0};
	bool ok;

	x_keep_header(MARK, &s->key, &b);
	put_moving(s, &b);
	buf_put_u32(&b, (uint32_t)s->fixed.len);
	buf_put_u32(&b, crc32c(0, s->fixed.data, s->fixed.len));
	buf_append(&b, s->fixed.data, s->fixed.len);
	/* an empty file has nothing to go on from */
	ok = ftruncate(s->file.fd, 0) == 0 &&
	    x_keep_write(s->file.fd, b.data, b.len, 0) == 0;
	buf_free(&b);
	return ok;
}

static bool
read_header(const struct x_cut *s)
{
	struct buf h = {0};
	uint8_t *there;
	bool same;

	x_keep_header(MARK, &s->key, &h);
	there = xmalloc(h.len);
	same = x_keep_read_at(s->file.fd, there, h.len, 0) == (int64_t)h.len &&
	    memcmp(there, h.data, h.len) == 0;
	free(there);
	buf_free(&h);
	return same;
}

static bool
read_moving(struct x_cut *s)
{
	uint8_t d[MOVING];
	struct q_in in = {d, sizeof(d), false};

	if (x_keep_read_at(s->file.fd, d, sizeof(d), moving_at(s)) != sizeof(d))
		return false;
	s->at.rtse.serial = q_in_u32(&in);
	s->at.rtse.offset = q_in_u64(&in);
	s->tries = q_in_u8(&in);
	return q_in_u32(&in) == crc32c(0, d, sizeof(d) - 4);
}

static bool
read_fixed(struct x_cut *s)
{
	uint64_t at = moving_at(s) + MOVING;
	uint8_t d[FIXED_HEADER];
	struct q_in in = {d, sizeof(d), false};
	uint32_t n, crc;
	off_t size = lseek(s->file.fd, 0, SEEK_END);

	if (x_keep_read_at(s->file.fd, d, sizeof(d), at) != sizeof(d))
		return false;
	n = q_in_u32(&in);
	crc = q_in_u32(&in);
	at += sizeof(d);
	if (n > FIXED_MAX || size < 0 || at + n != (uint64_t)size)
		return false;
	x_keep_read_at(s->file.fd, buf_reserve(&s->fixed, n), n, at);
	buf_grow(&s->fixed, n);
	return crc32c(0, s->fixed.data, n) == crc && unpack(s);
}

static void
load(struct x_cut *s)
{
	if (lseek(s->file.fd, 0, SEEK_END) == 0)
		return; /* new */
	s->good = read_header(s) && read_moving(s) && read_fixed(s) &&
	    s->at.rtse.offset <= s->at.rtse.total;
	if (!s->good) {
		x_keep_corrupt(&s->file, "its octets are not what was written");
		x_cut_forget(s);
	}
}

/* --- for the channel --- */

struct x_cut *
x_cut_new(struct x_keep *k, const struct x_cut_key *key)
{
	struct x_cut *s = xcalloc(1, sizeof(*s));
	char name[X_KEEP_NAME];

	s->store = k;
	key_of(key, &s->key);
	x_keep_name(key->peer, &s->key, "out", name);
	if (x_keep_lock(k, key->peer, name, false, &s->file)) {
		load(s);
		return s;
	}
	/* made at the first checkpoint, for most messages have none */
	return s;
}

bool
x_cut_get(const struct x_cut *s, struct p1_resume *out)
{
	if (s->good)
		*out = s->at;
	return s->good;
}

enum p1_protocol
x_cut_protocol(const struct x_cut *s)
{
	return s->protocol;
}

static bool
same_activity(const struct rtse_activity *a, const struct rtse_activity *b)
{
	const struct ses_conn_id *x = &a->association, *y = &b->association;

	return a->id_n == b->id_n && x->user_n == y->user_n &&
	    x->common_n == y->common_n && x->add_n == y->add_n &&
	    memcmp(a->id, b->id, a->id_n) == 0 &&
	    memcmp(x->user, y->user, x->user_n) == 0 &&
	    memcmp(x->common, y->common, x->common_n) == 0 &&
	    memcmp(x->add, y->add, x->add_n) == 0;
}

static bool
make_file(struct x_cut *s)
{
	struct x_keep_file f;

	if (s->file.fd >= 0)
		return true;
	if (!x_keep_lock(s->store, s->file.peer, s->file.name, true, &f))
		return false;
	s->file = f;
	return true;
}

/* A file for it; without one the state is in memory only. */
static void
write_new(struct x_cut *s)
{
	s->dirty = !x_keep_room(
		       s->store, s->file.peer, s->file.fd < 0, s->fixed.len) ||
	    !make_file(s) || !write_all(s);
	if (s->dirty)
		x_keep_unlock(s->store, &s->file, true);
}

void
x_cut_set(
    struct x_cut *s, const struct p1_resume *at, enum p1_protocol protocol)
{
	bool begun = !s->good ||
	    !same_activity(&s->at.rtse.activity, &at->rtse.activity);

	s->tries = 0;
	if (begun)
		pack(s, at, protocol);
	s->at.rtse.serial = at->rtse.serial;
	s->at.rtse.offset = at->rtse.offset;
	s->good = !begun || unpack(s);
	INVARIANT(s->good);
	if (begun)
		write_new(s);
	else if (!s->dirty && !write_moving(s))
		x_keep_failed(&s->file, "writing it");
}

bool
x_cut_try(struct x_cut *s)
{
	if (s->good && s->tries >= TRIES_MAX)
		x_cut_forget(s);
	if (!s->good)
		return false;
	s->tries++;
	if (!s->dirty && s->file.fd >= 0 && !write_moving(s))
		x_keep_failed(&s->file, "writing it");
	return true;
}

void
x_cut_forget(struct x_cut *s)
{
	s->good = false;
	s->tries = 0;
	x_keep_unlock(s->store, &s->file, true);
}

void
x_cut_free(struct x_cut **s)
{
	if (*s == NULL)
		return;
	x_keep_unlock((*s)->store, &(*s)->file, !(*s)->good);
	buf_free(&(*s)->key);
	buf_free(&(*s)->fixed);
	free(*s);
	*s = NULL;
}
