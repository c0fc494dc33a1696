#include "asn1/ber.h"

#include <stdlib.h>

#include "asn1/ber_header.h"
#include "lib/log.h"

#define LAYER "ber"
#define NO_LIMIT ((uint64_t)INT64_MAX)

enum state {
	HEADER,  /* in identifier or length octets */
	CONTENT, /* in the content octets of a primitive */
	DONE,    /* the outermost element ended */
	FAILED,  /* refused; stays so until reset */
};

/* A constructed element that is open. */
struct frame {
	uint64_t end;    /* offset after its content, or BER_INDEFINITE */
	uint64_t limit;  /* the least `end` of it and those around it */
	uint32_t string; /* the universal string it is a segment of, or 0 */
};

struct ber_scan {
	const struct ber_scan_ops *ops;
	void *arg;
	uint64_t max_size;
	unsigned max_depth;

	enum state state;
	int code;        /* FAILED: why */
	uint64_t offset; /* octets taken */
	struct ber_header header;
	uint64_t content_end; /* CONTENT: offset after the primitive */
	bool bits_first;      /* the next octet counts unused bits */
	bool bits_ended;      /* a segment with unused bits was the last */
	unsigned depth;       /* frames in use */
	struct frame frames[BER_DEPTH_MAX];
};

static const struct ber_scan_ops no_ops;

static void
scan_init(struct ber_scan *s, const struct ber_limits *limits,
    const struct ber_scan_ops *ops, void *arg)
{
	s->ops = ops != NULL ? ops : &no_ops;
	s->arg = arg;
	s->max_size = NO_LIMIT;
	s->max_depth = BER_DEPTH_MAX;
	if (limits != NULL && limits->max_size > 0 &&
	    limits->max_size < NO_LIMIT)
		s->max_size = limits->max_size;
	if (limits != NULL && limits->max_depth > 0 &&
	    limits->max_depth < BER_DEPTH_MAX)
		s->max_depth = limits->max_depth;
	ber_scan_reset(s);
}

struct ber_scan *
ber_scan_new(
    const struct ber_limits *limits, const struct ber_scan_ops *ops, void *arg)
{
	struct ber_scan *s = xmalloc(sizeof(*s));

	scan_init(s, limits, ops, arg);
	return s;
}

void
ber_scan_free(struct ber_scan **s)
{
	free(*s);
	*s = NULL;
}

void
ber_scan_reset(struct ber_scan *s)
{
	s->state = HEADER;
	s->code = 0;
	s->offset = 0;
	s->depth = 0;
	s->bits_first = s->bits_ended = false;
	s->header = (struct ber_header){0};
}

bool
ber_scan_done(const struct ber_scan *s)
{
	return s->state == DONE;
}

uint64_t
ber_scan_offset(const struct ber_scan *s)
{
	return s->offset;
}

static const struct frame *
top(const struct ber_scan *s)
{
	return s->depth > 0 ? &s->frames[s->depth - 1] : NULL;
}

static int
emit_close(struct ber_scan *s, bool indefinite, struct err *e)
{
	if (s->ops->close == NULL)
		return 0;
	return s->ops->close(s->arg, s->depth, indefinite, e);
}

/* An element ended at s->offset: with it end all definite ones around it that
 * reach no further. */
static int
element_ended(struct ber_scan *s, struct err *e)
{
	int r;

	while (s->depth > 0 && top(s)->end == s->offset) {
		s->depth--;
		if ((r = emit_close(s, false, e)) < 0)
			return r;
	}
	s->state = s->depth == 0 ? DONE : HEADER;
	s->header = (struct ber_header){0};
	return 0;
}

static int
end_of_contents(struct ber_scan *s, uint64_t start, struct err *e)
{
	int r;

	if (s->depth == 0 || top(s)->end != BER_INDEFINITE)
		return err_at(e, LAYER, ERR_SYNTAX, start,
		    "end-of-contents octets where no indefinite length is "
		    "open");
	if (s->header.raw_n != 2)
		return err_at(e, LAYER, ERR_SYNTAX, start + 1,
		    "end-of-contents octets are 00 00");
	s->depth--;
	if ((r = emit_close(s, true, e)) < 0)
		return r;
	return element_ended(s, e);
}

/* A constructed universal string holds segments of its own kind only. */
static int
check_segment(struct ber_scan *s, uint64_t start, struct err *e)
{
	const struct ber_tag *t = &s->header.tag;
	uint32_t string = s->depth > 0 ? top(s)->string : 0;

	if (string == 0) {
		s->bits_ended = false;
		return 0;
	}
	if (!ber_segment_fits(string, t))
		return err_at(e, LAYER, ERR_SYNTAX, start,
		    "not a segment of the string (universal %u) it is in",
		    string);
	if (s->bits_ended)
		return err_at(e, LAYER, ERR_SYNTAX, start,
		    "segment after a bit string segment with unused bits");
	return 0;
}

static int
check_length(struct ber_scan *s, uint64_t start, struct err *e)
{
	const struct frame *f = top(s);
	uint64_t length = s->header.length;
	uint64_t at = start + s->header.length_at;

	if (length == BER_INDEFINITE)
		return 0;
	if (f != NULL && f->limit != BER_INDEFINITE &&
	    length > f->limit - s->offset)
		return err_at(e, LAYER, ERR_SYNTAX, at,
		    "length %llu exceeds the %llu octets left in the element "
		    "around it",
		    (unsigned long long)length,
		    (unsigned long long)(f->limit - s->offset));
	if (length > s->max_size - s->offset)
		return err_at(e, LAYER, ERR_LIMIT, at,
		    "length %llu exceeds the limit of %llu octets in all",
		    (unsigned long long)length,
		    (unsigned long long)s->max_size);
	return 0;
}

static int
emit_open(struct ber_scan *s, struct err *e)
{
	struct ber_open o = {
	    .tag = s->header.tag,
	    .length = s->header.length,
	    .raw = s->header.raw,
	    .raw_n = s->header.raw_n,
	};

	if (s->ops->open == NULL)
		return 0;
	return s->ops->open(s->arg, s->depth, &o, e);
}

static int
open_primitive(struct ber_scan *s, struct err *e)
{
	const struct ber_tag *t = &s->header.tag;
	int r;

	if ((r = emit_open(s, e)) < 0)
		return r;
	s->content_end = s->offset + s->header.length;
	s->bits_first = BER_IS(*t, BER_UNIVERSAL, BER_BIT_STRING);
	s->state = CONTENT;
	return 0;
}

static int
open_constructed(struct ber_scan *s, uint64_t start, struct err *e)
{
	const struct ber_header *h = &s->header;
	const struct frame *outer = top(s);
	struct frame *f;
	int r;

	if (s->depth >= s->max_depth)
		return err_at(e, LAYER, ERR_LIMIT, start,
		    "more than %u constructed elements in each other",
		    s->max_depth);
	if ((r = emit_open(s, e)) < 0)
		return r;
	f = &s->frames[s->depth];
	f->limit = outer != NULL ? outer->limit : BER_INDEFINITE;
	f->end = BER_INDEFINITE;
	if (h->length != BER_INDEFINITE)
		f->limit = f->end = s->offset + h->length;
	f->string = ber_is_string(&h->tag) ? h->tag.number : 0;
	s->depth++;
	s->state = HEADER;
	s->header = (struct ber_header){0};
	return 0;
}

static int
header_complete(struct ber_scan *s, struct err *e)
{
	uint64_t start = s->offset - s->header.raw_n;
	int r;

	if (BER_IS(s->header.tag, BER_UNIVERSAL, BER_EOC))
		return end_of_contents(s, start, e);
	if ((r = check_segment(s, start, e)) < 0 ||
	    (r = check_length(s, start, e)) < 0)
		return r;
	if (s->header.tag.constructed) {
		if ((r = open_constructed(s, start, e)) < 0)
			return r;
		return top(s)->end == s->offset ? element_ended(s, e) : 0;
	}
	return open_primitive(s, e);
}

static int
header_octet(struct ber_scan *s, uint8_t c, struct err *e)
{
	const struct frame *f = top(s);
	int r;

	if (f != NULL && s->offset >= f->limit)
		return err_at(e, LAYER, ERR_SYNTAX, s->offset,
		    "tag or length runs past the element around it");
	if (s->offset >= s->max_size)
		return err_at(e, LAYER, ERR_LIMIT, s->offset,
		    "more than %llu octets", (unsigned long long)s->max_size);
	r = ber_header_put(&s->header, c, s->offset, e);
	if (r < 0)
		return r;
	s->offset++;
	return r > 0 ? header_complete(s, e) : 0;
}

/* The first content octet of a BIT STRING (X.690 8.6.2). */
static int
check_bits(struct ber_scan *s, uint8_t unused, struct err *e)
{
	s->bits_first = false;
	if (unused > 7 || (unused > 0 && s->content_end - s->offset == 1))
		return err_at(e, LAYER, ERR_SYNTAX, s->offset,
		    "bit string with %u unused bits", unused);
	s->bits_ended = unused > 0;
	return 0;
}

/* Takes content octets of the open primitive: how many, or negative. */
static int64_t
content(struct ber_scan *s, const uint8_t *p, size_t n, struct err *e)
{
	uint64_t left = s->content_end - s->offset;
	int r;

	if (n > left)
		n = (size_t)left;
	if (s->bits_first && n > 0 && (r = check_bits(s, p[0], e)) < 0)
		return r;
	s->offset += n;
	if (n > 0 && s->ops->data != NULL &&
	    (r = s->ops->data(s->arg, s->depth, p, n, e)) < 0)
		return r;
	return (int64_t)n;
}

/* What needs no further octet: ends a primitive that is complete (an empty one
 * at once), and refuses an indefinite length for whose end-of-contents octets
 * the element around it leaves no room. */
static int
settle(struct ber_scan *s, struct err *e)
{
	int r;

	if (s->state == CONTENT && s->offset == s->content_end) {
		if ((r = emit_close(s, false, e)) < 0)
			return r;
		if ((r = element_ended(s, e)) < 0)
			return r;
	}
	if (s->state == HEADER && s->header.raw_n == 0 &&
	    s->offset >= top(s)->limit)
		return err_at(e, LAYER, ERR_SYNTAX, s->offset,
		    "end-of-contents octets missing");
	return 0;
}

static int64_t
feed_some(struct ber_scan *s, const uint8_t *p, size_t n, struct err *e)
{
	int64_t took = 1;
	int r;

	if (s->state == CONTENT)
		took = content(s, p, n, e);
	else if ((r = header_octet(s, p[0], e)) < 0)
		return r;
	if (took < 0)
		return took;
	if ((r = settle(s, e)) < 0)
		return r;
	return took;
}

int64_t
ber_scan_feed(struct ber_scan *s, const uint8_t *p, size_t n, struct err *e)
{
	size_t used = 0;
	int64_t took;

	if (s->state == FAILED)
		return err_at(e, LAYER, s->code, s->offset,
		    "octets after an element that was refused");
	while (used < n && s->state != DONE) {
		took = feed_some(s, p + used, n - used, e);
		if (took < 0) {
			s->state = FAILED;
			s->code = (int)took;
			return took;
		}
		used += (size_t)took;
	}
	return (int64_t)used;
}

int64_t
ber_check(
    const uint8_t *p, size_t n, const struct ber_limits *limits, struct err *e)
{
	struct ber_scan s;
	int64_t used;

	scan_init(&s, limits, NULL, NULL);
	used = ber_scan_feed(&s, p, n, e);
	if (used < 0)
		return used;
	if (s.state != DONE)
		return err_at(
		    e, LAYER, ERR_SYNTAX, s.offset, "element ends too early");
	return used;
}
