/*
 * sched - how fast the scheduler decides with a million mlists, and how much
 * memory each of them takes.
 *
 *	sched [MLISTS]
 *
 * Each is one message for one Internet recipient, in the queue as qmgr has it:
 * message, recipient, mlist, and its places in tables and heaps, with what
 * malloc adds. One in four waits for a retry, the rest is ready for a thousand
 * peers at all levels. A decision is the next work taken and its answer given.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/arena.h"
#include "qmgr/queue.h"
#include "qmgr/record.h"

#define PEERS 1000
#define START (INT64_C(1000000000) * 1000)

struct bench {
	struct arena *arena;
	struct q_config config;
	struct q_queue *queue;
	int64_t now;
	struct waiting {
		void (*done)(void *arg);
		void *arg;
	} waiting[64];
	unsigned n_waiting;
	char name[PEERS][32];
};

static void
on_journal(void *arg, struct buf *entries, void (*done)(void *), void *done_arg)
{
	struct bench *b = arg;

	buf_free(entries);
	b->waiting[b->n_waiting++] = (struct waiting){done, done_arg};
}

static void
durable(struct bench *b)
{
	while (b->n_waiting > 0) {
		struct waiting x = b->waiting[--b->n_waiting];

		x.done(x.arg);
	}
}

static void
on_over(void *arg, uint64_t number)
{
	(void)arg;
	(void)number;
}

static int64_t
on_now(void *arg)
{
	return ((struct bench *)arg)->now;
}

static void
on_dropped(void *arg, q_id report, const struct q_outcome *why)
{
	(void)arg;
	(void)report;
	(void)why;
}

static void
on_planned(void *arg)
{
	(void)arg;
}

static const struct q_queue_ops ops = {
    .journal = on_journal,
    .segment_over = on_over,
    .content_over = on_over,
    .now = on_now,
    .dropped = on_dropped,
    .planned = on_planned,
};

/* --- the configuration, as a tree --- */

static struct conf_node *
add_node(struct arena *a, struct conf_node *to, const char *name)
{
	struct conf_node *n = ARENA_NEW(a, struct conf_node);

	n->name = name;
	n->text = "";
	n->file = "bench";
	*(struct conf_node **)arena_push(
	    a, &to->children, &to->n_children, sizeof(struct conf_node *)) = n;
	return n;
}

static void
set_attr(
    struct arena *a, struct conf_node *n, const char *name, const char *value)
{
	struct conf_attr *x = arena_push(a, &n->attrs, &n->n_attrs, sizeof(*x));

	x->name = name;
	x->value = value;
}

static void
configure(struct bench *b)
{
	struct conf_node *root = ARENA_NEW(b->arena, struct conf_node), *n;
	struct err e = ERR_INIT;

	root->name = "isthmus";
	root->text = "";
	root->file = "bench";
	n = add_node(b->arena, root, "mta");
	set_attr(b->arena, n, "name", "alpha");
	set_attr(b->arena, n, "country", "XX");
	set_attr(b->arena, n, "admd", "ALPHA");
	set_attr(b->arena, n, "hostname", "alpha.example");
	n = add_node(b->arena, root, "channel");
	set_attr(b->arena, n, "name", "smtp");
	for (unsigned i = 0; i < PEERS; i++) {
		snprintf(b->name[i], sizeof(b->name[i]), "peer%u.example", i);
		n = add_node(b->arena, root, "peer");
		set_attr(b->arena, n, "name", b->name[i]);
		set_attr(b->arena, n, "channel", "smtp");
		set_attr(b->arena, n, "address", "127.0.0.1:25");
	}
	if (q_config_read(root, &b->config, NULL, NULL, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(2);
	}
}

static void
submit(struct bench *b, unsigned i)
{
	struct q_summary_rcpt r = {
	    .peer = b->name[i * 7919u % PEERS],
	    .flags = Q_RCPT_RESPONSIBLE | Q_RCPT_WANTS_NDR | Q_RCPT_WANTS_DELAY,
	};
	struct q_summary s = {
	    .id = q_id_make(1 + i / 4000, 64 + 64 * (i % 4000)),
	    .kind = MHS_MESSAGE,
	    .content_type = MHS_CONTENT_RFC822,
	    .level = (enum q_level)(i % Q_LEVELS),
	    .arrival = START / 1000,
	    .deferred = i % 4 == 0 ? START / 1000 + 1 + i % 5000 : 0,
	    .size = 4096,
	    .rcpts = &r,
	    .n_rcpts = 1,
	};

	q_queue_submitted(b->queue, &s);
}

static bool
decide(struct bench *b, struct arena *a)
{
	struct q_work w;
	struct q_outcome o = {.result = Q_TRANSFERRED, .status = "2.0.0"};
	struct q_outcomes all = {.v = &o, .n = 1};

	if (!q_queue_next(b->queue, q_queue_chan(b->queue, "smtp"), a, &w))
		return false;
	all.mlist = w.mlist;
	o.recipient = w.recipients[0];
	q_queue_result(b->queue, &all);
	durable(b);
	return true;
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static size_t
in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* The worst single step, ms. */
static double
fill(struct bench *b, unsigned n)
{
	int64_t worst = 0;

	for (unsigned i = 0; i < n; i++) {
		int64_t t = now_us(), took;

		submit(b, i);
		took = now_us() - t;
		worst = took > worst ? took : worst;
	}
	return (double)worst / 1000;
}

static void
line(const char *name, double ours, const char *what, unsigned mlists)
{
	printf("bench %s ours=%.0f peer=- ratio=- (%s, %u mlists)\n", name,
	    ours, what, mlists);
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
	struct bench b = {.arena = arena_new(), .now = START};
	struct arena *a = arena_new();
	unsigned decisions = 0;
	double worst, seconds;
	size_t before;
	int64_t t;

	configure(&b);
	b.queue = q_queue_new(&b.config, &ops, &b);
	sched_chan_capacity(q_queue_chan(b.queue, "smtp"), 100);
	before = in_use();
	t = now_us();
	worst = fill(&b, n);
	seconds = (double)(now_us() - t) / 1e6;
	line("sched-memory", (double)((in_use() - before) / n),
	    "octets an mlist", n);
	line("sched-submit", n / seconds, "submissions per second", n);
	printf(
	    "bench sched-submit-worst ours=%.1f peer=- ratio=- (ms)\n", worst);
	t = now_us();
	while (decisions < n / 2 && decide(&b, a)) {
		arena_reset(a);
		decisions++;
	}
	seconds = (double)(now_us() - t) / 1e6;
	line("sched-decisions", decisions / seconds, "decisions per second", n);
	arena_free(&a);
	q_queue_free(&b.queue);
	q_config_free(&b.config);
	arena_free(&b.arena);
	return 0;
}
