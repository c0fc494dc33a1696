/*
 * isthmus status: the state of the running switch, all but the messages
 * themselves.
 */
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "ops/control.h"
#include "ops/text.h"

#define KINDS 10 /* of rows */

struct status {
	struct control *c;
	struct buf out;
	struct buf parts[KINDS]; /* of the text: in order when all is there */
	int64_t now;
	bool all;
};

typedef void row_fn(struct status *s, const struct q_row *row);

/* --- parts of lines --- */

static long long
number(const struct q_row *row, const char *name)
{
	return (long long)q_row_get_int(row, name);
}

static void
put_safe(struct status *s, const char *before, const char *text)
{
	if (*text == '\0')
		return;
	buf_puts(&s->out, before);
	text_safe(&s->out, text);
}

/* Entries by state; `some`: but for states that none is in. */
static void
put_views(struct status *s, const struct q_row *row, bool some)
{
	const char *comma = "";

	for (int i = 0; i < Q_VIEW_STATES; i++) {
		const char *name = q_view_state_name((enum q_view_state)i);

		if (some && number(row, name) == 0)
			continue;
		buf_printf(
		    &s->out, "%s %lld %s", comma, number(row, name), name);
		comma = ",";
	}
}

/* --- one kind of row each --- */

static void
put_switch(struct status *s, const struct q_row *row)
{
	char age[TEXT_AGE];

	put_safe(s, "switch ", q_row_get_text(row, "mta"));
	buf_printf(&s->out, ", pid %lld, running for %s%s%s\n",
	    number(row, "pid"), text_age(s->now - number(row, "started"), age),
	    q_row_get_bool(row, "loading") ? ", loading the queue" : "",
	    q_row_get_bool(row, "stopping") ? ", stopping" : "");
	buf_printf(&s->out,
	    "queue: %lld message%s; entries:", number(row, "messages"),
	    number(row, "messages") == 1 ? "" : "s");
	put_views(s, row, false);
	buf_putc(&s->out, '\n');
}

static void
put_spool(struct status *s, const struct q_row *row)
{
	char files[TEXT_SIZE], live[TEXT_SIZE], room[TEXT_SIZE];

	buf_printf(&s->out,
	    "spool: %s, %lld segments, %s in finished ones, %s of it live, %s "
	    "free",
	    q_row_get_text(row, "state"), number(row, "segments"),
	    text_size((uint64_t)number(row, "file_octets"), files),
	    text_size((uint64_t)number(row, "live_octets"), live),
	    text_size((uint64_t)number(row, "free_octets"), room));
	if (number(row, "quarantined") > 0)
		buf_printf(&s->out, ", %lld DAMAGED in quarantine/",
		    number(row, "quarantined"));
	buf_putc(&s->out, '\n');
	put_safe(s, "    ", q_row_get_text(row, "reason"));
	if (q_row_get(row, "reason") != NULL)
		buf_putc(&s->out, '\n');
}

static void
put_program(struct status *s, const struct q_row *row)
{
	char age[TEXT_AGE];

	buf_printf(&s->out, "  %-14s %-12s %3lld", q_row_get_text(row, "name"),
	    q_row_get_text(row, "kind"), number(row, "processes"));
	if (q_row_get(row, "processes_allowed") != NULL) {
		buf_printf(
		    &s->out, " of %-3lld", number(row, "processes_allowed"));
		put_views(s, row, true);
	}
	if (q_row_get_bool(row, "channel_stopped"))
		buf_puts(&s->out, "  STOPPED");
	if (number(row, "failures") > 0)
		buf_printf(&s->out, "  died %lld times in a row",
		    number(row, "failures"));
	if (number(row, "not_before") > 0)
		buf_printf(&s->out, "  next start in %s",
		    text_age(number(row, "not_before") - s->now, age));
	buf_putc(&s->out, '\n');
}

static void
put_process(struct status *s, const struct q_row *row)
{
	char age[TEXT_AGE];

	buf_printf(&s->out,
	    "  %-14s pid %-8lld for %-5s %lld works of %lld%s%s\n",
	    q_row_get_text(row, "program"), number(row, "pid"),
	    text_age(number(row, "age"), age), number(row, "works"),
	    number(row, "capacity"),
	    q_row_get_bool(row, "stopping") ? "  ending" : "",
	    q_row_get_bool(row, "silent") ? "  DOES NOT ANSWER" : "");
}

static void
put_connections(struct status *s, const struct q_row *row)
{
	const char *peer = q_row_get_text(row, "peer");

	buf_printf(&s->out, "  %-14s pid %-8lld ",
	    q_row_get_text(row, "program"), number(row, "pid"));
	text_safe(&s->out, *peer != '\0' ? peer : "(others)");
	buf_printf(&s->out, ": %lld in, %lld out\n", number(row, "in"),
	    number(row, "out"));
}

/* Those that go well and have nothing to do are many. */
static bool
is_dull(const struct q_row *row)
{
	return number(row, "queued") == 0 && number(row, "active") == 0 &&
	    !q_row_get_bool(row, "stopped") &&
	    q_row_get(row, "held_until") == NULL &&
	    q_row_get(row, "rerouted_to") == NULL;
}

static void
put_peer(struct status *s, const struct q_row *row)
{
	char age[TEXT_AGE];

	put_safe(s, "  ", q_row_get_text(row, "peer"));
	put_safe(s, " by ", q_row_get_text(row, "channel"));
	buf_printf(&s->out, ": %lld %s, %lld active", number(row, "queued"),
	    q_row_get_text(row, "state"), number(row, "active"));
	if (q_row_get_bool(row, "stopped"))
		buf_puts(&s->out, ", STOPPED");
	if (q_row_get(row, "held_until") != NULL)
		buf_printf(&s->out, ", held for %s",
		    text_age(number(row, "held_until") - s->now, age));
	if (q_row_get(row, "rerouted_to") != NULL) {
		put_safe(
		    s, ", rerouted to ", q_row_get_text(row, "rerouted_to"));
		buf_printf(
		    &s->out, " (%lld recipients)", number(row, "rerouted"));
	}
	put_safe(s, ": ", q_row_get_text(row, "error"));
	buf_putc(&s->out, '\n');
}

static void
put_stopped(struct status *s, const struct q_row *row)
{
	put_safe(s, "  ", q_row_get_text(row, "kind"));
	put_safe(s, " ", q_row_get_text(row, "name"));
	buf_putc(&s->out, '\n');
}

static void
put_self_test(struct status *s, const struct q_row *row)
{
	char age[TEXT_AGE];

	put_safe(s, "  ", q_row_get_text(row, "channel"));
	put_safe(s, "/", q_row_get_text(row, "peer"));
	buf_printf(&s->out, ": %lld %s (of %lld to %lld)", number(row, "now"),
	    q_row_get_text(row, "of"), number(row, "min"), number(row, "max"));
	if (q_row_get(row, "rate") != NULL)
		buf_printf(&s->out, ", %s messages a second",
		    q_row_get_text(row, "rate"));
	if (q_row_get(row, "why") != NULL) {
		put_safe(s, "; ", q_row_get_text(row, "why"));
		buf_printf(&s->out, ", %s ago",
		    text_age(s->now - number(row, "decided"), age));
	}
	buf_putc(&s->out, '\n');
}

static bool
is_idle(const struct q_row *row)
{
	static const char *const names[] = {
	    "messages_10s", "messages_1min", "messages_10min"};

	for (size_t i = 0; i < 3; i++)
		if (strcmp(q_row_get_text(row, names[i]), "0.00") != 0)
			return false;
	return true;
}

static void
put_rate(struct status *s, const struct q_row *row)
{
	put_safe(s, "  ", q_row_get_text(row, "channel"));
	put_safe(s, "/", q_row_get_text(row, "peer"));
	buf_printf(&s->out, ": %s, %s, %s messages; %s, %s, %s octets\n",
	    q_row_get_text(row, "messages_10s"),
	    q_row_get_text(row, "messages_1min"),
	    q_row_get_text(row, "messages_10min"),
	    q_row_get_text(row, "octets_10s"),
	    q_row_get_text(row, "octets_1min"),
	    q_row_get_text(row, "octets_10min"));
}

static void
put_level(struct status *s, const struct q_row *row)
{
	buf_printf(&s->out, "  %-10s", q_row_get_text(row, "level"));
	for (size_t i = 0; i < row->n; i++)
		if (row->v[i].kind == Q_ROW_NUMBER)
			buf_printf(&s->out, "  %s %s", row->v[i].name,
			    row->v[i].value);
	buf_putc(&s->out, '\n');
}

static const struct {
	const char *type, *heading;
	row_fn *put;
	bool (*skip)(const struct q_row *row); /* but with --all */
} kinds[KINDS] = {
    {"switch", NULL, put_switch, NULL},
    {"spool", NULL, put_spool, NULL},
    {"program", "programs:", put_program, NULL},
    {"process", "processes:", put_process, NULL},
    {"connections", "connections:", put_connections, NULL},
    {"peer", "peers:", put_peer, is_dull},
    {"stopped", "stopped by the operator:", put_stopped, NULL},
    {"self_test", "self test:", put_self_test, NULL},
    {"rate", "a second, in the last 10 s, minute, 10 minutes:", put_rate,
	is_idle},
    {"level", "entries by level and state:", put_level, NULL},
};

static void
row_as_json(struct status *s, const struct q_row *row)
{
	buf_printf(
	    &s->out, "{\"type\":\"%s\"%s", row->type, row->n > 0 ? "," : "");
	text_json_row(&s->out, row);
	buf_puts(&s->out, "}\n");
}

static void
row_as_text(struct status *s, const struct q_row *row)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i].type, row->type) != 0 ||
		    (kinds[i].skip != NULL && !s->all && kinds[i].skip(row)))
			continue;
		if (kinds[i].heading != NULL && s->parts[i].len == 0)
			buf_printf(&s->parts[i], "%s\n", kinds[i].heading);
		kinds[i].put(s, row);
		buf_append(&s->parts[i], s->out.data, s->out.len);
		buf_clear(&s->out);
	}
}

static bool
on_row(void *arg, const struct q_row *row)
{
	struct status *s = arg;

	(s->c->json ? row_as_json : row_as_text)(s, row);
	control_print(&s->out);
	return true;
}

static void
put_parts(struct status *s)
{
	for (size_t i = 0; i < KINDS; i++) {
		control_print(&s->parts[i]);
		buf_free(&s->parts[i]);
	}
}

static int
status_main(const struct cmd *c, int argc, char **argv)
{
	struct control_options o = {0};
	struct control control;
	struct status s = {.c = &control, .now = clock_wall()};
	const struct cmd_option options[] = {
	    {"config", 'c', &o.config, NULL},
	    {"directory", 'd', &o.directory, NULL},
	    {"json", 0, NULL, &o.json},
	    {"all", 'a', NULL, &s.all},
	};
	const struct q_request r = {.verb = Q_VERB_STATUS};
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options,
		sizeof(options) / sizeof(*options), &rest, &n, &code))
		return code;
	if (n > 0)
		return cmd_usage(c, "unexpected argument %s", rest[0]);
	code = CMD_FAILED;
	if (control_find(&control, c, &o))
		code = control_ask(&control, &r, on_row, &s);
	put_parts(&s);
	buf_free(&s.out);
	arena_free(&control.a);
	return code;
}

const struct cmd cmd_status = {
    .name = "status",
    .summary = "processes, connections, rates, peers in trouble, the spool",
    .synopsis = "[--all] [-c FILE | -d DIRECTORY] [--json]",
    .help = "The running switch: what it runs, whom it talks to, what waits\n"
	    "and why, how fast it is, and what its self test decided.\n\n"
	    "  -a, --all             also peers in order that have nothing to "
	    "do\n" CONTROL_OPTIONS_HELP,
    .main = status_main,
};
