#include "p1/apdu.h"

#include <stdlib.h>

#include "lib/log.h"
#include "p1/envelope_codec.h"
#include "p1/report_codec.h"

enum part {
	PART_START,    /* nothing of the APDU yet */
	PART_ENVELOPE, /* collecting the envelope (or the whole probe) */
	PART_BETWEEN,  /* the envelope is whole; what comes next? */
	PART_CONTENT,  /* content octets go to the user */
	PART_FIELDS,   /* collecting the fields of a report's content */
	PART_END,      /* whole */
};

struct p1_apdu {
	const struct p1_apdu_ops *ops;
	void *arg;
	uint64_t max;
	unsigned max_depth;
	bool lenient;
	struct ber_scan *scan;
	struct arena *arena;
	struct mhs_envelope *env;
	enum mhs_kind kind;
	enum part part;
	unsigned base; /* depth of the APDU: 0, or 2 inside an EXTERNAL */
	unsigned at;   /* depth of the part under way */
	bool wrapped, returned;
	struct buf envelope, fields;
	uint64_t content_n;
	struct err over; /* the first that is nested too deep */
};

static struct buf *
collecting(struct p1_apdu *s)
{
	return s->part == PART_ENVELOPE ? &s->envelope
	    : s->part == PART_FIELDS    ? &s->fields
					: NULL;
}

static int
collect(struct p1_apdu *s, const uint8_t *p, size_t n, struct err *e)
{
	struct buf *b = collecting(s);

	if (b->len + n > s->max)
		return err_set(e, "p1", ERR_LIMIT,
		    "envelope of more than %llu octets",
		    (unsigned long long)s->max);
	buf_append(b, p, n);
	return 0;
}

static int
unexpected(const struct ber_open *o, const char *where, struct err *e)
{
	static const char *const classes[] = {
	    "UNIVERSAL", "APPLICATION", "CONTEXT", "PRIVATE"};

	return err_set(e, "p1", ERR_SYNTAX, "tag [%s %u] %s",
	    classes[o->tag.cls & 3], o->tag.number, where);
}

/* --- what a new element is --- */

/* X.411: message [0], report [1], probe [2]. */
static int
open_apdu(
    struct p1_apdu *s, unsigned depth, const struct ber_open *o, struct err *e)
{
	static const enum mhs_kind kinds[] = {
	    MHS_MESSAGE, MHS_REPORT, MHS_PROBE};

	if (!s->wrapped && depth == 0 &&
	    BER_IS(o->tag, BER_UNIVERSAL, BER_EXTERNAL)) {
		s->wrapped = true;
		s->base = 2;
		return 0;
	}
	if (depth < s->base) /* the fields of the EXTERNAL */
		return 0;
	if (o->tag.cls != BER_CONTEXT || o->tag.number > 2 ||
	    !o->tag.constructed)
		return unexpected(o, "is no MTS-APDU", e);
	s->kind = kinds[o->tag.number];
	s->at = depth;
	if (s->kind != MHS_PROBE) {
		s->part = PART_BETWEEN;
		return 0;
	}
	s->part = PART_ENVELOPE;
	return collect(s, o->raw, o->raw_n, e);
}

static int
open_part(
    struct p1_apdu *s, unsigned depth, const struct ber_open *o, struct err *e)
{
	static const uint8_t indefinite_set[] = {0x31, 0x80};

	s->at = depth;
	if (s->envelope.len == 0) {
		if (!BER_IS(o->tag, BER_UNIVERSAL, BER_SET))
			return unexpected(o, "where an envelope belongs", e);
		s->part = PART_ENVELOPE;
		return collect(s, o->raw, o->raw_n, e);
	}
	if (s->kind == MHS_MESSAGE && !s->returned &&
	    BER_IS(o->tag, BER_UNIVERSAL, BER_OCTET_STRING)) {
		s->part = PART_CONTENT;
		s->returned = true;
		return 0;
	}
	if (s->kind == MHS_REPORT && s->fields.len == 0 &&
	    BER_IS(o->tag, BER_UNIVERSAL, BER_SET)) {
		/* its length changes: the returned content is taken out */
		s->part = PART_FIELDS;
		return collect(s, indefinite_set, sizeof(indefinite_set), e);
	}
	return unexpected(o, "after the envelope", e);
}

/* Who sent it is told when the envelope can be read: it is collected on. */
static int
too_deep(struct p1_apdu *s, unsigned depth, struct err *e)
{
	if (collecting(s) == NULL || depth >= s->base + P1_APDU_DEPTH_MOST)
		return err_set(e, "p1", ERR_LIMIT,
		    "elements nested deeper than %u", s->max_depth);
	if (s->over.code == 0)
		err_at(&s->over, "p1", ERR_LIMIT, ber_scan_offset(s->scan),
		    "elements nested deeper than %u", s->max_depth);
	return 0;
}

static int
on_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct p1_apdu *s = arg;

	if (depth >= s->base + s->max_depth && too_deep(s, depth, e) < 0)
		return ERR_LIMIT;
	switch (s->part) {
	case PART_START: return open_apdu(s, depth, o, e);
	case PART_BETWEEN: return open_part(s, depth, o, e);
	case PART_ENVELOPE: return collect(s, o->raw, o->raw_n, e);
	case PART_CONTENT:
		return BER_IS(o->tag, BER_UNIVERSAL, BER_OCTET_STRING)
		    ? 0
		    : unexpected(o, "inside the content", e);
	case PART_FIELDS:
		if (depth == s->base + 2 && !s->returned &&
		    BER_IS(o->tag, BER_CONTEXT, 1)) {
			s->part = PART_CONTENT;
			s->at = depth;
			s->returned = true;
			return 0;
		}
		return collect(s, o->raw, o->raw_n, e);
	case PART_END: break;
	}
	return unexpected(o, "after the APDU", e);
}

static int
on_data(void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	struct p1_apdu *s = arg;

	(void)depth;
	if (s->part == PART_CONTENT) {
		s->content_n += n;
		return s->ops->content == NULL
		    ? 0
		    : s->ops->content(s->arg, p, n, e);
	}
	return collecting(s) != NULL ? collect(s, p, n, e) : 0;
}

/* --- what an end means --- */

static int
tell_envelope(struct p1_apdu *s, struct err *e)
{
	return s->ops->envelope == NULL ? 0
					: s->ops->envelope(s->arg, s->env, e);
}

/* It cannot be read: for its depth, if it is that deep. */
static int
unreadable(const struct p1_apdu *s, int code, struct err *e)
{
	if (s->over.code == 0)
		return code;
	if (e != NULL)
		*e = s->over;
	return s->over.code;
}

static int
envelope_done(struct p1_apdu *s, struct err *e)
{
	int r;

	s->part = s->kind == MHS_PROBE ? PART_END : PART_BETWEEN;
	if (s->kind == MHS_REPORT)
		return 0;
	r = p1_envelope_decode(s->arena, s->kind, s->envelope.data,
	    s->envelope.len, (size_t)s->max + 16, !s->lenient, &s->env, e);
	return r < 0 ? unreadable(s, r, e) : tell_envelope(s, e);
}

static int
report_done(struct p1_apdu *s, struct err *e)
{
	struct octets envelope = {s->envelope.data, s->envelope.len};
	struct octets content = {s->fields.data, s->fields.len};
	int r;

	s->part = PART_BETWEEN;
	r = p1_report_decode(s->arena, envelope, content, (size_t)s->max + 16,
	    !s->lenient, &s->env, e);
	if (r < 0)
		return unreadable(s, r, e);
	s->env->report->content_returned = s->returned;
	s->env->content_length = s->content_n;
	return tell_envelope(s, e);
}

static int
apdu_done(struct p1_apdu *s, struct err *e)
{
	s->part = PART_END;
	if (s->kind == MHS_MESSAGE && !s->returned)
		return err_set(e, "p1", ERR_SYNTAX, "message without content");
	if (s->kind == MHS_REPORT && s->fields.len == 0)
		return err_set(e, "p1", ERR_SYNTAX, "report without content");
	return 0;
}

static int
on_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	static const uint8_t eoc[] = {0, 0};
	struct p1_apdu *s = arg;
	bool ours = depth == s->at;
	int r = 0;

	if (collecting(s) != NULL &&
	    (indefinite || (s->part == PART_FIELDS && ours)))
		r = collect(s, eoc, sizeof(eoc), e);
	if (r < 0)
		return r;
	if (s->part == PART_ENVELOPE && ours)
		return envelope_done(s, e);
	if (s->part == PART_FIELDS && ours)
		return report_done(s, e);
	if (s->part == PART_CONTENT && ours) {
		s->part = s->kind == MHS_REPORT ? PART_FIELDS : PART_BETWEEN;
		s->at = s->base + 1;
		return 0;
	}
	if (s->part == PART_BETWEEN && depth == s->base)
		return apdu_done(s, e);
	return 0;
}

/* --- the splitter --- */

static const struct ber_scan_ops scan_ops = {on_open, on_data, on_close};

struct p1_apdu *
p1_apdu_new(uint64_t max_envelope, const struct p1_apdu_ops *ops, void *arg)
{
	struct p1_apdu *s = xcalloc(1, sizeof(*s));

	s->ops = ops;
	s->arg = arg;
	s->max = max_envelope != 0 ? max_envelope : P1_ENVELOPE_MAX;
	s->max_depth = P1_APDU_DEPTH;
	s->scan = ber_scan_new(NULL, &scan_ops, s);
	s->arena = arena_new();
	return s;
}

void
p1_apdu_limit_depth(struct p1_apdu *s, unsigned max)
{
	INVARIANT(max <= P1_APDU_DEPTH_MOST);
	s->max_depth = max != 0 ? max : P1_APDU_DEPTH;
}

void
p1_apdu_set_lenient(struct p1_apdu *s, bool lenient)
{
	s->lenient = lenient;
}

void
p1_apdu_free(struct p1_apdu **sp)
{
	struct p1_apdu *s = *sp;

	if (s == NULL)
		return;
	ber_scan_free(&s->scan);
	arena_free(&s->arena);
	buf_free(&s->envelope);
	buf_free(&s->fields);
	free(s);
	*sp = NULL;
}

void
p1_apdu_reset(struct p1_apdu *s)
{
	ber_scan_reset(s->scan);
	arena_reset(s->arena);
	buf_clear(&s->envelope);
	buf_clear(&s->fields);
	s->env = NULL;
	err_clear(&s->over);
	s->part = PART_START;
	s->base = s->at = 0;
	s->wrapped = s->returned = false;
	s->content_n = 0;
}

int
p1_apdu_feed(struct p1_apdu *s, const uint8_t *p, size_t n, struct err *e)
{
	int64_t used = 0;

	if (n > 0 && !ber_scan_done(s->scan))
		used = ber_scan_feed(s->scan, p, n, e);
	if (used < 0) {
		if (e != NULL && e->offset == ERR_NO_OFFSET)
			e->offset = ber_scan_offset(s->scan);
		return (int)used;
	}
	if ((size_t)used < n)
		return err_at(e, "p1", ERR_SYNTAX, ber_scan_offset(s->scan),
		    "octets after the APDU");
	return 0;
}

int
p1_apdu_end(struct p1_apdu *s, struct err *e)
{
	if (!ber_scan_done(s->scan) || s->part != PART_END)
		return err_at(e, "p1", ERR_SYNTAX, ber_scan_offset(s->scan),
		    "the APDU is not complete");
	return 0;
}

struct mhs_envelope *
p1_apdu_envelope(struct p1_apdu *s)
{
	return s->env;
}

const struct err *
p1_apdu_over(const struct p1_apdu *s)
{
	return s->over.code != 0 ? &s->over : NULL;
}

struct arena *
p1_apdu_take(struct p1_apdu *s)
{
	struct arena *a = s->arena;

	s->arena = arena_new();
	s->env = NULL;
	return a;
}

/* --- the writer --- */

static int
write_message(const struct mhs_envelope *env, uint64_t content_n,
    const struct p1_dialect *dialect, struct buf *head, struct err *e)
{
	struct buf body = {0};
	int r = p1_envelope_encode(env, dialect, &body, e);

	if (r >= 0) {
		ber_put_header(
		    &body, BER_UNIVERSAL, false, BER_OCTET_STRING, content_n);
		ber_put_header(
		    head, BER_CONTEXT, true, 0, body.len + content_n);
		buf_append(head, body.data, body.len);
	}
	buf_free(&body);
	return r;
}

static void
join_report(const struct buf *envelope, const struct buf *fields,
    size_t returned_at, bool returned, uint64_t content_n, struct buf *head,
    struct buf *tail)
{
	uint64_t set = fields->len;

	if (returned)
		set += ber_header_size(1, content_n) + content_n;
	ber_put_header(head, BER_CONTEXT, true, 1,
	    envelope->len + ber_header_size(BER_SET, set) + set);
	buf_append(head, envelope->data, envelope->len);
	ber_put_header(head, BER_UNIVERSAL, true, BER_SET, set);
	buf_append(head, fields->data, returned_at);
	if (returned)
		ber_put_header(head, BER_CONTEXT, false, 1, content_n);
	buf_append(tail, fields->data + returned_at, fields->len - returned_at);
}

static int
write_report(const struct mhs_envelope *env, uint64_t content_n,
    const struct p1_dialect *dialect, struct buf *head, struct buf *tail,
    struct err *e)
{
	struct buf envelope = {0}, fields = {0};
	size_t returned_at;
	int r =
	    p1_report_encode(env, dialect, &envelope, &fields, &returned_at, e);

	if (r >= 0)
		join_report(&envelope, &fields, returned_at,
		    env->report->content_returned, content_n, head, tail);
	buf_free(&envelope);
	buf_free(&fields);
	return r;
}

int
p1_apdu_write(const struct mhs_envelope *env, uint64_t content_n,
    const struct p1_dialect *dialect, struct buf *head, struct buf *tail,
    struct err *e)
{
	bool none = env->kind == MHS_PROBE ||
	    (env->kind == MHS_REPORT && !env->report->content_returned);

	if (none && content_n > 0)
		return err_set(e, "p1", ERR_UNSUPPORTED,
		    "%llu octets of content where there is none",
		    (unsigned long long)content_n);
	switch (env->kind) {
	case MHS_MESSAGE:
		return write_message(env, content_n, dialect, head, e);
	case MHS_PROBE: return p1_envelope_encode(env, dialect, head, e);
	case MHS_REPORT:
		return write_report(env, content_n, dialect, head, tail, e);
	}
	return ERR_UNSUPPORTED;
}
