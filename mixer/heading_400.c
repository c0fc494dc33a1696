/*
 * RFC 822 fields -> IPMS heading (RFC 2156 5.1.3, 5.1.7): one table by field
 * name. What is not in it goes into the rfc-822-field extension.
 */
#include "mixer/internal.h"

#include <gmime/gmime.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define SUBJECT_MAX 128  /* ub-subject-field */
#define FREE_FORM_MAX 64 /* ub-free-form-name */
#define ADDRESSES_MAX 10000
#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

struct pass {
	struct mixer_conv *cv;
	const struct mixer_header *h;
	struct ipm *m;
	const char **fields; /* for the rfc-822-field extension */
	size_t n_fields;
	struct ipm_ids in_reply_to;
};

static void
keep(struct pass *p, const struct mixer_field *f)
{
	*(const char **)arena_push(
	    p->cv->a, &p->fields, &p->n_fields, sizeof(*p->fields)) =
	    arena_printf(p->cv->a, "%s: %s", f->name, f->value);
}

static void
add_ext(struct pass *p, const char *oid, const uint8_t *value, size_t n)
{
	struct ipm_ext *x =
	    arena_push(p->cv->a, &p->m->exts.v, &p->m->exts.n, sizeof(*x));

	x->oid = oid;
	x->value =
	    (struct octets){n > 0 ? arena_memdup(p->cv->a, value, n) : NULL, n};
}

/* --- addresses --- */

static void
add_mailbox(
    struct pass *p, const char *name, const char *addr, struct ipm_or_descs *l)
{
	struct ipm_or_desc d = {
	    .notification_requests = -1, .reply_requested = -1};
	struct mhs_or *ora = NULL;
	bool exact;

	if (addr != NULL &&
	    mixer_mailbox_to_or(p->cv->a, p->cv->c, addr, &ora, NULL) < 0)
		mixer_lose(p->cv, arena_printf(p->cv->a, "address %s", addr),
		    "no O/R address; kept as a name");
	d.formal_name = ora;
	if (ora == NULL && name == NULL)
		name = addr;
	if (name != NULL && *name != '\0') {
		d.free_form_name =
		    mixer_t61_encode(p->cv->a, name, FREE_FORM_MAX, &exact);
		if (!exact)
			mixer_lose(p->cv,
			    arena_printf(p->cv->a, "name %s", name),
			    "cut, or not in T.61");
	}
	*(struct ipm_or_desc *)arena_push(p->cv->a, &l->v, &l->n, sizeof(d)) =
	    d;
}

static void
add_list(struct pass *p, InternetAddressList *list, struct ipm_or_descs *l,
    unsigned depth)
{
	int n = list == NULL ? 0 : internet_address_list_length(list);

	for (int i = 0; i < n && l->n < ADDRESSES_MAX; i++) {
		InternetAddress *ia =
		    internet_address_list_get_address(list, i);
		const char *name = internet_address_get_name(ia);

		if (INTERNET_ADDRESS_IS_MAILBOX(ia)) {
			add_mailbox(p, name,
			    internet_address_mailbox_get_addr(
				INTERNET_ADDRESS_MAILBOX(ia)),
			    l);
		} else if (depth < MIXER_DEPTH_MAX) {
			/* 4.7.1: the group's name, and each member */
			add_mailbox(p, name, NULL, l);
			add_list(p,
			    internet_address_group_get_members(
				INTERNET_ADDRESS_GROUP(ia)),
			    l, depth + 1);
		}
	}
}

static void
addresses(struct pass *p, const struct mixer_field *f, struct ipm_or_descs *l)
{
	InternetAddressList *list = internet_address_list_parse(NULL, f->value);
	size_t before = l->n;

	l->present = true;
	add_list(p, list, l, 0);
	if (list != NULL)
		g_object_unref(list);
	if (l->n == before && *f->value != '\0')
		keep(p, f);
}

static struct ipm_or_desc *
first(struct pass *p, const struct mixer_field *f)
{
	struct ipm_or_descs l = {0};

	addresses(p, f, &l);
	return l.n > 0 ? l.v : NULL;
}

/* --- the handlers --- */

typedef void handler(
    struct pass *p, const struct mixer_field *f, size_t offset);

#define AT(p, offset, type) ((type *)(void *)((char *)(p)->m + (offset)))

static void
ignore(struct pass *p, const struct mixer_field *f, size_t offset)
{
	(void)p;
	(void)f;
	(void)offset;
}

static void
do_list(struct pass *p, const struct mixer_field *f, size_t offset)
{
	addresses(p, f, AT(p, offset, struct ipm_or_descs));
}

static void
do_from(struct pass *p, const struct mixer_field *f, size_t offset)
{
	(void)offset;
	if (mixer_header_get(p->h, "Sender") != NULL) {
		addresses(p, f, &p->m->authorizing);
		return;
	}
	p->m->originator = first(p, f);
	/* several authors and no Sender: the first sent it, all wrote it */
	struct ipm_or_descs all = {0};

	addresses(p, f, &all);
	if (all.n > 1)
		p->m->authorizing = all;
}

static void
do_sender(struct pass *p, const struct mixer_field *f, size_t offset)
{
	(void)offset;
	p->m->originator = first(p, f);
}

static void
do_message_id(struct pass *p, const struct mixer_field *f, size_t offset)
{
	bool exact;

	(void)offset;
	p->m->this_ipm = *mixer_msgid_to_ipm(p->cv, f->value, &exact);
	if (!exact) {
		keep(p, f);
		mixer_lose(p->cv, "field Message-ID",
		    "identifier cut to 64 characters; kept in an extension");
	}
}

/* The msg-ids and phrases of a field (RFC 822 4.6). */
static void
ids(struct pass *p, const struct mixer_field *f, struct ipm_ids *l)
{
	const char *s = f->value;
	bool exact, all = true;

	while (*s != '\0' && l->n < MIXER_FIELDS_MAX) {
		size_t n;

		s += strspn(s, " ,");
		if (*s == '\0')
			break;
		n = *s == '<' ? strcspn(s, ">") + 1 : strcspn(s, "<");
		n = strnlen(s, n);
		*(struct ipm_id *)arena_push(p->cv->a, &l->v, &l->n,
		    sizeof(*l->v)) = *mixer_msgid_to_ipm(p->cv,
		    arena_strndup(p->cv->a, s, n), &exact);
		all &= exact;
		s += n;
	}
	if (!all)
		keep(p, f);
}

static void
do_ids(struct pass *p, const struct mixer_field *f, size_t offset)
{
	ids(p, f, AT(p, offset, struct ipm_ids));
}

static void
do_in_reply_to(struct pass *p, const struct mixer_field *f, size_t offset)
{
	(void)offset;
	ids(p, f, &p->in_reply_to);
}

static void
do_subject(struct pass *p, const struct mixer_field *f, size_t offset)
{
	const char *utf8 = mixer_2047_decode(p->cv->a, f->value);
	bool exact;

	(void)offset;
	p->m->subject = mixer_t61_encode(p->cv->a, utf8, SUBJECT_MAX, &exact);
	if (!exact) {
		keep(p, f);
		mixer_lose(p->cv, "field Subject",
		    "cut, or not in T.61; kept whole in an extension");
	}
}

static void
do_time(struct pass *p, const struct mixer_field *f, size_t offset)
{
	struct mixer_date d;

	if (mixer_date_from_822(f->value, &d))
		*AT(p, offset, const char *) = mixer_date_utc(p->cv->a, &d);
	else
		keep(p, f);
}

/* Words and their numbers, for the fields that are one word. */
static const struct word {
	const char *field, *word;
	int value;
} words[] = {
    {"Importance", "low", 0},
    {"Importance", "normal", 1},
    {"Importance", "high", 2},
    {"Sensitivity", "personal", 1},
    {"Sensitivity", "private", 2},
    {"Sensitivity", "company-confidential", 3},
    {"Autoforwarded", "false", 0},
    {"Autoforwarded", "true", 1},
    {"Auto-Forwarded", "false", 0},
    {"Auto-Forwarded", "true", 1},
    {"Autosubmitted", "not-auto-submitted", 0},
    {"Autosubmitted", "auto-generated", 1},
    {"Autosubmitted", "auto-replied", 2},
    {"Auto-Submitted", "no", 0},
    {"Auto-Submitted", "auto-generated", 1},
    {"Auto-Submitted", "auto-replied", 2},
};

static int
word_value(const struct mixer_field *f)
{
	size_t n = strcspn(f->value, " ;(");

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcasecmp(words[i].field, f->name) == 0 &&
		    strlen(words[i].word) == n &&
		    strncasecmp(words[i].word, f->value, n) == 0)
			return words[i].value;
	return -1;
}

static void
do_word(struct pass *p, const struct mixer_field *f, size_t offset)
{
	int v = word_value(f);

	if (v < 0)
		keep(p, f);
	else
		*AT(p, offset, int) = v;
}

static void
do_autosubmitted(struct pass *p, const struct mixer_field *f, size_t offset)
{
	int v = word_value(f);
	struct buf b = {0};

	(void)offset;
	if (v < 0) {
		keep(p, f);
		return;
	}
	ber_put_integer(&b, BER_UNIVERSAL, BER_ENUMERATED, v);
	add_ext(p, "2.6.1.5.2", b.data, b.len);
	buf_free(&b);
}

static void
do_incomplete(struct pass *p, const struct mixer_field *f, size_t offset)
{
	(void)f;
	(void)offset;
	add_ext(p, "2.6.1.5.0", NULL, 0);
}

static void
do_languages(struct pass *p, const struct mixer_field *f, size_t offset)
{
	const char *s = f->value;
	bool exact = true;
	struct buf b = {0};

	(void)offset;
	for (; *s != '\0'; s += *s == ',') {
		size_t n;

		s += strspn(s, " ");
		n = strcspn(s, ", (");
		if (n >= 2 && mixer_is_printable(s, 2))
			ber_put(&b, BER_UNIVERSAL, BER_PRINTABLE_STRING, s, 2);
		exact &= n == 2;
		s += n;
		exact &= s[strspn(s, " ")] == ',' || *s == '\0';
		s += strcspn(s, ",");
	}
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SET);
	if (b.len > 2)
		add_ext(p, "2.6.1.5.1", b.data, b.len);
	buf_free(&b);
	if (!exact)
		keep(p, f);
}

static const struct {
	const char *name;
	handler *fn;
	size_t offset;
} rows[] = {
    {"From", do_from, 0},
    {"Sender", do_sender, 0},
    {"To", do_list, offsetof(struct ipm, primary)},
    {"Cc", do_list, offsetof(struct ipm, copy)},
    {"Bcc", do_list, offsetof(struct ipm, blind_copy)},
    {"Reply-To", do_list, offsetof(struct ipm, reply)},
    {"Subject", do_subject, 0},
    {"Message-ID", do_message_id, 0},
    {"In-Reply-To", do_in_reply_to, 0},
    {"References", do_ids, offsetof(struct ipm, related)},
    {"Supersedes", do_ids, offsetof(struct ipm, obsoleted)},
    {"Obsoletes", do_ids, offsetof(struct ipm, obsoleted)},
    {"Expires", do_time, offsetof(struct ipm, expiry_time)},
    {"Expiry-Date", do_time, offsetof(struct ipm, expiry_time)},
    {"Reply-By", do_time, offsetof(struct ipm, reply_time)},
    {"Importance", do_word, offsetof(struct ipm, importance)},
    {"Sensitivity", do_word, offsetof(struct ipm, sensitivity)},
    {"Autoforwarded", do_word, offsetof(struct ipm, auto_forwarded)},
    {"Auto-Forwarded", do_word, offsetof(struct ipm, auto_forwarded)},
    {"Autosubmitted", do_autosubmitted, 0},
    {"Auto-Submitted", do_autosubmitted, 0},
    {"Incomplete-Copy", do_incomplete, 0},
    {"Content-Language", do_languages, 0},
    /* the envelope's (envelope_400.c) */
    {"Date", ignore, 0},
    {"Received", ignore, 0},
    {"Return-Path", ignore, 0},
    {"X400-Received", ignore, 0},
    {"DL-Expansion-History", ignore, 0},
    {"Priority", ignore, 0},
    {"Conversion", ignore, 0},
    {"Conversion-With-Loss", ignore, 0},
    {"Deferred-Delivery", ignore, 0},
    {"Latest-Delivery-Time", ignore, 0},
    {"X400-Content-Identifier", ignore, 0},
    {"Original-Encoded-Information-Types", ignore, 0},
    {"Originator-Return-Address", ignore, 0},
    {"Delivery-Date", ignore, 0},
    /* the body's (body_400.c) */
    {"MIME-Version", ignore, 0},
    {"Content-Type", ignore, 0},
    {"Content-Transfer-Encoding", ignore, 0},
    {"Content-ID", ignore, 0},
    {"Content-Description", ignore, 0},
    {"Content-Disposition", ignore, 0},
    /* RFC 2156 5.1.7: not mapped, not kept */
    {"Discarded-X400-MTS-Extensions", ignore, 0},
    {"Discarded-X400-IPMS-Extensions", ignore, 0},
    {"Message-Type", ignore, 0},
    {"X400-Content-Type", ignore, 0},
    {"X400-Originator", ignore, 0},
    {"X400-Recipients", ignore, 0},
    {"X400-MTS-Identifier", ignore, 0},
};

/* RFC 5322 3.6: a field of which there is one. The first stands, as it does
 * for the envelope. */
static bool
is_repeated(struct pass *p, const struct mixer_field *f)
{
	static const char *const once[] = {"From", "Sender", "Subject",
	    "Message-ID", "Expires", "Expiry-Date", "Reply-By", "Importance",
	    "Sensitivity"};

	for (size_t i = 0; i < COUNT(once); i++)
		if (strcasecmp(once[i], f->name) == 0)
			return mixer_header_get(p->h, f->name) != f->value;
	return false;
}

static void
one(struct pass *p, const struct mixer_field *f)
{
	struct mixer_date d;

	if (is_repeated(p, f)) {
		mixer_lose(p->cv, arena_printf(p->cv->a, "field %s", f->name),
		    "there is one already: %s", f->value);
		return;
	}

	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcasecmp(rows[i].name, f->name) == 0) {
			rows[i].fn(p, f, rows[i].offset);
			/* 5.1.3: a Date that is none is kept as it is */
			if (strcasecmp(f->name, "Date") == 0 &&
			    !mixer_date_from_822(f->value, &d))
				keep(p, f);
			return;
		}
	keep(p, f);
}

/* The IA5String of the extension holds 7 bits: the rest by RFC 2047. */
static void
put_fields(struct pass *p)
{
	struct octets o;

	if (p->n_fields == 0)
		return;
	for (size_t i = 0; i < p->n_fields; i++) {
		const char *s = p->fields[i], *v = strchr(s, ':') + 2;

		if (!mixer_is_ascii((const uint8_t *)v, strlen(v)))
			p->fields[i] =
			    arena_printf(p->cv->a, "%.*s%s", (int)(v - s), s,
				mixer_2047_text(
				    p->cv->a, mixer_2047_decode(p->cv->a, v)));
	}
	o = ipm_fields_encode(p->cv->a, p->fields, p->n_fields);
	add_ext(p, IPM_OID_RFC822_FIELDS, o.p, o.n);
}

static void
put_in_reply_to(struct pass *p)
{
	struct ipm *m = p->m;

	if (p->in_reply_to.n == 1) {
		m->replied_to = p->in_reply_to.v;
		return;
	}
	/* several: they go with the References */
	for (size_t i = 0; i < p->in_reply_to.n; i++)
		*(struct ipm_id *)arena_push(p->cv->a, &m->related.v,
		    &m->related.n, sizeof(*m->related.v)) = p->in_reply_to.v[i];
}

int
mixer_heading_to_400(
    struct mixer_conv *cv, const struct mixer_header *h, struct ipm *m)
{
	struct pass p = {.cv = cv, .h = h, .m = m};

	m->this_ipm.relative = NULL;
	for (size_t i = 0; i < h->n; i++)
		one(&p, &h->v[i]);
	if (m->this_ipm.relative == NULL)
		m->this_ipm.relative = arena_printf(cv->a, "%llx.%llx.%x.%x",
		    (unsigned long long)cv->now, (unsigned long long)cv->seed,
		    cv->depth, cv->parts);
	put_in_reply_to(&p);
	put_fields(&p);
	/* an empty list is said only for Bcc (5.1.3) */
	m->primary.present = m->copy.present = m->reply.present =
	    m->authorizing.present = false;
	return 0;
}
