#include "ops/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/clock.h"
#include "qmgr/summary.h"

/* --- lists of names --- */

static int
level_bits(const char *name, unsigned *first, unsigned *last)
{
	static const struct {
		const char *name;
		enum q_level low, high;
	} priorities[] = {
	    {"urgent", Q_LEVEL_FLASH, Q_LEVEL_OVERRIDE},
	    {"normal", Q_LEVEL_PRIORITY, Q_LEVEL_IMMEDIATE},
	    {"non-urgent", Q_LEVEL_DEFERRED, Q_LEVEL_ROUTINE},
	};
	int level = q_level_parse(name);

	*first = *last = (unsigned)level;
	for (size_t i = 0; level < 0 && i < 3; i++) {
		if (strcmp(priorities[i].name, name) != 0)
			continue;
		*first = priorities[i].low;
		*last = priorities[i].high;
		return 0;
	}
	return level < 0 ? ERR_SYNTAX : 0;
}

/* "flash", "urgent", "routine..flash", "flash..", "..routine" */
static int
level_range(char *text, unsigned *bits)
{
	unsigned a = 0, b = Q_LEVELS - 1, unused = 0;
	char *dots = strstr(text, "..");
	int rc = 0;

	if (dots == NULL) {
		rc = level_bits(text, &a, &b);
	} else {
		*dots = '\0';
		if (*text != '\0')
			rc = level_bits(text, &a, &unused);
		if (rc == 0 && dots[2] != '\0')
			rc = level_bits(dots + 2, &unused, &b);
	}
	for (; rc == 0 && a <= b; a++)
		*bits |= 1u << a;
	return rc == 0 && *bits != 0 ? 0 : ERR_SYNTAX;
}

static int
state_bit(char *text, unsigned *bits)
{
	for (int i = 0; i < Q_VIEW_STATES; i++) {
		if (strcmp(q_view_state_name((enum q_view_state)i), text) != 0)
			continue;
		*bits |= 1u << i;
		return 0;
	}
	return ERR_SYNTAX;
}

static int
kind_bit(char *text, unsigned *bits)
{
	for (int i = MHS_MESSAGE; i <= MHS_REPORT; i++) {
		if (strcmp(mhs_kind_name((enum mhs_kind)i), text) != 0)
			continue;
		*bits |= 1u << i;
		return 0;
	}
	return ERR_SYNTAX;
}

/* Items with commas between them. */
static bool
read_bits(struct arena *a, const char *text, int (*item)(char *, unsigned *),
    unsigned *bits)
{
	char *all = text != NULL ? arena_strdup(a, text) : NULL, *one;

	while ((one = strsep(&all, ",")) != NULL)
		if (item(one, bits) != 0)
			return false;
	return true;
}

/* "90", "90s", "15m", "2h", "3d", "1w", before now. */
static bool
read_age(const char *text, int64_t now, int64_t *out)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400},
	    {'w', 7 * 86400}};
	size_t digits;

	if (text == NULL)
		return true;
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 9)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (text[digits] != units[i].letter ||
		    (text[digits] != '\0' && text[digits + 1] != '\0'))
			continue;
		*out = now - strtoll(text, NULL, 10) * units[i].seconds;
		return *out > 0;
	}
	return false;
}

/* --- addresses --- */

static bool
read_address(struct arena *a, const char *text, struct queue_address *out,
    uint64_t *hash, struct err *e)
{
	if (text == NULL)
		return true;
	out->text = text;
	if (strcmp(text, "<>") == 0)
		out->exact.mailbox = "";
	else if (strchr(text, '*') != NULL)
		return true;
	else if (*text == '/' && text[strlen(text) - 1] == '/')
		out->exact.ora = mhs_or_parse(a, text, e);
	else if (*text != '@' && strchr(text, '@') != NULL &&
	    text[strlen(text) - 1] != '@')
		out->exact.mailbox = text;
	else
		return true;
	if (out->exact.ora == NULL && out->exact.mailbox == NULL)
		return false;
	*hash = q_name_hash(&out->exact);
	return true;
}

/* `*` is any octets, also none; else without regard to ASCII case. */
static bool
glob(const char *pattern, const char *s)
{
	const char *star = NULL, *again = NULL;

	while (*s != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			again = s;
		} else if (strncasecmp(pattern, s, 1) == 0) {
			pattern++;
			s++;
		} else if (star != NULL) {
			pattern = star + 1;
			s = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
looks_like(const char *text, const char *s)
{
	return strchr(text, '*') != NULL ? glob(text, s)
					 : strcasestr(s, text) != NULL;
}

bool
queue_address_is(
    struct arena *a, const struct queue_address *x, const struct mhs_name *name)
{
	if (x->text == NULL)
		return true;
	if (x->exact.mailbox != NULL)
		return name->mailbox != NULL &&
		    strcasecmp(name->mailbox, x->exact.mailbox) == 0;
	if (x->exact.ora != NULL)
		return name->ora != NULL &&
		    mhs_or_equal(name->ora, x->exact.ora);
	return (name->mailbox != NULL && looks_like(x->text, name->mailbox)) ||
	    (name->ora != NULL &&
		looks_like(x->text, mhs_or_slash(a, name->ora)));
}

const struct mhs_name *
queue_originator(const struct mhs_envelope *env)
{
	static const struct mhs_name nobody = {.mailbox = ""};

	return env->kind == MHS_REPORT ? &nobody : &env->originator;
}

bool
queue_match_record(const struct queue_match *m, const struct q_record *r,
    uint32_t *v, size_t *n)
{
	const struct mhs_envelope *env = r->env;
	size_t left = 0;

	if (!queue_address_is(r->arena, &m->from, queue_originator(env)))
		return false;
	for (size_t i = 0; i < *n; i++)
		if (v[i] < env->n_recipients &&
		    queue_address_is(
			r->arena, &m->to, &env->recipients[v[i]].name))
			v[left++] = v[i];
	*n = left;
	return left > 0;
}

/* --- the whole --- */

bool
queue_limit_read(const char *text, size_t *limit)
{
	*limit = text != NULL ? strtoul(text, NULL, 10) : 0;
	return text == NULL ||
	    (*text != '\0' && strlen(text) < 10 &&
		text[strspn(text, "0123456789")] == '\0');
}

bool
queue_match_any(const struct queue_options *o)
{
	const char *const all[] = {o->channel, o->peer, o->from, o->to,
	    o->older, o->newer, o->level, o->state, o->kind};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] != NULL)
			return true;
	return false;
}

bool
queue_match_reads(const struct queue_match *m)
{
	return m->from.text != NULL || m->to.text != NULL;
}

bool
queue_match_read(struct arena *a, const struct cmd *c,
    const struct queue_options *o, struct queue_match *m, int *code)
{
	int64_t now = clock_wall();
	struct q_filter *f;
	struct err e = ERR_INIT;

	*m = (struct queue_match){.list = {.verb = Q_VERB_LIST}};
	f = &m->list.filter;
	f->channel = o->channel;
	f->peer = o->peer;
	*code = CMD_OK;
	if (!read_bits(a, o->level, level_range, &f->levels))
		*code =
		    cmd_usage(c, "\"%s\" is no level of priority", o->level);
	else if (!read_bits(a, o->state, state_bit, &f->states))
		*code = cmd_usage(c, "\"%s\" is no state", o->state);
	else if (!read_bits(a, o->kind, kind_bit, &f->kinds))
		*code = cmd_usage(c, "\"%s\" is no kind", o->kind);
	else if (!read_age(o->older, now, &f->arrived_before))
		*code = cmd_usage(c, "\"%s\" is no age", o->older);
	else if (!read_age(o->newer, now, &f->arrived_after))
		*code = cmd_usage(c, "\"%s\" is no age", o->newer);
	else if (!read_address(a, o->from, &m->from, &f->originator, &e))
		*code = cmd_usage(c, "--from: %s", e.text);
	else if (!read_address(a, o->to, &m->to, &f->recipient, &e))
		*code = cmd_usage(c, "--to: %s", e.text);
	return *code == CMD_OK;
}

/* --- records --- */

struct q_spool *
queue_spool(const struct control *c, struct err *e)
{
	struct q_spool_params p = {.directory = c->spool};
	const char *segments = arena_printf(c->a, "%s/segments", c->spool);

	if (access(segments, R_OK | X_OK) != 0) {
		err_sys(e, "spool", "%s", segments);
		return NULL;
	}
	return q_spool_open(&p, NULL, e);
}

int
queue_record(struct q_spool *s, const struct q_row *row, struct q_record **out,
    struct err *e)
{
	const char *place = q_row_get_text(row, "place");
	q_id id;

	if (q_id_parse(
		*place != '\0' ? place : q_row_get_text(row, "id"), &id) != 0)
		return err_set(e, "control", ERR_SYNTAX, "no id");
	return q_record_open(s, id, out, e);
}

#define PROGRESS_STEP 300 /* ms */

void
queue_progress(struct queue_progress *p)
{
	int64_t now;

	if (p->n++ % 64 != 0 || !isatty(STDERR_FILENO))
		return;
	now = clock_mono();
	if (p->told == 0)
		p->told = now;
	if (now - p->told < PROGRESS_STEP)
		return;
	p->told = now;
	p->shown = true;
	fprintf(stderr, "\r%zu records read", p->n);
}

void
queue_progress_clear(struct queue_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

size_t
queue_indices(struct arena *a, const struct q_row *row, uint32_t **v)
{
	const char *s = q_row_get_text(row, "indices");
	size_t n = 0;
	char *end;

	*v = NULL;
	while (*s != '\0') {
		unsigned long i = strtoul(s, &end, 10);

		if (end == s || i >= MHS_RECIPIENTS_MAX)
			break;
		*(uint32_t *)arena_push(a, v, &n, sizeof(**v)) = (uint32_t)i;
		s = *end == ',' ? end + 1 : end;
	}
	return n;
}
