#include "ops/spool_dump.h"

#include <string.h>

#include "lib/clock.h"
#include "qmgr/journal.h"
#include "qmgr/level.h"
#include "qmgr/record.h"
#include "qmgr/summary.h"
#include "qmgr/verify.h"

#define HEAD 1024 /* octets of content shown */

struct dump {
	q_id id, place;
	struct q_header h;
	struct q_replay replay;
	struct q_record *record; /* NULL: cannot be read */
	struct err error;        /* why */
	struct arena *arena;
	struct buf *out;
	struct recipient *recipients;
	int level; /* -1: no journal says one */
	bool json, first;
};

void
spool_json_text(const void *p, size_t n, struct buf *out)
{
	const uint8_t *s = p;

	buf_putc(out, '"');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			buf_printf(out, "\\%c", s[i]);
		else if (s[i] < ' ' || s[i] >= 0x7f)
			buf_printf(out, "\\u%04x", s[i]);
		else
			buf_putc(out, s[i]);
	}
	buf_putc(out, '"');
}

static void
json_string(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "\"%s\":", name);
	if (value != NULL)
		spool_json_text(value, strlen(value), out);
	else
		buf_puts(out, "null");
}

/* --- the states in the journals --- */

/* What they say last of a recipient; NULL: nothing. */
struct recipient {
	const struct q_entry *state, *way;
	bool held;
};

static const char *
state_name(const struct q_entry *x)
{
	static const char *const names[] = {
	    [Q_RCPT_PENDING] = "pending",
	    [Q_RCPT_REPORT] = "to-be-reported",
	    [Q_RCPT_DONE] = "done",
	};

	return names[x->state];
}

static const char *
result_name(const struct q_outcome *o)
{
	static const char *const names[] = {
	    [Q_TRANSFERRED] = "transferred",
	    [Q_RELAYED] = "relayed",
	    [Q_DELIVERED] = "delivered",
	    [Q_CONVERTED] = "converted",
	    [Q_DEFERRED] = "deferred",
	    [Q_FAILED] = "failed",
	};

	return o->at != 0 ? names[o->result] : NULL;
}

static void
state_as_json(struct dump *d, const struct recipient *r, uint32_t recipient)
{
	static const struct q_entry none = {.state = Q_RCPT_PENDING};
	const struct q_entry *x = r->state != NULL ? r->state : &none;
	char version[Q_ID_TEXT];

	buf_printf(
	    d->out, "%s{\"recipient\":%u,", d->first ? "" : ",", recipient);
	d->first = false;
	json_string(d->out, "state", state_name(x));
	buf_printf(d->out, ",\"held\":%s,", r->held ? "true" : "false");
	json_string(d->out, "peer", r->way != NULL ? r->way->peer : NULL);
	buf_putc(d->out, ',');
	json_string(d->out, "first_peer", r->way != NULL ? r->way->from : NULL);
	buf_printf(d->out, ",\"step\":%u,\"attempts\":%u,\"next\":%lld,",
	    x->step, x->attempts, (long long)x->next);
	json_string(d->out, "version",
	    x->record != 0 ? q_id_text(x->record, version) : NULL);
	buf_putc(d->out, ',');
	json_string(d->out, "result", result_name(&x->outcome));
	buf_putc(d->out, ',');
	json_string(d->out, "status", x->outcome.status);
	buf_putc(d->out, ',');
	json_string(d->out, "text", x->outcome.text);
	buf_putc(d->out, '}');
}

static void
text_or_nothing(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(out, " %s=", name);
	spool_json_text(value, strlen(value), out);
}

static void
state_as_text(struct dump *d, const struct recipient *r, uint32_t recipient)
{
	static const struct q_entry none = {.state = Q_RCPT_PENDING};
	const struct q_entry *x = r->state != NULL ? r->state : &none;
	char version[Q_ID_TEXT], next[CLOCK_TEXT];

	buf_printf(d->out, "recipient %u: %s%s step=%u attempts=%u", recipient,
	    state_name(x), r->held ? " held" : "", x->step, x->attempts);
	text_or_nothing(d->out, "peer", r->way != NULL ? r->way->peer : NULL);
	text_or_nothing(
	    d->out, "first-peer", r->way != NULL ? r->way->from : NULL);
	if (x->next != 0)
		buf_printf(d->out, " next=%s", clock_format(x->next, next));
	if (x->record != 0)
		buf_printf(
		    d->out, " version=%s", q_id_text(x->record, version));
	if (x->outcome.at != 0)
		buf_printf(d->out, " result=%s", result_name(&x->outcome));
	text_or_nothing(d->out, "status", x->outcome.status);
	text_or_nothing(d->out, "text", x->outcome.text);
	buf_putc(d->out, '\n');
}

/* --- the journals, read again --- */

/* As the queue reads them: a way begins the plan anew, and what is done is not
 * sent elsewhere. */
static void
apply(struct dump *d, const struct q_entry *x)
{
	d->level = x->type == Q_ENTRY_MARK ? (int)x->level : d->level;
	for (size_t i = 0; i < x->n; i++) {
		struct recipient *r = &d->recipients[x->v[i]];

		if (x->type == Q_ENTRY_MARK)
			r->held = x->held;
		else if (r->state != NULL && r->state->state == Q_RCPT_DONE)
			continue;
		else if (x->type == Q_ENTRY_STATE)
			r->state = x;
		else
			r->way = x;
		if (x->type == Q_ENTRY_WAY)
			r->state = NULL;
	}
}

static void
read_journals(struct dump *d)
{
	const struct q_replayed *m = q_replay_get(&d->replay, d->id);
	const uint8_t *p = m != NULL ? m->states : NULL;
	size_t n = m != NULL ? m->n : 0;
	struct q_entry *x;

	d->level = -1;
	d->recipients = arena_alloc(
	    d->arena, (MHS_RECIPIENTS_MAX + 1) * sizeof(*d->recipients));
	memset(d->recipients, 0,
	    (MHS_RECIPIENTS_MAX + 1) * sizeof(*d->recipients));
	while (n > 0) {
		x = ARENA_NEW(d->arena, struct q_entry);
		if (q_entry_unpack(&p, &n, d->arena, x, NULL) != 0)
			break;
		apply(d, x);
	}
}

/* NULL: that with which it came. */
static const char *
level_name(const struct dump *d)
{
	return d->level >= 0 ? q_level_name((enum q_level)d->level) : NULL;
}

/* What the journals say last of each recipient. */
static void
dump_states(struct dump *d)
{
	d->first = true;
	for (uint32_t i = 0; i <= MHS_RECIPIENTS_MAX; i++) {
		const struct recipient *r = &d->recipients[i];

		if (r->state != NULL || r->way != NULL || r->held)
			(d->json ? state_as_json : state_as_text)(d, r, i);
	}
}

static bool
finished(const struct dump *d)
{
	const struct q_replayed *m = q_replay_get(&d->replay, d->id);

	return m != NULL && m->finished;
}

/* --- the whole --- */

static void
as_json(struct dump *d)
{
	const struct q_record *r = d->record;
	char id[Q_ID_TEXT], place[Q_ID_TEXT], parent[Q_ID_TEXT];
	struct buf text = {0};
	size_t head;

	buf_putc(d->out, '{');
	json_string(d->out, "id", q_id_text(d->id, id));
	buf_putc(d->out, ',');
	json_string(d->out, "place", q_id_text(d->place, place));
	buf_printf(d->out,
	    ",\"moved\":%s,\"envelope_octets\":%u,"
	    "\"content_octets\":%llu,\"content_file\":",
	    d->h.type == Q_RECORD_MOVED ? "true" : "false", d->h.body_n,
	    (unsigned long long)d->h.content_n);
	if (d->h.content_file != 0)
		buf_printf(d->out, "\"%016llx\",",
		    (unsigned long long)d->h.content_file);
	else
		buf_puts(d->out, "null,");
	json_string(d->out, "parent",
	    r != NULL && q_version_parent(r->env) != 0
		? q_id_text(r->env->parent, parent)
		: NULL);
	buf_printf(d->out, ",\"finished\":%s,", finished(d) ? "true" : "false");
	json_string(d->out, "level", level_name(d));
	buf_putc(d->out, ',');
	json_string(d->out, "fault", r == NULL ? d->error.text : NULL);
	buf_puts(d->out, ",\"recipients\":[");
	dump_states(d);
	buf_puts(d->out, "],\"envelope\":");
	if (r != NULL) {
		mhs_envelope_print(r->env, &text);
		spool_json_text(text.data, text.len, d->out);
		head = r->content_n < HEAD ? r->content_n : HEAD;
		buf_puts(d->out, ",\"content_head\":");
		spool_json_text(r->content, head, d->out);
	} else {
		buf_puts(d->out, "null,\"content_head\":null");
	}
	buf_puts(d->out, "}\n");
	buf_free(&text);
}

/* Lines stay lines; what could move the cursor is shown as "\x0a". */
static void
print_head(const uint8_t *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' || p[i] == '\t' ||
		    (p[i] >= ' ' && p[i] < 0x7f))
			buf_putc(out, p[i]);
		else if (p[i] != '\r' || i + 1 == n || p[i + 1] != '\n')
			buf_printf(out, "\\x%02x", p[i]);
	}
	if (n > 0 && p[n - 1] != '\n')
		buf_putc(out, '\n');
}

static void
as_text(struct dump *d)
{
	const struct q_record *r = d->record;
	char id[Q_ID_TEXT], segment[Q_ID_TEXT];
	size_t head;

	buf_printf(d->out, "record %s\n", q_id_text(d->id, id));
	buf_printf(d->out, "at segments/%s.seg, octet %llu%s\n",
	    q_id_text(q_id_number(d->place), segment),
	    (unsigned long long)q_id_offset(d->place),
	    d->h.type == Q_RECORD_MOVED ? ", moved there" : "");
	buf_printf(d->out, "envelope of %u octets, content of %llu octets",
	    d->h.body_n, (unsigned long long)d->h.content_n);
	if (d->h.content_file != 0)
		buf_printf(d->out, " in contents/%016llx",
		    (unsigned long long)d->h.content_file);
	buf_printf(d->out, "\n\n-- state\n%s", finished(d) ? "finished\n" : "");
	if (level_name(d) != NULL)
		buf_printf(d->out, "level %s\n", level_name(d));
	dump_states(d);
	if (r == NULL) {
		buf_printf(d->out, "\ndamaged: %s\n", d->error.text);
		return;
	}
	buf_puts(d->out, "\n-- envelope\n");
	mhs_envelope_print(r->env, d->out);
	head = r->content_n < HEAD ? r->content_n : HEAD;
	buf_printf(d->out, "\n-- content%s\n",
	    head < r->content_n ? ", its beginning" : "");
	print_head(r->content, head, d->out);
}

int
spool_dump(
    const char *spool, q_id id, bool json, struct buf *out, struct err *e)
{
	struct q_spool_params p = {.directory = spool};
	struct dump d = {.id = id, .out = out, .json = json};
	struct q_spool *s;
	int rc = q_find_record(spool, id, &d.place, &d.h, e);

	if (rc == 0)
		rc = q_verify_journals(spool, &d.replay, e);
	s = rc == 0 ? q_spool_open(&p, NULL, e) : NULL;
	if (s != NULL) {
		d.arena = arena_new();
		read_journals(&d);
		/* one that is damaged is shown as far as it goes */
		q_record_open(s, d.place, &d.record, &d.error);
		(json ? as_json : as_text)(&d);
		q_record_close(&d.record);
		q_spool_close(&s);
		arena_free(&d.arena);
	}
	q_replay_free(&d.replay);
	return rc;
}
