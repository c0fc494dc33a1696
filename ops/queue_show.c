/*
 * isthmus queue show: one message: its envelope, and what qmgr knows of each of
 * its recipients; or its content.
 */
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "ops/decode.h"
#include "ops/queue.h"

struct show {
	const struct queue_call *q;
	struct control *c;
	struct q_spool *spool;
	struct q_record *record; /* NULL: cannot be read */
	struct err unreadable;   /* why */
	struct buf head, versions, recipients, out;
	int64_t now;
};

/* --- rows as JSON --- */

static void
json_item(struct buf *out, const struct q_row *row)
{
	buf_puts(out, out->len > 0 ? ",{" : "{");
	text_json_row(out, row);
}

static const struct mhs_recipient *
recipient_of(const struct show *s, const struct q_row *row)
{
	size_t i = (size_t)q_row_get_int(row, "index");

	return s->record != NULL && i < s->record->env->n_recipients
	    ? &s->record->env->recipients[i]
	    : NULL;
}

static void
row_as_json(struct show *s, const struct q_row *row)
{
	const struct mhs_recipient *r;

	if (strcmp(row->type, "message") == 0) {
		text_json_row(&s->head, row);
	} else if (strcmp(row->type, "version") == 0) {
		json_item(&s->versions, row);
		buf_putc(&s->versions, '}');
	} else if (strcmp(row->type, "recipient") == 0) {
		r = recipient_of(s, row);
		json_item(&s->recipients, row);
		if (r != NULL) {
			buf_puts(&s->recipients, ",\"address\":");
			text_json(&s->recipients,
			    mhs_name_text(s->record->arena, &r->name));
		}
		buf_putc(&s->recipients, '}');
	}
}

static void
put_json(struct show *s)
{
	struct buf env = {0};

	buf_putc(&s->out, '{');
	buf_append(&s->out, s->head.data, s->head.len);
	buf_puts(&s->out, ",\"versions\":[");
	buf_append(&s->out, s->versions.data, s->versions.len);
	buf_puts(&s->out, "],\"recipient_states\":[");
	buf_append(&s->out, s->recipients.data, s->recipients.len);
	buf_puts(&s->out, "],\"envelope\":");
	if (s->record != NULL)
		mhs_envelope_print(s->record->env, &env);
	text_json(&s->out, s->record != NULL ? buf_cstr(&env) : NULL);
	if (s->record == NULL) {
		buf_puts(&s->out, ",\"unreadable\":");
		text_json(&s->out, s->unreadable.text);
	}
	buf_puts(&s->out, "}\n");
	buf_free(&env);
}

/* --- rows as text --- */

static void
put_line(struct buf *out, const char *name, const char *text)
{
	if (*text == '\0')
		return;
	buf_printf(out, "%s: ", name);
	text_safe(out, text);
	buf_putc(out, '\n');
}

static void
put_time(
    struct show *s, struct buf *out, const struct q_row *row, const char *name)
{
	int64_t t = q_row_get_int(row, name), distance = t - s->now;
	char time[TEXT_TIME], age[TEXT_AGE];

	if (t == 0)
		return;
	buf_printf(out, "%s: %s (", name, text_time(t, time));
	if (distance > 0)
		buf_printf(out, "in %s)\n", text_age(distance, age));
	else
		buf_printf(out, "%s ago)\n", text_age(-distance, age));
}

static void
message_as_text(struct show *s, const struct q_row *row)
{
	char size[TEXT_SIZE];

	put_line(&s->head, "message", q_row_get_text(row, "id"));
	if (strcmp(q_row_get_text(row, "place"), q_row_get_text(row, "id")) !=
	    0)
		put_line(
		    &s->head, "record now at", q_row_get_text(row, "place"));
	put_line(&s->head, "kind", q_row_get_text(row, "kind"));
	put_line(&s->head, "priority", q_row_get_text(row, "level"));
	put_time(s, &s->head, row, "arrival");
	put_time(s, &s->head, row, "deferred_until");
	put_time(s, &s->head, row, "latest");
	put_time(s, &s->head, row, "expires");
	put_line(&s->head, "content",
	    text_size((uint64_t)q_row_get_int(row, "octets"), size));
	buf_printf(&s->head, "recipients: %lld, %lld not done\n",
	    (long long)q_row_get_int(row, "recipients"),
	    (long long)q_row_get_int(row, "undone"));
}

/* What it says then is no error. */
static bool
is_good(const char *result)
{
	static const char *const good[] = {
	    "transferred", "relayed", "delivered", "converted"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (strcmp(result, good[i]) == 0)
			return true;
	return false;
}

static void
recipient_as_text(struct show *s, const struct q_row *row)
{
	const struct mhs_recipient *r = recipient_of(s, row);
	const char *peer = q_row_get_text(row, "peer");
	const char *result = q_row_get_text(row, "result");
	struct buf *out = &s->recipients;

	buf_printf(
	    out, "recipient %lld: ", (long long)q_row_get_int(row, "index"));
	text_safe(
	    out, r != NULL ? mhs_name_text(s->record->arena, &r->name) : "?");
	buf_printf(out, "\n    %s", q_row_get_text(row, "state"));
	if (q_row_get_bool(row, "hold"))
		buf_puts(out, ", held if it comes back");
	if (*peer != '\0')
		buf_printf(out, ", peer %s", peer);
	if (q_row_get(row, "channel") != NULL)
		buf_printf(
		    out, " by channel %s", q_row_get_text(row, "channel"));
	if (q_row_get(row, "step") != NULL)
		buf_printf(out, ", step %lld of %lld",
		    (long long)q_row_get_int(row, "step"),
		    (long long)q_row_get_int(row, "steps"));
	if (q_row_get(row, "attempts") != NULL)
		buf_printf(out, ", %lld attempt%s",
		    (long long)q_row_get_int(row, "attempts"),
		    q_row_get_int(row, "attempts") == 1 ? "" : "s");
	buf_putc(out, '\n');
	put_line(
	    out, "    rerouted from", q_row_get_text(row, "rerouted_from"));
	put_line(out, "    version", q_row_get_text(row, "version"));
	if (q_row_get_int(row, "next") != 0) {
		buf_puts(out, "    ");
		put_time(s, out, row, "next");
	}
	if (*result == '\0')
		return;
	buf_printf(out, "    last result: %s", result);
	if (q_row_get(row, "status") != NULL)
		buf_printf(out, " %s", q_row_get_text(row, "status"));
	buf_putc(out, '\n');
	put_line(out, is_good(result) ? "    answer" : "    error",
	    q_row_get_text(row, "error"));
	put_line(out, "    remote MTA", q_row_get_text(row, "remote_mta"));
}

static void
row_as_text(struct show *s, const struct q_row *row)
{
	if (strcmp(row->type, "message") == 0)
		message_as_text(s, row);
	else if (strcmp(row->type, "version") == 0)
		put_line(&s->versions, "version", q_row_get_text(row, "id"));
	else if (strcmp(row->type, "recipient") == 0)
		recipient_as_text(s, row);
}

static void
put_text(struct show *s)
{
	buf_append(&s->out, s->head.data, s->head.len);
	buf_append(&s->out, s->versions.data, s->versions.len);
	buf_puts(&s->out, "\n-- recipients\n");
	buf_append(&s->out, s->recipients.data, s->recipients.len);
	if (s->record != NULL) {
		buf_puts(&s->out, "\n-- envelope\n");
		mhs_envelope_print(s->record->env, &s->out);
	}
}

/* --- content --- */

/* Without the empty line that ends it. */
static size_t
header_length(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool line = i == 0 || p[i - 1] == '\n';

		if (line &&
		    (p[i] == '\n' ||
			(p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')))
			return i;
	}
	return n;
}

/* What a report returns is of the type of the message that it is on. */
static bool
is_internet(const struct mhs_envelope *env)
{
	enum mhs_content type = env->kind == MHS_REPORT && env->report != NULL
	    ? env->report->content_type
	    : env->content_type;

	return type == MHS_CONTENT_RFC822;
}

/* An Internet message as it is; others as what they say. */
static int
put_content(struct show *s)
{
	const struct q_record *r = s->record;
	const char *p = (const char *)r->content;
	size_t n = r->content_n;
	struct err e = ERR_INIT;

	if (n == 0) {
		fprintf(stderr, "isthmus queue: it has no content\n");
		return ERR_NOT_FOUND;
	}
	if (s->q->o->raw) {
		buf_append(&s->out, r->content, r->content_n);
		return 0;
	}
	if (is_internet(r->env)) {
		if (s->q->o->header)
			n = header_length(p, n);
		text_safe_lines(&s->out, p, n);
		return 0;
	}
	if (s->q->o->header) {
		fprintf(stderr,
		    "isthmus queue: the content is no Internet message; "
		    "--content shows its heading\n");
		return ERR_UNSUPPORTED;
	}
	if (decode_any(r->arena, NULL, r->content, n, &s->out, &e) == 0)
		return 0;
	fprintf(stderr, "isthmus queue: %s\n", e.text);
	return e.code;
}

/* --- the whole --- */

static bool
on_row(void *arg, const struct q_row *row)
{
	struct show *s = arg;

	if (strcmp(row->type, "message") == 0 && s->spool != NULL &&
	    queue_record(s->spool, row, &s->record, &s->unreadable) < 0)
		s->record = NULL;
	(s->c->json ? row_as_json : row_as_text)(s, row);
	return true;
}

static int
show(struct show *s, q_id id)
{
	const struct queue_options *o = s->q->o;
	struct q_request_target t = {.message = id};
	struct q_request r = {
	    .verb = Q_VERB_SHOW, .targets = &t, .n_targets = 1};
	bool content = o->content || o->header || o->raw;
	int code;

	s->spool = queue_spool(s->c, &s->unreadable);
	code = control_ask(s->c, &r, on_row, s);
	if (code != CMD_OK)
		return code;
	if (s->record == NULL && content)
		return cmd_failed(
		    s->q->cmd, "it cannot be read: %s", s->unreadable.text);
	if (s->record == NULL)
		fprintf(stderr,
		    "isthmus queue: no addresses, for the record cannot be "
		    "read: %s\n",
		    s->unreadable.text);
	if (content)
		code = put_content(s) == 0 ? CMD_OK : CMD_FAILED;
	else
		(s->c->json ? put_json : put_text)(s);
	control_print(&s->out);
	return code;
}

int
queue_show(const struct queue_call *q)
{
	struct control c;
	struct show s = {.q = q, .c = &c, .now = clock_wall()};
	int code = CMD_FAILED;
	q_id id;

	if (q->n != 1)
		return cmd_usage(q->cmd, "show takes one id");
	if (q_id_parse(q->args[0], &id) != 0)
		return cmd_usage(q->cmd, "\"%s\" is no id", q->args[0]);
	if (control_find(&c, q->cmd, &q->o->common))
		code = show(&s, id);
	q_record_close(&s.record);
	q_spool_close(&s.spool);
	buf_free(&s.head);
	buf_free(&s.versions);
	buf_free(&s.recipients);
	buf_free(&s.out);
	arena_free(&c.a);
	return code;
}
