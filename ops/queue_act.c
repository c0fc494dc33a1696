/*
 * isthmus queue hold, release, retry, redirect, return, delete, priority: to
 * messages by their ids, or to all that filters let through.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mhs/diag.h"
#include "ops/queue.h"

#define REQUEST_RECIPIENTS 8000 /* in one request, about */

struct act {
	const struct queue_call *q;
	struct control *c;
	struct queue_match match;
	struct q_request request;
	struct q_spool *spool;
	struct arena *a; /* of one entry */
	struct buf out;
	struct q_request_target *targets;
	size_t n_targets, recipients;
	size_t limit, entries; /* limit 0: none */
	unsigned unreadable;
	struct queue_progress progress;
	/* what came of it */
	size_t done, done_recipients, busy, unchanged, refused, gone, told;
};

static const char *
s_of(size_t n)
{
	return n == 1 ? "" : "s";
}

/* --- which messages --- */

static int
by_index(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/* Entries of one message stand together; each is a part of its recipients. */
static void
add_target(struct act *x, q_id id, const uint32_t *v, size_t n)
{
	struct q_request_target *last =
	    x->n_targets > 0 ? &x->targets[x->n_targets - 1] : NULL;

	if (last == NULL || last->message != id) {
		last = arena_push(
		    x->c->a, &x->targets, &x->n_targets, sizeof(*x->targets));
		*last = (struct q_request_target){.message = id};
	}
	for (size_t i = 0; i < n; i++)
		*(uint32_t *)arena_push(
		    x->c->a, &last->v, &last->n, sizeof(*last->v)) = v[i];
	if (n > 0)
		qsort(last->v, last->n, sizeof(*last->v), by_index);
	x->recipients += n;
}

static bool
on_entry(void *arg, const struct q_row *row)
{
	struct act *x = arg;
	struct q_record *r = NULL;
	struct err e = ERR_INIT;
	bool meant = true;
	uint32_t *v;
	size_t n;
	q_id id;

	if (strcmp(row->type, "entry") != 0 ||
	    q_id_parse(q_row_get_text(row, "id"), &id) != 0)
		return true;
	n = queue_indices(x->a, row, &v);
	if (queue_match_reads(&x->match)) {
		queue_progress(&x->progress);
		meant = queue_record(x->spool, row, &r, &e) == 0 &&
		    queue_match_record(&x->match, r, v, &n);
		/* what was delivered meanwhile is not meant */
		x->unreadable += r == NULL && e.code != ERR_NOT_FOUND;
	}
	if (meant && n > 0) {
		add_target(x, id, v, n);
		x->entries++;
	}
	q_record_close(&r);
	arena_reset(x->a);
	return x->limit == 0 || x->entries < x->limit;
}

/* The spool, to look at addresses in. */
static bool
open_spool(struct act *x, int *code)
{
	struct err e = ERR_INIT;

	if (!queue_match_reads(&x->match))
		return true;
	x->spool = queue_spool(x->c, &e);
	if (x->spool == NULL)
		*code = cmd_failed(x->q->cmd,
		    "addresses are in the spool, which cannot be read: %s",
		    e.text);
	return x->spool != NULL;
}

static int
find(struct act *x)
{
	int code = CMD_FAILED;

	if (!open_spool(x, &code))
		return code;
	code = control_ask(x->c, &x->match.list, on_entry, x);
	queue_progress_clear(&x->progress);
	if (x->unreadable > 0)
		fprintf(stderr,
		    "isthmus queue: %u record%s cannot be read, and what they "
		    "are of is left as it is\n",
		    x->unreadable, s_of(x->unreadable));
	return code;
}

/* --- asking --- */

/* More than one message is a lot, if it was not named. */
static bool
agreed(const struct act *x, int *code)
{
	char answer[8] = "";

	if (x->n_targets < 2 || x->q->o->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		*code = cmd_usage(x->q->cmd,
		    "%zu messages (%zu recipients) are meant; --yes does it",
		    x->n_targets, x->recipients);
		return false;
	}
	fprintf(stderr, "%s %zu messages (%zu recipients)? [y/N] ",
	    q_verb_name(x->q->verb), x->n_targets, x->recipients);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (*answer == 'y' || *answer == 'Y'))
		return true;
	*code = cmd_failed(x->q->cmd, "nothing was done");
	return false;
}

/* --- doing --- */

/* Of one message. */
static void
put_done(const struct q_row *row)
{
	size_t recipients = (size_t)q_row_get_int(row, "recipients");
	size_t unchanged = (size_t)q_row_get_int(row, "unchanged");

	printf("%s: %zu recipient%s", q_row_get_text(row, "id"), recipients,
	    s_of(recipients));
	if (unchanged > 0)
		printf(", %zu not changed: %s", unchanged,
		    q_row_get_text(row, "why"));
	putchar('\n');
}

static void
on_done(struct act *x, const struct q_row *row)
{
	size_t recipients = (size_t)q_row_get_int(row, "recipients");
	bool few = x->n_targets <= 20 || x->q->o->full;

	x->done += recipients > 0;
	x->done_recipients += recipients;
	x->busy += (size_t)q_row_get_int(row, "busy");
	x->unchanged += (size_t)q_row_get_int(row, "unchanged");
	x->told += (size_t)q_row_get_int(row, "told");
	if (few && !x->c->json)
		put_done(row);
}

/* What a filter found may be delivered before it is its turn. */
static void
on_refused(struct act *x, const struct q_row *row)
{
	if (x->request.asked != NULL && q_row_get_bool(row, "gone")) {
		x->gone++;
		return;
	}
	x->refused++;
	text_safe(&x->out, q_row_get_text(row, "reason"));
	fprintf(stderr, "isthmus queue: %s: %s\n", q_row_get_text(row, "id"),
	    buf_cstr(&x->out));
	buf_clear(&x->out);
}

static bool
on_result(void *arg, const struct q_row *row)
{
	struct act *x = arg;

	if (x->c->json) {
		buf_printf(&x->out, "{\"type\":\"%s\",", row->type);
		text_json_row(&x->out, row);
		buf_puts(&x->out, "}\n");
		control_print(&x->out);
	}
	(strcmp(row->type, "done") == 0 ? on_done : on_refused)(x, row);
	return true;
}

/* As many as one request carries. */
static size_t
portion(const struct act *x, size_t from)
{
	size_t n = 0, recipients = 0;

	while (from + n < x->n_targets && n < Q_REQUEST_TARGETS) {
		recipients += x->targets[from + n].n;
		if (n > 0 && recipients > REQUEST_RECIPIENTS)
			break;
		n++;
	}
	return n;
}

static void
put_sum(const struct act *x)
{
	printf("%s: %zu message%s, %zu recipient%s", q_verb_name(x->q->verb),
	    x->done, s_of(x->done), x->done_recipients,
	    s_of(x->done_recipients));
	if (x->q->verb == Q_VERB_RETURN)
		printf("; reports are due for %zu of them, nobody is told of "
		       "%zu",
		    x->told, x->done_recipients - x->told);
	if (x->unchanged > 0)
		printf("; %zu not changed", x->unchanged);
	if (x->gone > 0)
		printf("; %zu message%s done meanwhile", x->gone,
		    x->gone == 1 ? " was" : "s were");
	putchar('\n');
}

static void
put_busy(const struct act *x)
{
	if (x->busy == 0)
		return;
	fflush(stdout);
	if (x->q->verb == Q_VERB_HOLD)
		fprintf(stderr,
		    "isthmus queue: %zu under way: held only if they come "
		    "back\n",
		    x->busy);
	else
		fprintf(stderr,
		    "isthmus queue: a channel has %zu recipient%s at this "
		    "moment; hold them, and try again\n",
		    x->busy, s_of(x->busy));
}

static int
run(struct act *x)
{
	int code = CMD_OK;

	for (size_t at = 0; code == CMD_OK && at < x->n_targets;) {
		x->request.targets = x->targets + at;
		x->request.n_targets = portion(x, at);
		at += x->request.n_targets;
		code = control_ask(x->c, &x->request, on_result, x);
	}
	if (!x->c->json && (code == CMD_OK || x->done > 0))
		put_sum(x);
	put_busy(x);
	return code == CMD_OK && (x->busy > 0 || x->refused > 0) ? CMD_FAILED
								 : code;
}

/* --- what is asked --- */

static int32_t
code_of(const char *text, const char *(*name)(int32_t), int32_t max)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*text != '\0' && *end == '\0' && v >= 0 && v <= 32767)
		return (int32_t)v;
	for (int32_t i = 0; i <= max; i++)
		if (strcmp(name(i), text) == 0)
			return i;
	return -2;
}

/* Each of the two worlds' codes follows from the other's, unless both are
 * given. */
static bool
read_return(struct act *x, int *code)
{
	const struct queue_options *o = x->q->o;
	struct q_request *r = &x->request;

	r->text = o->reason != NULL ? o->reason : "returned by the operator";
	r->reason = MHS_UNABLE_TO_TRANSFER;
	r->diagnostic = MHS_DIAG_ABSENT;
	if (o->diagnostic != NULL)
		r->diagnostic = code_of(o->diagnostic, mhs_diagnostic_name,
		    MHS_TRANSFER_ATTEMPTS_LIMIT_REACHED);
	else if (o->status != NULL)
		mhs_diag_from_status(o->status, &r->reason, &r->diagnostic);
	if (r->diagnostic < MHS_DIAG_ABSENT) {
		*code = cmd_usage(x->q->cmd, "\"%s\" is no diagnostic of X.411",
		    o->diagnostic);
		return false;
	}
	if (o->status != NULL && !q_request_status(o->status)) {
		*code = cmd_usage(x->q->cmd,
		    "--status %s: what is returned has failed for good, so it "
		    "is 5.x.y (RFC 3463)",
		    o->status);
		return false;
	}
	if (strlen(r->text) > Q_REQUEST_TEXT) {
		*code = cmd_usage(
		    x->q->cmd, "--reason: at most %u octets", Q_REQUEST_TEXT);
		return false;
	}
	r->status = o->status != NULL
	    ? o->status
	    : mhs_diag_to_status(r->reason, r->diagnostic);
	return true;
}

static bool
read_request(struct act *x, char ***args, int *n, int *code)
{
	struct q_request *r = &x->request;
	int level;

	r->verb = x->q->verb;
	if (r->verb == Q_VERB_REDIRECT && x->q->o->to_peer == NULL) {
		*code = cmd_usage(x->q->cmd, "redirect needs --to-peer");
		return false;
	}
	r->to_peer = r->verb == Q_VERB_REDIRECT ? x->q->o->to_peer : NULL;
	if (r->verb == Q_VERB_RETURN)
		return read_return(x, code);
	if (r->verb != Q_VERB_PRIORITY)
		return true;
	level = *n > 0 ? q_level_parse((*args)[0]) : -1;
	if (level < 0) {
		*code = cmd_usage(x->q->cmd,
		    "priority needs a level: deferred, routine, priority, "
		    "immediate, flash or override");
		return false;
	}
	r->level = (enum q_level)level;
	++*args;
	--*n;
	return true;
}

/* --- ids --- */

/* Of one message that was named, those recipients that an address means. */
static bool
on_shown(void *arg, const struct q_row *row)
{
	struct act *x = arg;
	struct q_record *r = NULL;
	struct err e = ERR_INIT;
	uint32_t *v;
	size_t n = 0;
	q_id id;

	if (strcmp(row->type, "message") != 0 ||
	    q_id_parse(q_row_get_text(row, "id"), &id) != 0)
		return true;
	if (queue_record(x->spool, row, &r, &e) != 0) {
		fprintf(stderr, "isthmus queue: %s cannot be read: %s\n",
		    q_row_get_text(row, "id"), e.text);
		x->refused++;
		return false;
	}
	v = arena_alloc(r->arena, (r->env->n_recipients + 1) * sizeof(*v));
	for (; n < r->env->n_recipients; n++)
		v[n] = (uint32_t)n;
	if (queue_match_record(&x->match, r, v, &n)) {
		add_target(x, id, v, n);
	} else {
		fprintf(stderr,
		    "isthmus queue: %s: no such originator, or no such "
		    "recipient\n",
		    q_row_get_text(row, "id"));
		x->refused++;
	}
	q_record_close(&r);
	return false;
}

static int
add_id(struct act *x, q_id id)
{
	struct q_request_target t = {.message = id};
	const struct q_request show = {
	    .verb = Q_VERB_SHOW, .targets = &t, .n_targets = 1};

	if (queue_match_reads(&x->match))
		return control_ask(x->c, &show, on_shown, x);
	add_target(x, id, NULL, 0);
	return CMD_OK;
}

static int
act_on_ids(struct act *x, char **args, int n)
{
	const struct queue_options *o = x->q->o;
	bool some = o->channel != NULL || o->peer != NULL || o->from != NULL ||
	    o->to != NULL;
	int code = CMD_OK, found;
	q_id id;

	if (o->older != NULL || o->newer != NULL || o->level != NULL ||
	    o->state != NULL || o->kind != NULL || o->limit != NULL || o->all)
		return cmd_usage(x->q->cmd,
		    "with ids, only --channel, --peer, --from and --to say "
		    "which of their recipients");
	if (some && x->request.verb == Q_VERB_PRIORITY)
		return cmd_usage(x->q->cmd,
		    "all recipients of a message have the same level");
	x->request.filter.channel = o->channel;
	x->request.filter.peer = o->peer;
	for (int i = 0; i < n; i++)
		if (q_id_parse(args[i], &id) != 0 || id == 0)
			return cmd_usage(x->q->cmd, "\"%s\" is no id", args[i]);
	if (!queue_match_read(x->c->a, x->q->cmd, o, &x->match, &code) ||
	    !open_spool(x, &code))
		return code;
	for (int i = 0; i < n; i++) {
		q_id_parse(args[i], &id);
		found = add_id(x, id);
		code = found != CMD_OK ? found : code;
	}
	if (x->n_targets == 0)
		return CMD_FAILED;
	found = run(x);
	return found != CMD_OK ? found : code;
}

/* --- filters --- */

/* What the log says was asked for: as the options are, but cut off. */
static const char *
asked(const struct act *x)
{
	const struct queue_options *o = x->q->o;
	const struct {
		const char *name, *value;
	} v[] = {
	    {"channel", o->channel},
	    {"peer", o->peer},
	    {"from", o->from},
	    {"to", o->to},
	    {"older-than", o->older},
	    {"newer-than", o->newer},
	    {"priority", o->level},
	    {"state", o->state},
	    {"kind", o->kind},
	    {"limit", o->limit},
	};
	const char *text = o->all ? "--all" : "";

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		if (v[i].value != NULL)
			text = arena_printf(x->c->a, "%s%s--%s %.60s", text,
			    *text != '\0' ? " " : "", v[i].name, v[i].value);
	return text;
}

static int
act_on_matches(struct act *x)
{
	int code;

	if (!queue_limit_read(x->q->o->limit, &x->limit))
		return cmd_usage(
		    x->q->cmd, "\"%s\" is no limit", x->q->o->limit);
	code = find(x);
	if (code != CMD_OK || !agreed(x, &code))
		return code;
	if (x->n_targets == 0 && !x->c->json)
		printf("Nothing of that kind is queued.\n");
	x->request.asked = asked(x);
	return x->n_targets > 0 ? run(x) : CMD_OK;
}

static int
act(struct act *x)
{
	char **args = x->q->args;
	int n = x->q->n, code = CMD_USAGE;

	if (!read_request(x, &args, &n, &code))
		return code;
	if (n > 0)
		return act_on_ids(x, args, n);
	if (!queue_match_any(x->q->o) && !x->q->o->all)
		return cmd_usage(x->q->cmd,
		    "say which: ids, filters, or --all for everything");
	if (!queue_match_read(x->c->a, x->q->cmd, x->q->o, &x->match, &code))
		return code;
	return act_on_matches(x);
}

int
queue_act(const struct queue_call *q)
{
	struct control c;
	struct act x = {.q = q, .c = &c};
	int code = CMD_FAILED;

	if (control_find(&c, q->cmd, &q->o->common)) {
		x.a = arena_new();
		code = act(&x);
		arena_free(&x.a);
	}
	q_spool_close(&x.spool);
	buf_free(&x.out);
	arena_free(&c.a);
	return code;
}
