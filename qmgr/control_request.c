#include "qmgr/control_request.h"

#include <stdlib.h>
#include <string.h>

#include "qmgr/control_row.h"
#include "qmgr/record.h"

/* Fields of a request. */
enum field {
	F_CHANNEL,
	F_PEER,
	F_FROM,
	F_TO,
	F_LEVELS,
	F_STATES,
	F_KINDS,
	F_ARRIVED_AFTER,
	F_ARRIVED_BEFORE,
	F_AFTER,
	F_EPOCH,
	F_TARGETS,
	F_TO_PEER,
	F_LEVEL,
	F_REASON,
	F_DIAGNOSTIC,
	F_STATUS,
	F_TEXT,
	F_ASKED,
	FIELDS
};
#define BIT(f) (1u << (f))

#define WAY (BIT(F_CHANNEL) | BIT(F_PEER))
#define WHERE (BIT(F_TARGETS) | BIT(F_ASKED) | WAY)

static const struct {
	const char *name;
	bool acts;
	unsigned allowed, needed;
} verbs[Q_VERBS] = {
    [Q_VERB_LIST] = {"list", false, BIT(F_EPOCH + 1) - 1, 0},
    [Q_VERB_SHOW] = {"show", false, BIT(F_TARGETS), BIT(F_TARGETS)},
    [Q_VERB_STATUS] = {"status", false, 0, 0},
    [Q_VERB_HOLD] = {"hold", true, WHERE, BIT(F_TARGETS)},
    [Q_VERB_RELEASE] = {"release", true, WHERE, BIT(F_TARGETS)},
    [Q_VERB_RETRY] = {"retry", true, WHERE, BIT(F_TARGETS)},
    [Q_VERB_REDIRECT] = {"redirect", true, WHERE | BIT(F_TO_PEER),
	BIT(F_TARGETS) | BIT(F_TO_PEER)},
    [Q_VERB_RETURN] = {"return", true,
	WHERE | BIT(F_REASON) | BIT(F_DIAGNOSTIC) | BIT(F_STATUS) | BIT(F_TEXT),
	BIT(F_TARGETS) | BIT(F_REASON) | BIT(F_DIAGNOSTIC) | BIT(F_STATUS) |
	    BIT(F_TEXT)},
    [Q_VERB_DELETE] = {"delete", true, WHERE, BIT(F_TARGETS)},
    [Q_VERB_PRIORITY] = {"priority", true,
	BIT(F_TARGETS) | BIT(F_ASKED) | BIT(F_LEVEL),
	BIT(F_TARGETS) | BIT(F_LEVEL)},
    [Q_VERB_STOP] = {"stop", true, WAY, 0},
    [Q_VERB_START] = {"start", true, WAY, 0},
    [Q_VERB_RETRY_PEER] = {"retry_peer", true, BIT(F_PEER), BIT(F_PEER)},
};

const char *
q_verb_name(enum q_verb verb)
{
	return verbs[verb].name;
}

bool
q_verb_acts(enum q_verb verb)
{
	return verbs[verb].acts;
}

/* --- the values --- */

struct reading {
	struct arena *a;
	struct q_request *r;
	const struct q_row_field *f;
	struct err *e;
};

static int
bad(const struct reading *x, const char *why)
{
	return err_set(x->e, "control", ERR_SYNTAX, "%s: %s", x->f->name, why);
}

static int
take_text(struct reading *x, const char **to)
{
	if (x->f->kind != Q_ROW_TEXT || *x->f->value == '\0')
		return bad(x, "needs a text");
	if (strlen(x->f->value) > Q_REQUEST_TEXT)
		return err_set(x->e, "control", ERR_LIMIT,
		    "%s: longer than %u octets", x->f->name, Q_REQUEST_TEXT);
	*to = x->f->value;
	return 0;
}

/* 16 hexadecimal digits */
static int
take_hex(struct reading *x, uint64_t *to)
{
	if (x->f->kind != Q_ROW_TEXT || strlen(x->f->value) != 16 ||
	    !q_hex_parse(x->f->value, to))
		return bad(x, "needs 16 hexadecimal digits");
	return 0;
}

static int
take_int(struct reading *x, int64_t min, int64_t max, int64_t *to)
{
	char *end;

	if (x->f->kind != Q_ROW_NUMBER || strlen(x->f->value) > 18)
		return bad(x, "needs a number");
	*to = strtoll(x->f->value, &end, 10);
	if (*end != '\0' || *to < min || *to > max)
		return bad(x, "out of range");
	return 0;
}

static int
take_bits(struct reading *x, unsigned n, unsigned *to)
{
	int64_t v = 0;
	int rc = take_int(x, 1, (1 << n) - 1, &v);

	*to = (unsigned)v;
	return rc;
}

static int
take_code(struct reading *x, int32_t *to)
{
	int64_t v = 0;
	int rc = take_int(x, -1, 32767, &v); /* X.411 ub-reason-codes */

	*to = (int32_t)v;
	return rc;
}

bool
q_request_status(const char *s)
{
	size_t n;
	int dots = 0;

	if (strncmp(s, "5.", 2) != 0 || strlen(s) > 9)
		return false;
	for (s++; *s == '.'; s += n) {
		n = strspn(++s, "0123456789");
		if (n < 1 || n > 3)
			return false;
		dots++;
	}
	return *s == '\0' && dots == 2;
}

static int
take_status(struct reading *x)
{
	int rc = take_text(x, &x->r->status);

	if (rc == 0 && !q_request_status(x->f->value))
		return bad(x, "not a status \"5.x.y\"");
	return rc;
}

/* "ID" or "ID:4,7,9" */
static int
take_target(struct reading *x, char *text, struct q_request_target *t)
{
	char *list = strchr(text, ':'), *item;
	int64_t last = -1;

	if (list != NULL)
		*list++ = '\0';
	if (strlen(text) != 16 || !q_hex_parse(text, &t->message) ||
	    t->message == 0)
		return bad(x, "needs ids");
	while ((item = strsep(&list, ",")) != NULL) {
		size_t digits = strspn(item, "0123456789");
		long v = digits < 6 ? strtol(item, NULL, 10) : -1;

		if (digits == 0 || item[digits] != '\0' || v <= last ||
		    v >= MHS_RECIPIENTS_MAX)
			return bad(x, "needs rising numbers of recipients");
		*(uint32_t *)arena_push(x->a, &t->v, &t->n, sizeof(*t->v)) =
		    (uint32_t)v;
		last = v;
	}
	return 0;
}

static int
take_targets(struct reading *x)
{
	char *all = arena_strdup(x->a, x->f->value), *text;
	struct q_request *r = x->r;

	if (x->f->kind != Q_ROW_TEXT)
		return bad(x, "needs ids");
	while ((text = strsep(&all, ";")) != NULL) {
		struct q_request_target t = {0};
		int rc = take_target(x, text, &t);

		if (rc != 0)
			return rc;
		if (r->n_targets == Q_REQUEST_TARGETS)
			return err_set(x->e, "control", ERR_LIMIT,
			    "more than %u messages", Q_REQUEST_TARGETS);
		*(struct q_request_target *)arena_push(
		    x->a, &r->targets, &r->n_targets, sizeof(t)) = t;
	}
	return 0;
}

static int
take_level(struct reading *x)
{
	int level = q_level_parse(x->f->value);

	if (level < 0)
		return bad(x, "there is no such level");
	x->r->level = (enum q_level)level;
	return 0;
}

static int
take(struct reading *x, enum field field)
{
	struct q_request *r = x->r;
	struct q_filter *f = &r->filter;

	switch (field) {
	case F_CHANNEL: return take_text(x, &f->channel);
	case F_PEER: return take_text(x, &f->peer);
	case F_FROM: return take_hex(x, &f->originator);
	case F_TO: return take_hex(x, &f->recipient);
	case F_LEVELS: return take_bits(x, Q_LEVELS, &f->levels);
	case F_STATES: return take_bits(x, Q_VIEW_STATES, &f->states);
	case F_KINDS: return take_bits(x, MHS_REPORT + 1, &f->kinds);
	case F_ARRIVED_AFTER:
		return take_int(x, 1, INT64_MAX, &f->arrived_after);
	case F_ARRIVED_BEFORE:
		return take_int(x, 1, INT64_MAX, &f->arrived_before);
	case F_AFTER: return take_hex(x, &f->after);
	case F_EPOCH: return take_hex(x, &r->epoch);
	case F_TARGETS: return take_targets(x);
	case F_TO_PEER: return take_text(x, &r->to_peer);
	case F_LEVEL: return take_level(x);
	case F_REASON: return take_code(x, &r->reason);
	case F_DIAGNOSTIC: return take_code(x, &r->diagnostic);
	case F_STATUS: return take_status(x);
	case F_TEXT: return take_text(x, &r->text);
	case F_ASKED: return take_text(x, &r->asked);
	case FIELDS: break;
	}
	return ERR_SYNTAX;
}

static const char *const names[FIELDS] = {
    [F_CHANNEL] = "channel",
    [F_PEER] = "peer",
    [F_FROM] = "from",
    [F_TO] = "to",
    [F_LEVELS] = "levels",
    [F_STATES] = "states",
    [F_KINDS] = "kinds",
    [F_ARRIVED_AFTER] = "arrived_after",
    [F_ARRIVED_BEFORE] = "arrived_before",
    [F_AFTER] = "after",
    [F_EPOCH] = "epoch",
    [F_TARGETS] = "targets",
    [F_TO_PEER] = "to_peer",
    [F_LEVEL] = "level",
    [F_REASON] = "reason",
    [F_DIAGNOSTIC] = "diagnostic",
    [F_STATUS] = "status",
    [F_TEXT] = "text",
    [F_ASKED] = "asked",
};

/* --- the whole --- */

static int
find_verb(const char *name, enum q_verb *verb, struct err *e)
{
	for (int i = 0; i < Q_VERBS; i++) {
		if (strcmp(verbs[i].name, name) == 0) {
			*verb = (enum q_verb)i;
			return 0;
		}
	}
	return err_set(e, "control", ERR_UNSUPPORTED,
	    "this qmgr does not know the request \"%.40s\"", name);
}

static int
find_field(const char *name)
{
	for (int i = 0; i < FIELDS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static int
check(const struct q_request *r, unsigned there, struct err *e)
{
	const char *verb = verbs[r->verb].name;
	unsigned missing = verbs[r->verb].needed & ~there;
	bool one = r->verb == Q_VERB_STOP || r->verb == Q_VERB_START;

	for (int i = 0; i < FIELDS; i++)
		if (missing & BIT(i))
			return err_set(e, "control", ERR_SYNTAX, "%s needs %s",
			    verb, names[i]);
	if (one && (r->filter.channel == NULL) == (r->filter.peer == NULL))
		return err_set(e, "control", ERR_SYNTAX,
		    "%s needs a channel or a peer", verb);
	if (r->verb == Q_VERB_SHOW &&
	    (r->n_targets != 1 || r->targets[0].n > 0))
		return err_set(
		    e, "control", ERR_SYNTAX, "show needs one message");
	return 0;
}

int
q_request_parse(
    struct arena *a, char *p, size_t n, struct q_request *r, struct err *e)
{
	struct q_row row;
	unsigned there = 0;
	int rc = q_row_parse(p, n, &row, e);

	*r = (struct q_request){0};
	if (rc == 0)
		rc = find_verb(row.type, &r->verb, e);
	for (size_t i = 0; rc == 0 && i < row.n; i++) {
		struct reading x = {a, r, &row.v[i], e};
		int field = find_field(row.v[i].name);

		if (field < 0 || !(verbs[r->verb].allowed & BIT(field)))
			return err_set(e, "control", ERR_SYNTAX,
			    "%s takes no \"%.40s\"", row.type, row.v[i].name);
		there |= BIT(field);
		rc = take(&x, (enum field)field);
	}
	return rc == 0 ? check(r, there, e) : rc;
}

/* --- packing --- */

static void
pack_hex(struct buf *out, enum field f, uint64_t v)
{
	char text[Q_ID_TEXT];

	if (v != 0)
		q_row_text(out, names[f], q_id_text(v, text));
}

static void
pack_int(struct buf *out, enum field f, int64_t v)
{
	if (v != 0)
		q_row_int(out, names[f], v);
}

static void
pack_targets(const struct q_request *r, struct buf *out)
{
	struct buf b = {0};
	char text[Q_ID_TEXT];

	for (size_t i = 0; i < r->n_targets; i++) {
		const struct q_request_target *t = &r->targets[i];

		buf_printf(
		    &b, "%s%s", i > 0 ? ";" : "", q_id_text(t->message, text));
		for (size_t j = 0; j < t->n; j++)
			buf_printf(&b, "%c%u", j > 0 ? ',' : ':', t->v[j]);
	}
	q_row_text(out, names[F_TARGETS], buf_cstr(&b));
	buf_free(&b);
}

void
q_request_pack(const struct q_request *r, struct buf *out)
{
	const struct q_filter *f = &r->filter;

	q_row_begin(out, verbs[r->verb].name);
	q_row_text(out, names[F_CHANNEL], f->channel);
	q_row_text(out, names[F_PEER], f->peer);
	pack_hex(out, F_FROM, f->originator);
	pack_hex(out, F_TO, f->recipient);
	pack_int(out, F_LEVELS, f->levels);
	pack_int(out, F_STATES, f->states);
	pack_int(out, F_KINDS, f->kinds);
	pack_int(out, F_ARRIVED_AFTER, f->arrived_after);
	pack_int(out, F_ARRIVED_BEFORE, f->arrived_before);
	pack_hex(out, F_AFTER, f->after);
	pack_hex(out, F_EPOCH, r->epoch);
	if (r->n_targets > 0)
		pack_targets(r, out);
	q_row_text(out, names[F_TO_PEER], r->to_peer);
	if (r->verb == Q_VERB_PRIORITY)
		q_row_text(out, names[F_LEVEL], q_level_name(r->level));
	if (r->verb == Q_VERB_RETURN) {
		q_row_int(out, names[F_REASON], r->reason);
		q_row_int(out, names[F_DIAGNOSTIC], r->diagnostic);
	}
	q_row_text(out, names[F_STATUS], r->status);
	q_row_text(out, names[F_TEXT], r->text);
	q_row_text(out, names[F_ASKED], r->asked);
	q_row_end(out);
}
