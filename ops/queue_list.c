/*
 * isthmus queue list: what is queued, for whom, since when, next try, last
 * error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "ops/queue.h"

#define PAGE 100 /* entries, on a terminal */

struct listing {
	const struct queue_call *q;
	const struct control *c;
	const struct queue_match *match;
	struct q_spool *spool;   /* NULL: cannot be read */
	struct err no_addresses; /* why */
	struct arena *a;         /* of one entry */
	struct buf out;
	int64_t now;
	size_t n, limit; /* 0: no limit */
	bool more;       /* than the limit */
	bool headed;
	struct queue_progress progress;
	char epoch[Q_ID_TEXT], last[Q_ID_TEXT];
};

/* --- the parts of an entry --- */

static const char *
next_text(
    const struct listing *l, const struct q_row *row, char *out, size_t size)
{
	const char *state = q_row_get_text(row, "state");
	int64_t next = q_row_get_int(row, "next");
	char age[TEXT_AGE];

	if (strcmp(state, "ready") == 0)
		return "now";
	if (q_row_get_bool(row, "hold"))
		return "active, hold";
	if (next <= l->now)
		return state;
	snprintf(out, size, "%s %s", state, text_age(next - l->now, age));
	return out;
}

static void
put_line(struct listing *l, const char *head, const char *text)
{
	buf_puts(&l->out, head);
	text_safe(&l->out, text);
	buf_putc(&l->out, '\n');
}

static void
put_recipients(struct listing *l, const struct mhs_envelope *env,
    const uint32_t *v, size_t n)
{
	bool full = l->q->o->full;

	for (size_t i = 0; i < n && (i == 0 || full); i++) {
		if (v[i] >= env->n_recipients)
			continue;
		buf_puts(&l->out, "    to ");
		text_safe(
		    &l->out, mhs_name_text(l->a, &env->recipients[v[i]].name));
		if (n > 1 && !full)
			buf_printf(&l->out, " and %zu more", n - 1);
		buf_putc(&l->out, '\n');
	}
}

/* Before the first entry; at once where it may be long until that is found. */
static void
put_heading(struct listing *l)
{
	if (!l->headed)
		buf_printf(&l->out, "%-16s %-7s %-9s %-22s %5s %-14s %3s %9s\n",
		    "ID", "KIND", "PRIORITY", "CHANNEL/PEER", "SINCE",
		    "NEXT TRY", "TRY", "OCTETS");
	l->headed = true;
}

static void
put_text(struct listing *l, const struct q_row *row, const struct q_record *r,
    const uint32_t *v, size_t n)
{
	char where[160], age[TEXT_AGE], next[64], time[TEXT_TIME];
	const char *peer = q_row_get_text(row, "peer");
	const char *error = q_row_get_text(row, "error");
	const char *from = q_row_get_text(row, "rerouted_from");

	put_heading(l);
	snprintf(where, sizeof(where), "%s%s%s", q_row_get_text(row, "channel"),
	    *peer != '\0' ? "/" : "", peer);
	buf_printf(&l->out, "%-16s %-7s %-9s %-22s %5s %-14s %3lld %9lld\n",
	    q_row_get_text(row, "id"), q_row_get_text(row, "kind"),
	    q_row_get_text(row, "level"), where,
	    text_age(l->now - q_row_get_int(row, "arrival"), age),
	    next_text(l, row, next, sizeof(next)),
	    (long long)q_row_get_int(row, "attempts"),
	    (long long)q_row_get_int(row, "octets"));
	if (strcmp(q_row_get_text(row, "state"), "deferred") == 0)
		put_line(l, "    deferred-until ",
		    text_time(q_row_get_int(row, "next"), time));
	if (r != NULL)
		put_line(l, "    from ",
		    mhs_name_text(l->a, queue_originator(r->env)));
	if (r != NULL)
		put_recipients(l, r->env, v, n);
	if (*from != '\0')
		put_line(l, "    rerouted from ", from);
	if (*error != '\0')
		put_line(l, "    error: ", error);
}

static void
put_json(struct listing *l, const struct q_row *row, const struct q_record *r,
    const uint32_t *v, size_t n)
{
	buf_putc(&l->out, '{');
	text_json_row(&l->out, row);
	buf_printf(&l->out, ",\"token\":\"%s-%s\"", l->epoch,
	    q_row_get_text(row, "sequence"));
	if (r != NULL) {
		buf_puts(&l->out, ",\"from\":");
		text_json(
		    &l->out, mhs_name_text(l->a, queue_originator(r->env)));
		buf_puts(&l->out, ",\"to\":[");
		for (size_t i = 0; i < n; i++) {
			if (v[i] >= r->env->n_recipients)
				continue;
			if (i > 0)
				buf_putc(&l->out, ',');
			text_json(&l->out,
			    mhs_name_text(
				l->a, &r->env->recipients[v[i]].name));
		}
		buf_putc(&l->out, ']');
	}
	buf_puts(&l->out, "}\n");
}

/* --- entries --- */

/* False: this was one more than wanted. */
static bool
put_entry(struct listing *l, const struct q_row *row, const struct q_record *r,
    const uint32_t *v, size_t n)
{
	if (l->limit > 0 && l->n == l->limit) {
		l->more = true;
		return false;
	}
	queue_progress_clear(&l->progress);
	(l->c->json ? put_json : put_text)(l, row, r, v, n);
	control_print(&l->out);
	snprintf(
	    l->last, sizeof(l->last), "%s", q_row_get_text(row, "sequence"));
	l->n++;
	return true;
}

static bool
on_row(void *arg, const struct q_row *row)
{
	struct listing *l = arg;
	struct q_record *r = NULL;
	struct err e = ERR_INIT;
	bool go_on = true;
	uint32_t *v;
	size_t n;

	if (strcmp(row->type, "queue") == 0) {
		if (queue_match_reads(l->match) && !l->c->json) {
			put_heading(l);
			control_print(&l->out);
			fflush(stdout);
		}
		snprintf(l->epoch, sizeof(l->epoch), "%s",
		    q_row_get_text(row, "epoch"));
		if (q_row_get_bool(row, "loading"))
			fprintf(stderr,
			    "isthmus queue: the queue is being loaded; there "
			    "may be more\n");
	}
	if (strcmp(row->type, "entry") != 0)
		return true;
	if (queue_match_reads(l->match))
		queue_progress(&l->progress);
	n = queue_indices(l->a, row, &v);
	/* between the listing and now it may have been delivered */
	if (l->spool != NULL && queue_record(l->spool, row, &r, &e) < 0)
		r = NULL;
	if (!queue_match_reads(l->match) ||
	    (r != NULL && queue_match_record(l->match, r, v, &n)))
		go_on = put_entry(l, row, r, v, n);
	q_record_close(&r);
	arena_reset(l->a);
	return go_on;
}

/* --- the command --- */

/* "EPOCH-SEQUENCE" */
static bool
read_token(const char *text, struct q_request *r)
{
	char first[Q_ID_TEXT];

	if (text == NULL)
		return true;
	if (strlen(text) != 33 || text[16] != '-')
		return false;
	snprintf(first, sizeof(first), "%.16s", text);
	return q_id_parse(first, &r->epoch) == 0 && r->epoch != 0 &&
	    q_id_parse(text + 17, &r->filter.after) == 0;
}

static bool
read_limit(const char *text, bool json, size_t *limit)
{
	if (text != NULL)
		return queue_limit_read(text, limit);
	*limit = !json && isatty(STDOUT_FILENO) ? PAGE : 0;
	return true;
}

static void
put_end(const struct listing *l)
{
	if (l->spool == NULL)
		fprintf(stderr,
		    "isthmus queue: no addresses, for the spool cannot be "
		    "read: %s\n",
		    l->no_addresses.text);
	if (l->more && l->c->json)
		printf("{\"more\":\"%s-%s\"}\n", l->epoch, l->last);
	else if (l->more)
		printf("more: --after %s-%s\n", l->epoch, l->last);
	else if (l->n == 0 && !l->c->json)
		printf(queue_match_any(l->q->o) || l->q->o->after != NULL
			? "Nothing of that kind is queued.\n"
			: "The queue is empty.\n");
}

static int
list(struct listing *l)
{
	struct q_request r = l->match->list;
	int code;

	if (!read_token(l->q->o->after, &r))
		return cmd_usage(
		    l->q->cmd, "--after takes what \"more:\" said");
	if (!read_limit(l->q->o->limit, l->c->json, &l->limit))
		return cmd_usage(
		    l->q->cmd, "\"%s\" is no limit", l->q->o->limit);
	l->spool = queue_spool(l->c, &l->no_addresses);
	if (l->spool == NULL && queue_match_reads(l->match))
		return cmd_failed(l->q->cmd,
		    "addresses are in the spool, which cannot be read: %s",
		    l->no_addresses.text);
	code = control_ask(l->c, &r, on_row, l);
	queue_progress_clear(&l->progress);
	if (code == CMD_OK)
		put_end(l);
	return code;
}

int
queue_list(const struct queue_call *q)
{
	struct control c;
	struct queue_match match;
	struct listing l = {
	    .q = q, .c = &c, .match = &match, .now = clock_wall()};
	int code = CMD_FAILED;

	if (q->n > 0)
		return cmd_usage(q->cmd, "unexpected argument %s", q->args[0]);
	if (control_find(&c, q->cmd, &q->o->common) &&
	    queue_match_read(c.a, q->cmd, q->o, &match, &code)) {
		l.a = arena_new();
		code = list(&l);
		arena_free(&l.a);
	}
	q_spool_close(&l.spool);
	buf_free(&l.out);
	arena_free(&c.a);
	return code;
}
