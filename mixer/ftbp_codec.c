#include "mixer/ipm.h"

#include <string.h>

/*
 * FileTransferParameters (X.420 annex on file transfer, after ISO 8571-2).
 * The types are CHOICEs within CHOICEs: what RFC 2157 2.3 maps is picked out
 * by its path of tags, one table for both directions.
 */

#define OID_UNSTRUCTURED_BINARY "1.0.8571.5.3"
#define MARKER "Internet MIME Body Part"

static struct octets
take(struct arena *a, struct buf *b)
{
	struct octets o = {arena_memdup(a, b->data, b->len), b->len};

	buf_free(b);
	return o;
}

/* Context tags from the root to a value; a universal tag is 100 + number, an
 * application tag 200 + number. */
#define U(n) (100 + (n))
#define A(n) (200 + (n))

static bool
walk(const struct ber_tlv *root, const int *path, size_t n, struct ber_tlv *out)
{
	*out = *root;
	for (size_t i = 0; i < n; i++) {
		struct ber_tlv in = *out;
		enum ber_class cls = path[i] >= A(0) ? BER_APPLICATION
		    : path[i] >= U(0)                ? BER_UNIVERSAL
						     : BER_CONTEXT;

		if (!in.tag.constructed ||
		    ber_find(&in, cls, (uint32_t)path[i] % 100, out, NULL) != 1)
			return false;
	}
	return true;
}

#define WALK(root, out, ...)                   \
	walk(root, (const int[]){__VA_ARGS__}, \
	    sizeof((const int[]){__VA_ARGS__}) / sizeof(int), out)

static const char *
text_of(struct arena *a, const struct ber_tlv *t)
{
	struct octets s;

	if (ber_string(a, t, &s, NULL) < 0)
		return NULL;
	return arena_strndup(a, (const char *)s.p, s.n);
}

/* file-attributes: the dates, by their tag. */
static const struct {
	int tag;
	size_t offset;
} dates[] = {
    {4, offsetof(struct ipm_ftbp, created)},
    {5, offsetof(struct ipm_ftbp, modified)},
    {6, offsetof(struct ipm_ftbp, read)},
};
#define N_DATES (sizeof(dates) / sizeof(dates[0]))

static const char **
date_slot(struct ipm_ftbp *f, size_t i)
{
	return (const char **)((char *)f + dates[i].offset);
}

static void
get_attributes(
    struct arena *a, const struct ber_tlv *root, struct ipm_ftbp *out)
{
	struct ber_tlv t;

	/* incomplete-pathname [0], or complete-pathname [23] */
	if (WALK(root, &t, 4, 0, U(BER_GRAPHIC_STRING)) ||
	    WALK(root, &t, 4, 23, U(BER_GRAPHIC_STRING)))
		out->filename = text_of(a, &t);
	for (size_t i = 0; i < N_DATES; i++)
		if (WALK(root, &t, 4, dates[i].tag, 1))
			*date_slot(out, i) = text_of(a, &t);
	if (WALK(root, &t, 4, 13, 1) && ber_integer(&t, &out->size, NULL) < 0)
		out->size = -1;
}

static void
get_related(struct arena *a, const struct ber_tlv *root, struct ipm_ftbp *out)
{
	struct ber_tlv t;
	const char *s;

	if (!WALK(root, &t, 0, U(BER_SEQUENCE), 1) ||
	    !WALK(root, &t, 0, U(BER_SEQUENCE), 1, 1, 1))
		return;
	out->content_id = text_of(a, &t);
	/* the marker stands in relationship: [1] after [1] or [0] */
	if (WALK(root, &t, 0, U(BER_SEQUENCE))) {
		struct ber_cursor c = ber_children(&t);
		struct ber_tlv x, last = {0};

		while (ber_next(&c, &x, NULL) == 1)
			last = x;
		s = last.start == NULL || last.tag.constructed
		    ? NULL
		    : text_of(a, &last);
		if (s == NULL || strcmp(s, MARKER) != 0)
			out->content_id = NULL;
	}
}

static void
get_extensions(
    struct arena *a, const struct ber_tlv *root, struct ipm_ftbp *out)
{
	struct ber_tlv exts, x, oid, value;
	struct ber_cursor c, xc;

	if (!WALK(root, &exts, 5))
		return;
	c = ber_children(&exts);
	while (ber_next(&c, &x, NULL) == 1) {
		const char *text;

		xc = ber_children(&x);
		if (!x.tag.constructed || ber_next(&xc, &oid, NULL) != 1 ||
		    ber_next(&xc, &value, NULL) != 1)
			continue;
		text = ber_oid_text(a, oid.value, oid.length, NULL);
		if (text != NULL && strcmp(text, IPM_OID_RFC822_FIELDS) == 0)
			out->fields = ipm_fields_decode(a,
			    (struct octets){value.start, value.size},
			    &out->n_fields);
	}
}

static void
get_params(struct arena *a, const struct ber_tlv *root, struct ipm_ftbp *out)
{
	struct ber_tlv t;
	const char *oid;

	/* Document-Type-Name has FTAM's application tag, or none */
	if (WALK(root, &t, 1, 0, A(14)) || WALK(root, &t, 1, 0, U(BER_OID))) {
		oid = ber_oid_text(a, t.value, t.length, NULL);
		out->mappable &=
		    oid != NULL && strcmp(oid, OID_UNSTRUCTURED_BINARY) == 0;
	}
	if (WALK(root, &t, 3))
		out->mappable = false; /* compression */
	if (WALK(root, &t, 2, 0, 0))
		out->application = ber_oid_text(a, t.value, t.length, NULL);
	if (WALK(root, &t, 2, 3, U(BER_GRAPHIC_STRING)))
		out->description = text_of(a, &t);
	get_related(a, root, out);
	get_attributes(a, root, out);
	get_extensions(a, root, out);
}

/* FileTransferData: one EXTERNAL with the octets. */
static bool
get_data(struct arena *a, const struct ber_tlv *root, struct ipm_ftbp *out)
{
	struct ber_cursor c = ber_children(root);
	struct ber_tlv x, t;

	if (ber_next(&c, &x, NULL) != 1 || !x.tag.constructed)
		return false;
	if (!WALK(&x, &t, 1) && !WALK(&x, &t, 0, U(BER_OCTET_STRING)))
		return false;
	if (ber_string(a, &t, &out->data, NULL) < 0)
		return false;
	return ber_next(&c, &x, NULL) == 0;
}

static bool
root_of(struct octets o, struct ber_tlv *t)
{
	struct ber_cursor c = ber_cursor(o.p, o.n);

	return o.p != NULL && ber_next(&c, t, NULL) == 1 && t->tag.constructed;
}

bool
ipm_ftbp_get(struct arena *a, const struct ipm_part *p, struct ipm_ftbp *out)
{
	struct ber_tlv t;

	*out = (struct ipm_ftbp){.size = -1, .mappable = true};
	if (p->octet_aligned || !root_of(p->value, &t))
		return false;
	out->mappable = get_data(a, &t, out);
	if (root_of(p->params, &t))
		get_params(a, &t, out);
	return true;
}

/* --- writing --- */

/* A primitive inside constructed context tags, innermost last. */
static void
put_in(struct buf *b, const int *path, size_t n, enum ber_class cls,
    uint32_t number, const void *p, size_t len)
{
	size_t from = b->len;

	ber_put(b, cls, number, p, len);
	for (size_t i = n; i-- > 0;)
		ber_wrap(b, from, BER_CONTEXT, (uint32_t)path[i]);
}

#define PUT_IN(b, cls, number, p, len, ...)                                   \
	put_in(b, (const int[]){__VA_ARGS__},                                 \
	    sizeof((const int[]){__VA_ARGS__}) / sizeof(int), cls, number, p, \
	    len)

static void
put_application(struct buf *b, const char *oid)
{
	struct buf o = {0};

	/* application-reference [0], registered-identifier [0] */
	if (ber_oid_put(&o, oid, NULL) == 0)
		PUT_IN(b, BER_CONTEXT, 0, o.data, o.len, 0);
	buf_free(&o);
}

static void
put_related(struct buf *b, const struct ipm_ftbp *f)
{
	size_t from = b->len, seq, ref;

	if (f->content_id == NULL)
		return;
	seq = b->len;
	ber_put(b, BER_CONTEXT, 0, "", 0); /* application-cross-reference */
	ref = b->len;
	ber_put(b, BER_CONTEXT, 1, f->content_id, strlen(f->content_id));
	ber_wrap(b, ref, BER_CONTEXT, 1); /* message-reference */
	ber_wrap(b, seq, BER_CONTEXT, 1); /* cross-reference */
	ber_put(b, BER_CONTEXT, 1, MARKER, strlen(MARKER));
	ber_wrap(b, seq, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(b, from, BER_CONTEXT, 0);
}

static void
put_attributes(struct buf *b, const struct ipm_ftbp *f)
{
	size_t from = b->len;

	if (f->filename != NULL)
		PUT_IN(b, BER_UNIVERSAL, BER_GRAPHIC_STRING, f->filename,
		    strlen(f->filename), 0);
	for (size_t i = 0; i < N_DATES; i++) {
		const char *s = *date_slot((struct ipm_ftbp *)(uintptr_t)f, i);

		if (s != NULL)
			PUT_IN(b, BER_CONTEXT, 1, s, strlen(s), dates[i].tag);
	}
	if (f->size >= 0) {
		size_t at = b->len;

		ber_put_integer(b, BER_CONTEXT, 1, f->size);
		ber_wrap(b, at, BER_CONTEXT, 13);
	}
	if (b->len > from)
		ber_wrap(b, from, BER_CONTEXT, 4);
}

static void
put_extensions(struct arena *a, struct buf *b, const struct ipm_ftbp *f)
{
	size_t from = b->len;
	struct octets list;
	struct buf oid = {0};

	if (f->n_fields == 0)
		return;
	list = ipm_fields_encode(a, f->fields, f->n_fields);
	ber_oid_put(&oid, IPM_OID_RFC822_FIELDS, NULL);
	ber_put(b, BER_UNIVERSAL, BER_OID, oid.data, oid.len);
	buf_free(&oid);
	buf_append(b, list.p, list.n);
	ber_wrap(b, from, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(b, from, BER_CONTEXT, 5);
}

static void
put_environment(struct buf *b, const struct ipm_ftbp *f)
{
	size_t from = b->len;

	put_application(b, f->application);
	if (f->description != NULL)
		PUT_IN(b, BER_UNIVERSAL, BER_GRAPHIC_STRING, f->description,
		    strlen(f->description), 3);
	ber_wrap(b, from, BER_CONTEXT, 2);
}

void
ipm_ftbp_put(struct arena *a, const struct ipm_ftbp *f, struct ipm_part *p)
{
	struct buf b = {0}, oid = {0};

	p->type = IPM_EXTERNALLY_DEFINED;
	p->oid = IPM_OID_FILE_TRANSFER;
	p->params_oid = IPM_OID_FILE_TRANSFER_PARAMS;
	put_related(&b, f);
	/* contents-type is left out: its default is unstructured-binary */
	put_environment(&b, f);
	put_attributes(&b, f);
	put_extensions(a, &b, f);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	p->params = take(a, &b);

	/* FileTransferData: direct-reference names the abstract syntax */
	ber_oid_put(&oid, OID_UNSTRUCTURED_BINARY, NULL);
	ber_put(&b, BER_UNIVERSAL, BER_OID, oid.data, oid.len);
	buf_free(&oid);
	ber_put(&b, BER_CONTEXT, 1, f->data.p, f->data.n);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_EXTERNAL);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	p->value = take(a, &b);
}
