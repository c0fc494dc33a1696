/*
 * p1load: drives a P1 relay under load, as smtp-source and smtp-sink do for
 * SMTP.
 *
 *   p1load source HOST:PORT --tsel T --our-mta M --our-password P
 *          --peer-mta M --peer-password P --to O/R-ADDRESS
 *          [--messages N] [--associations N] [--size OCTETS]
 *   p1load sink HOST:PORT --our-mta M --our-password P --peer-mta M
 *          --peer-password P [--messages N]
 *   p1load hold HOST:PORT --tsel T --our-mta M --our-password P
 *          --peer-mta M --peer-password P [--associations N] [--seconds N]
 *
 * The source sends N messages over its associations and ends when the last
 * was taken. The sink takes everything, forgets it, and ends when it has N
 * messages. Both print the seconds they were busy. Hold opens associations, says
 * so when all are open, and keeps them idle for that long. Bounded in time: a
 * load that has not ended after five minutes gives up with exit code 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asn1/ber.h"
#include "lib/log.h"
#include "p1/p1.h"

#define TIME_LIMIT_MS (300 * 1000)

struct options {
	const char *address, *tsel, *our_mta, *our_password;
	const char *peer_mta, *peer_password, *to;
	unsigned long messages, associations, size, seconds;
};

struct load {
	struct options o;
	struct loop *loop;
	struct arena *arena;
	struct mhs_or *originator, *recipient;
	struct buf content;
	unsigned long begun, done, open;
	msec_t first, last;
	bool hold;
	int status;
};

struct association {
	struct load *load;
	struct p1 *p1;
	struct conn *conn;
	uint64_t sent; /* octets of the content under way */
	unsigned number;
};

static void
finish(struct load *l, int status)
{
	l->status = status;
	l->last = clock_mono();
	loop_stop(l->loop);
}

/* A P22 message with one IA5 text of the wanted size. */
static void
make_content(struct load *l)
{
	struct buf *c = &l->content;
	uint8_t *text;

	ber_put(c, BER_UNIVERSAL, BER_PRINTABLE_STRING, "load 1", 6);
	ber_wrap(c, 0, BER_APPLICATION, 11); /* this-IPM */
	ber_wrap(c, 0, BER_UNIVERSAL, BER_SET);
	size_t body = c->len;
	ber_wrap(c, body, BER_UNIVERSAL, BER_SET); /* no parameters */
	text = xmalloc(l->o.size);
	memset(text, 'x', l->o.size);
	ber_put(c, BER_UNIVERSAL, BER_IA5_STRING, text, l->o.size);
	free(text);
	ber_wrap(c, body, BER_CONTEXT, 0); /* ia5-text */
	ber_wrap(c, body, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(c, 0, BER_CONTEXT, 0); /* ipm */
}

static void
send_content(struct association *as)
{
	struct load *l = as->load;
	struct err e = ERR_INIT;
	int64_t took;

	while (as->sent < l->content.len) {
		took = p1_send_content(as->p1, l->content.data + as->sent,
		    l->content.len - as->sent, &e);
		if (took < 0) {
			log_err(LOG_LEVEL_ERROR, "send", &e, NULL);
			finish(l, 1);
			return;
		}
		if (took == 0)
			return;
		as->sent += (uint64_t)took;
	}
}

static void
send_next(struct association *as)
{
	struct load *l = as->load;
	struct err e = ERR_INIT;
	struct arena *a;
	struct mhs_envelope *env;
	struct mhs_recipient *r;
	struct mhs_trace *t;

	if (l->begun >= l->o.messages || !p1_ready(as->p1))
		return;
	if (l->first == 0)
		l->first = clock_mono();
	l->begun++;
	a = arena_new();
	env = mhs_envelope_new(a, MHS_MESSAGE);
	env->id.domain = (struct mhs_domain){"XX", "LOAD", "SOURCE"};
	env->id.local =
	    arena_printf(a, "load.%ld.%lu", (long)getpid(), l->begun);
	env->originator.ora = l->originator;
	env->content_type = MHS_CONTENT_P22;
	env->content_length = l->content.len;
	r = mhs_recipient_add(a, env);
	r->name.ora = l->recipient;
	r->number = 1;
	r->responsible = true;
	r->originator_report = r->mta_report = MHS_REPORT_NDR;
	t = mhs_trace_add(a, env);
	t->domain = env->id.domain;
	t->arrival = clock_wall();
	as->sent = 0;
	if (p1_send(as->p1, env, l->content.len, &e) < 0) {
		log_err(LOG_LEVEL_ERROR, "send", &e, NULL);
		finish(l, 1);
	} else {
		send_content(as);
	}
	arena_free(&a);
}

static void
on_held(void *arg)
{
	finish(arg, 0);
}

static void
all_open(struct load *l)
{
	printf("%lu associations are open\n", l->open);
	fflush(stdout);
	loop_timer_set(l->loop, (msec_t)l->o.seconds * 1000, on_held, l);
}

static void
on_event(void *arg, const struct p1_event *ev)
{
	struct association *as = arg;
	struct load *l = as->load;

	switch (ev->type) {
	case P1_OPEN:
		if (++l->open == l->o.associations && l->hold)
			all_open(l);
		/* fall through */
	case P1_TURN:
		if (l->o.to != NULL)
			send_next(as);
		break;
	case P1_WRITABLE: send_content(as); break;
	case P1_SENT:
		if (++l->done == l->o.messages)
			finish(l, 0);
		else
			send_next(as);
		break;
	case P1_IN_BEGIN:
		if (l->first == 0)
			l->first = clock_mono();
		break;
	case P1_IN_END:
		if (p1_accept(as->p1, NULL) < 0)
			finish(l, 1);
		if (++l->done == l->o.messages)
			finish(l, 0);
		break;
	case P1_REFUSED:
	case P1_SEND_FAILED:
		if (ev->err != NULL)
			log_err(LOG_LEVEL_ERROR, "load", ev->err, NULL);
		finish(l, 1);
		break;
	default: break;
	}
}

static bool
on_lookup(void *arg, const struct p1_caller *from, struct p1_peer_auth *out)
{
	const struct options *o = &((struct association *)arg)->load->o;

	if (strcmp(from->mta, o->peer_mta) != 0)
		return false;
	out->password = o->peer_password;
	out->our_mta = o->our_mta;
	out->our_password = o->our_password;
	out->two_way_alternate = true;
	return true;
}

static void
on_gone(void *arg)
{
	struct association *as = arg;

	p1_free(&as->p1);
	conn_free(&as->conn);
	free(as);
}

static struct association *
associate(struct load *l, int fd, enum osi_role role)
{
	static uint32_t number;
	struct association *as = xcalloc(1, sizeof(*as));
	struct p1_params p = {
	    .role = role,
	    .our_mta = l->o.our_mta,
	    .our_password = l->o.our_password,
	    .peer_mta = l->o.peer_mta,
	    .peer_password = l->o.peer_password,
	    .checkpoint_size = 63,
	    .window_size = 3,
	    .lookup = on_lookup,
	    .conn_id = ++number,
	    .wall = clock_wall(),
	    .common.timeouts = {30000, 60000, 0},
	};

	if (osi_sel_parse(l->o.tsel, &p.called.tsel, NULL) < 0)
		exit(2);
	as->load = l;
	as->p1 = p1_new(&p, on_event, as, clock_mono());
	as->conn = conn_new(l->loop, fd, &p1_engine_ops, as->p1, on_gone, as);
	if (role == OSI_INITIATOR && p1_start(as->p1, NULL) < 0)
		exit(1);
	conn_wake(as->conn);
	return as;
}

static void
on_accept(void *arg, int fd, const char *peer)
{
	(void)peer;
	associate(arg, fd, OSI_RESPONDER);
}

static void
on_time_limit(void *arg)
{
	struct load *l = arg;

	fprintf(stderr, "p1load: time limit after %lu of %lu messages\n",
	    l->done, l->o.messages);
	finish(l, 1);
}

static void
usage(void)
{
	fputs("usage: p1load source|sink|hold HOST:PORT [--OPTION VALUE]...\n",
	    stderr);
	exit(2);
}

static void
parse_options(struct options *o, int argc, char **argv)
{
	struct {
		const char *name;
		const char **text;
		unsigned long *number;
	} table[] = {
	    {"--tsel", &o->tsel, NULL},
	    {"--our-mta", &o->our_mta, NULL},
	    {"--our-password", &o->our_password, NULL},
	    {"--peer-mta", &o->peer_mta, NULL},
	    {"--peer-password", &o->peer_password, NULL},
	    {"--to", &o->to, NULL},
	    {"--messages", NULL, &o->messages},
	    {"--associations", NULL, &o->associations},
	    {"--size", NULL, &o->size},
	    {"--seconds", NULL, &o->seconds},
	};
	size_t i, n = sizeof(table) / sizeof(table[0]);

	for (int at = 3; at < argc; at += 2) {
		for (i = 0; i < n; i++)
			if (strcmp(argv[at], table[i].name) == 0)
				break;
		if (i == n || at + 1 == argc)
			usage();
		if (table[i].text != NULL)
			*table[i].text = argv[at + 1];
		else
			*table[i].number = strtoul(argv[at + 1], NULL, 10);
	}
	if (o->our_mta == NULL || o->peer_mta == NULL)
		usage();
}

static void
open_all(struct load *l)
{
	struct err e = ERR_INIT;
	int fd;

	for (unsigned long i = 0; i < l->o.associations; i++) {
		fd = net_connect(l->o.address, &e);
		if (fd < 0) {
			log_err(LOG_LEVEL_ERROR, "connect", &e, NULL);
			exit(1);
		}
		associate(l, fd, OSI_INITIATOR);
	}
}

static void
start_source(struct load *l)
{
	struct err e = ERR_INIT;

	l->recipient = mhs_or_parse(l->arena, l->o.to, &e);
	l->originator =
	    mhs_or_parse(l->arena, "/C=XX/ADMD=LOAD/PRMD=SOURCE/S=Source/", &e);
	if (l->recipient == NULL || l->originator == NULL) {
		log_err(LOG_LEVEL_ERROR, "address", &e, NULL);
		exit(2);
	}
	make_content(l);
	open_all(l);
}

static void
start_sink(struct load *l)
{
	struct err e = ERR_INIT;
	int fd = net_listen(l->o.address, &e);

	if (fd < 0) {
		log_err(LOG_LEVEL_ERROR, "listen", &e, NULL);
		exit(1);
	}
	loop_listen(l->loop, fd, on_accept, l);
}

int
main(int argc, char **argv)
{
	struct load l = {.o = {.messages = 1000,
			     .associations = 4,
			     .size = 4096,
			     .seconds = 5}};

	log_init("p1load", LOG_LEVEL_WARN, false);
	if (argc < 3)
		usage();
	l.o.address = argv[2];
	parse_options(&l.o, argc, argv);
	l.loop = loop_new();
	l.arena = arena_new();
	if (strcmp(argv[1], "source") == 0 && l.o.to != NULL)
		start_source(&l);
	else if (strcmp(argv[1], "sink") == 0)
		start_sink(&l);
	else if ((l.hold = strcmp(argv[1], "hold") == 0))
		open_all(&l);
	else
		usage();
	loop_timer_set(l.loop, TIME_LIMIT_MS, on_time_limit, &l);
	loop_run(l.loop);
	printf("%lu messages in %.3f seconds\n", l.done,
	    (double)(l.last - l.first) / 1000);
	return l.status;
}
