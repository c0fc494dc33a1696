/*
 * isthmus queue: what is queued, for whom, since when, next try, last error.
 * Asks the running qmgr; the addresses are read from the spool.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "ops/cmd.h"
#include "qmgr/control.h"

struct listing {
	struct q_spool *spool; /* NULL: cannot be read; ids only */
	int64_t now;
	bool full; /* every recipient, in full width */
	size_t n;
};

/* --- the parts of a row --- */

/* "12s", "5m", "3h", "2d": the two digits that matter. */
static const char *
age_text(int64_t seconds, char *out, size_t size)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds < 120)
		snprintf(out, size, "%llds", (long long)seconds);
	else if (seconds < 120 * 60)
		snprintf(out, size, "%lldm", (long long)seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(out, size, "%lldh", (long long)seconds / 3600);
	else
		snprintf(out, size, "%lldd", (long long)seconds / 86400);
	return out;
}

static const char *
next_text(const struct listing *l, const struct q_queue_entry *q, char *out,
    size_t size)
{
	char in[24];

	if (strcmp(q->state, "active") == 0)
		return "active";
	if (q->next <= l->now)
		return strcmp(q->state, "held") == 0 ? "held" : "now";
	snprintf(out, size, "%s%s",
	    strcmp(q->state, "held") == 0 ? "held " : "",
	    age_text(q->next - l->now, in, sizeof(in)));
	return out;
}

/* Nothing from outside may move the cursor or end the line. */
static void
print_safely(const char *s)
{
	for (; *s != '\0'; s++)
		putchar((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
}

static bool
is_for(const struct mhs_recipient *r, const struct q_queue_entry *q)
{
	return r->responsible &&
	    (*q->peer == '\0' || r->peer == NULL ||
		strcmp(r->peer, q->peer) == 0);
}

static void
print_recipients(struct arena *a, const struct listing *l,
    const struct mhs_envelope *env, const struct q_queue_entry *q)
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < env->n_recipients; i++) {
		const struct mhs_recipient *r = &env->recipients[i];

		if (!is_for(r, q))
			continue;
		if (shown > 0 && !l->full) {
			more++;
			continue;
		}
		printf("    to ");
		print_safely(mhs_name_text(a, &r->name));
		shown++;
		if (l->full)
			putchar('\n');
	}
	if (more > 0)
		printf(" and %zu more", more);
	if (shown > 0 && !l->full)
		putchar('\n');
}

static void
print_addresses(const struct listing *l, const struct q_queue_entry *q)
{
	struct q_record *r = NULL;
	struct err e = ERR_INIT;

	if (l->spool == NULL)
		return;
	if (q_record_open(l->spool, q->message, &r, &e) < 0) {
		/* between the listing and now it may have been delivered */
		printf("    (%s)\n", e.text);
		return;
	}
	if (r->env->kind != MHS_REPORT) {
		printf("    from ");
		print_safely(mhs_name_text(r->arena, &r->env->originator));
		putchar('\n');
	}
	print_recipients(r->arena, l, r->env, q);
	q_record_close(&r);
}

/* "    deferred-until 2026-11-22T08:00:00Z" */
static void
print_deferred(const struct q_queue_entry *q)
{
	time_t t = (time_t)q->next;
	struct tm tm;
	char text[32];

	if (strcmp(q->state, "deferred") == 0 && gmtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		printf("    deferred-until %s\n", text);
}

static void
print_head(void)
{
	printf("%-16s %-7s %-10s %-22s %5s %-9s %3s %9s\n", "ID", "KIND",
	    "PRIORITY", "CHANNEL/PEER", "SINCE", "NEXT TRY", "TRY", "OCTETS");
}

static bool
print_entry(void *arg, const struct q_queue_entry *q)
{
	struct listing *l = arg;
	char id[Q_ID_TEXT], where[80], since[24], next[40];

	if (l->n++ == 0)
		print_head();
	snprintf(where, sizeof(where), "%s%s%s", q->channel,
	    *q->peer != '\0' ? "/" : "", q->peer);
	printf("%-16s %-7s %-10s %-22s %5s %-9s %3u %9llu\n",
	    q_id_text(q->message, id), q->kind, q->priority, where,
	    age_text(l->now - q->arrival, since, sizeof(since)),
	    next_text(l, q, next, sizeof(next)), q->attempts,
	    (unsigned long long)q->size);
	print_deferred(q);
	print_addresses(l, q);
	if (*q->error != '\0') {
		printf("    error: ");
		print_safely(q->error);
		putchar('\n');
	}
	return true;
}

static bool
print_status(void *arg, const char *name, const char *value)
{
	(void)arg;
	printf("%-16s ", name);
	print_safely(value);
	putchar('\n');
	return true;
}

/* --- the command --- */

static struct q_spool *
open_spool(const char *directory)
{
	struct q_spool_params p = {.directory = directory};
	struct err e = ERR_INIT;
	struct q_spool *s = q_spool_open(&p, NULL, &e);

	if (s == NULL)
		fprintf(stderr, "isthmus queue: no addresses: %s\n", e.text);
	return s;
}

static int
list(const char *directory, const char *socket, bool full, struct err *e)
{
	struct listing l = {.now = clock_wall(), .full = full};
	int rc;

	l.spool = open_spool(directory);
	rc = q_control_queue(socket, print_entry, &l, e);
	if (rc >= 0 && l.n == 0)
		printf("The queue is empty.\n");
	q_spool_close(&l.spool);
	return rc;
}

static int
queue(const struct cmd *c, const char *config, bool full, bool status)
{
	struct arena *a = arena_new();
	const struct conf_node *root = cmd_config(a, config), *spool;
	const char *directory, *socket;
	struct err e = ERR_INIT;
	int code = CMD_FAILED, rc;

	spool = conf_child(root, "spool");
	directory = conf_str(spool, "directory", NULL);
	if (root != NULL && directory == NULL) {
		code = cmd_failed(c, "the configuration has no <spool>");
	} else if (root != NULL) {
		socket = arena_printf(a, "%s/run/control", directory);
		rc = status ? q_control_status(socket, print_status, NULL, &e)
			    : list(directory, socket, full, &e);
		code = rc >= 0 ? CMD_OK : cmd_failed(c, "%s", e.text);
	}
	arena_free(&a);
	return code;
}

static int
queue_main(const struct cmd *c, int argc, char **argv)
{
	const char *config = NULL;
	bool full = false, status = false;
	const struct cmd_option options[] = {
	    {"config", 'c', &config, NULL},
	    {"long", 'l', NULL, &full},
	    {"status", 's', NULL, &status},
	};
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options, 3, &rest, &n, &code))
		return code;
	if (n > 0)
		return cmd_usage(c, "unexpected argument %s", rest[0]);
	return queue(c, config, full, status);
}

const struct cmd cmd_queue = {
    .name = "queue",
    .summary = "list what is queued: for whom, since when, why still",
    .synopsis = "[-c FILE] [--long | --status]",
    .help =
	"One entry for the recipients of one message that go to one peer:\n"
	"its id, channel and peer, age, time to the next try, tries so far,\n"
	"originator, recipients, and the error of the last try.\n\n"
	"  -c, --config FILE  the configuration of the running switch\n"
	"  -l, --long         every recipient, not only the first\n"
	"  -s, --status       counts instead of entries\n",
    .main = queue_main,
};
