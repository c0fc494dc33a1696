#include "qmgr/record.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/crc32c.h"
#include "lib/log.h"

#define MAGIC 0x49535131u /* "ISQ1" */
#define VERSION 1

uint64_t
q_id_make(uint64_t number, uint64_t offset)
{
	INVARIANT(offset % Q_PLACE == 0 && offset < Q_FILE_MAX);
	INVARIANT(number >> (64 - Q_PLACE_BITS) == 0);
	return number << Q_PLACE_BITS | offset / Q_PLACE;
}

uint64_t
q_id_number(uint64_t id)
{
	return id >> Q_PLACE_BITS;
}

uint64_t
q_id_offset(uint64_t id)
{
	return (id & ((1u << Q_PLACE_BITS) - 1)) * Q_PLACE;
}

uint64_t
q_record_size(const struct q_header *h)
{
	uint64_t n = Q_HEADER + (uint64_t)h->body_n;

	if (h->content_file == 0)
		n += h->content_n;
	return (n + Q_PLACE - 1) / Q_PLACE * Q_PLACE;
}

static void
put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, 4);
}

static void
put64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, 8);
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return be32toh(v);
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return be64toh(v);
}

void
q_header_pack(const struct q_header *h, uint8_t out[Q_HEADER])
{
	memset(out, 0, Q_HEADER);
	put32(out, MAGIC);
	out[4] = VERSION;
	out[5] = (uint8_t)h->type;
	put64(out + 8, h->id);
	put64(out + 16, h->parent);
	put32(out + 24, h->body_n);
	put32(out + 28, h->salt);
	put64(out + 32, h->content_n);
	put64(out + 40, h->content_file);
	put32(out + 48, h->durable);
	put32(out + 52, h->content_crc);
	put32(out + 56, h->body_crc);
	put32(out + 60, crc32c(0, out, 60));
}

int
q_header_unpack(struct q_header *h, const uint8_t p[Q_HEADER], struct err *e)
{
	if (get32(p) != MAGIC)
		return err_at(e, "spool", ERR_SYNTAX, 0, "no record here");
	if (get32(p + 60) != crc32c(0, p, 60))
		return err_at(e, "spool", ERR_SYNTAX, 60, "header checksum");
	if (p[4] != VERSION)
		return err_at(
		    e, "spool", ERR_UNSUPPORTED, 4, "record version %u", p[4]);
	if (p[5] < Q_RECORD_FILE || p[5] > Q_RECORD_MOVED)
		return err_at(
		    e, "spool", ERR_SYNTAX, 5, "record type %u", p[5]);
	*h = (struct q_header){
	    .type = p[5],
	    .id = get64(p + 8),
	    .parent = get64(p + 16),
	    .body_n = get32(p + 24),
	    .salt = get32(p + 28),
	    .content_n = get64(p + 32),
	    .content_file = get64(p + 40),
	    .durable = get32(p + 48),
	    .content_crc = get32(p + 52),
	    .body_crc = get32(p + 56),
	};
	if (h->body_n > Q_BODY_MAX)
		return err_at(
		    e, "spool", ERR_SYNTAX, 24, "body of %u octets", h->body_n);
	if (h->content_file == 0 && h->content_n > Q_FILE_MAX)
		return err_at(
		    e, "spool", ERR_SYNTAX, 32, "content longer than a file");
	return 0;
}

int
q_record_check(const struct q_header *h, const uint8_t *p, struct err *e)
{
	if (crc32c(0, p, h->body_n) != h->body_crc)
		return err_at(
		    e, "spool", ERR_SYNTAX, Q_HEADER, "envelope checksum");
	if (h->content_file == 0 &&
	    crc32c(0, p + h->body_n, h->content_n) != h->content_crc)
		return err_at(e, "spool", ERR_SYNTAX,
		    Q_HEADER + (uint64_t)h->body_n, "content checksum");
	return 0;
}

void
q_file_info_pack(const struct q_file_info *i, uint8_t out[Q_FILE_INFO])
{
	put64(out, i->instance);
	put64(out + 8, (uint64_t)i->created);
}

int
q_file_info_unpack(
    struct q_file_info *i, const uint8_t *p, size_t n, struct err *e)
{
	if (n < Q_FILE_INFO)
		return err_set(e, "spool", ERR_SYNTAX, "short file header");
	*i = (struct q_file_info){get64(p), (int64_t)get64(p + 8)};
	return 0;
}

uint64_t
q_header_origin(const struct q_header *h)
{
	return h->type == Q_RECORD_MOVED ? h->parent : h->id;
}

/* --- going over a file --- */

/* Octets that are no good record, until a later one says whether they ever
 * were durable. */
struct suspect {
	uint64_t offset, n;
	const char *why;
	bool has_header;
	struct q_header h;
};

struct scan {
	const uint8_t *p;
	uint64_t n, number;
	const struct q_scan_ops *ops;
	void *arg;
	struct q_scan_end *end;
	uint32_t salt;
	bool salted; /* the salt is known */
	uint64_t durable;
	struct suspect *suspects;
	size_t n_suspects, cap;
};

/* A header of this file at this place, whose record fits into it. */
static bool
header_at(const struct scan *s, uint64_t offset, struct q_header *h)
{
	if (offset + Q_HEADER > s->n ||
	    q_header_unpack(h, s->p + offset, NULL) != 0)
		return false;
	return h->id == (s->number << Q_PLACE_BITS | offset / Q_PLACE) &&
	    (!s->salted || h->salt == s->salt) &&
	    q_record_size(h) <= s->n - offset &&
	    (uint64_t)h->durable * Q_PLACE <= offset;
}

static void
suspect(struct scan *s, uint64_t offset, uint64_t n, const char *why,
    const struct q_header *h)
{
	struct suspect *x;

	if (s->n_suspects == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 8;
		s->suspects =
		    xrealloc(s->suspects, s->cap * sizeof(*s->suspects));
	}
	x = &s->suspects[s->n_suspects++];
	*x = (struct suspect){offset, n, why, h != NULL, {0}};
	if (h != NULL)
		x->h = *h;
}

/* Octets before `durable` once were on the disk: what is wrong there is
 * damage. */
static void
judge(struct scan *s, uint64_t durable)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_suspects; i++) {
		struct suspect *x = &s->suspects[i];

		if (x->offset >= durable) {
			s->suspects[kept++] = *x;
			continue;
		}
		s->end->corrupt++;
		s->ops->corrupt(s->arg, x->has_header ? &x->h : NULL, x->offset,
		    x->n, x->why);
	}
	s->n_suspects = kept;
}

static void
good_record(struct scan *s, const struct q_header *h, const uint8_t *body)
{
	if (!s->salted) {
		s->salt = h->salt;
		s->salted = true;
	}
	if (h->type == Q_RECORD_FILE)
		q_file_info_unpack(&s->end->info, body, h->body_n, NULL);
	else if (h->type == Q_RECORD_END)
		s->end->finished = true;
	if (s->n_suspects > 0)
		judge(s, (uint64_t)h->durable * Q_PLACE);
	if (h->type == Q_RECORD_FILE || h->type == Q_RECORD_END)
		return;
	s->end->records++;
	s->ops->record(s->arg, h, body);
}

/* Where the next header of this file is, or n. */
static uint64_t
resync(const struct scan *s, uint64_t offset)
{
	struct q_header h;

	do
		offset += Q_PLACE;
	while (offset + Q_HEADER <= s->n && !header_at(s, offset, &h));
	return offset + Q_HEADER <= s->n ? offset : s->n;
}

static uint64_t
step(struct scan *s, uint64_t offset)
{
	struct q_header h;
	struct err e = ERR_INIT;
	uint64_t next;

	if (!header_at(s, offset, &h)) {
		next = resync(s, offset);
		/* with nothing after it, it is just the unused rest */
		if (next < s->n)
			suspect(s, offset, next - offset, "header", NULL);
		return next;
	}
	next = offset + q_record_size(&h);
	if (q_record_check(&h, s->p + offset + Q_HEADER, &e) != 0) {
		suspect(s, offset, next - offset,
		    e.offset == Q_HEADER ? "envelope checksum"
					 : "content checksum",
		    &h);
		return next;
	}
	good_record(s, &h, s->p + offset + Q_HEADER);
	s->end->end = h.type == Q_RECORD_END ? offset : next;
	return next;
}

void
q_scan(const uint8_t *p, uint64_t n, uint64_t number,
    const struct q_scan_ops *ops, void *arg, struct q_scan_end *end)
{
	struct scan s = {.p = p,
	    .n = n < Q_FILE_MAX ? n : Q_FILE_MAX,
	    .number = number,
	    .ops = ops,
	    .arg = arg,
	    .end = end};
	uint64_t offset = 0;

	*end = (struct q_scan_end){0};
	while (offset < s.n && !end->finished)
		offset = step(&s, offset);
	end->torn = s.n_suspects;
	free(s.suspects);
}

/* --- small things --- */

void
q_places_add(struct q_places *p, uint64_t id)
{
	if (p->n == p->cap) {
		p->cap = p->cap > 0 ? p->cap * 2 : 16;
		p->v = xrealloc(p->v, p->cap * sizeof(*p->v));
	}
	p->v[p->n++] = (uint32_t)(id & ((1u << Q_PLACE_BITS) - 1));
}

void
q_places_free(struct q_places *p)
{
	free(p->v);
	*p = (struct q_places){0};
}

bool
q_hex_parse(const char *text, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t v = 0;

	for (unsigned i = 0; i < 16; i++) {
		const char *d =
		    text[i] != '\0' ? strchr(digits, text[i]) : NULL;

		if (d == NULL)
			return false;
		v = v << 4 | (uint64_t)(d - digits);
	}
	*out = v;
	return true;
}
