/*
 * p1peer: an MTA at the other end of a P1 association, as the end-to-end tests
 * need one.
 *
 *   p1peer send HOST:PORT --tsel T --our-mta M --our-password P --peer-mta M
 *          --peer-password P --id LOCAL --from O/R --to O/R [--to O/R]...
 *          [--probe yes] [--report none|ndr|dr|audit] [--deferred SECONDS]
 *          [--latest SECONDS] [--alternate O/R] [--allow alternate]
 *          [--prohibit reassignment|dl] [--return yes] [--unknown critical]
 *          [--passed PRMD] [--size OCTETS] [--responsible no]
 *   p1peer sink HOST:PORT --our-mta M --our-password P --peer-mta M
 *
 * `send` transfers one message or probe and ends. One that passed a PRMD has been
 * in that of ADMD ALPHA before. `sink` takes whatever comes,
 * from whoever has the password, and prints its envelope after a line "==".
 * Both end by themselves after five minutes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/ber.h"
#include "lib/log.h"
#include "p1/ext.h"
#include "p1/p1.h"

#define TIME_LIMIT_MS (300 * 1000)

struct peer {
	struct loop *loop;
	struct arena *arena;
	const char *address, *tsel, *our_mta, *our_password;
	const char *peer_mta, *peer_password;
	const char *id, *from, *to[8], *report, *probe, *deferred, *latest;
	const char *alternate, *allow, *prohibit, *content_return;
	const char *unknown, *passed, *size, *responsible;
	size_t n_to;
	struct mhs_envelope *env; /* to be sent; NULL: a sink */
	struct buf content;
	int status;
};

struct association {
	struct peer *peer;
	struct p1 *p1;
	struct conn *conn;
};

static void
die(const char *what, const struct err *e)
{
	log_err(LOG_LEVEL_ERROR, what, e, NULL);
	exit(1);
}

/* --- what is sent --- */

/* A P22 message with one IA5 text. */
static void
make_content(struct peer *p)
{
	static const char text[] = "A message for the tests.\r\n";
	struct buf *c = &p->content;
	size_t body, more;
	char *all;

	ber_put(c, BER_UNIVERSAL, BER_PRINTABLE_STRING, p->id, strlen(p->id));
	ber_wrap(c, 0, BER_APPLICATION, 11); /* this-IPM */
	body = c->len;
	ber_put(c, BER_UNIVERSAL, BER_TELETEX_STRING, p->id, strlen(p->id));
	ber_wrap(c, body, BER_CONTEXT, 8); /* subject */
	ber_wrap(c, 0, BER_UNIVERSAL, BER_SET);
	body = c->len;
	ber_wrap(c, body, BER_UNIVERSAL, BER_SET); /* no parameters */
	more = p->size != NULL ? (size_t)atol(p->size) : sizeof(text) - 1;
	all = xmalloc(more);
	for (size_t i = 0; i < more; i++)
		all[i] = text[i % (sizeof(text) - 1)];
	ber_put(c, BER_UNIVERSAL, BER_IA5_STRING, all, more);
	free(all);
	ber_wrap(c, body, BER_CONTEXT, 0); /* ia5-text */
	ber_wrap(c, body, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(c, 0, BER_CONTEXT, 0); /* ipm */
}

static struct mhs_or *
address(struct peer *p, const char *text)
{
	struct err e = ERR_INIT;
	struct mhs_or *ora = mhs_or_parse(p->arena, text, &e);

	if (ora == NULL)
		die(text, &e);
	return ora;
}

static bool
is(const char *option, const char *value)
{
	return option != NULL && strcmp(option, value) == 0;
}

static void
add_recipient(struct peer *p, const char *to)
{
	struct mhs_recipient *r = mhs_recipient_add(p->arena, p->env);
	struct mhs_name alternate;
	struct err e = ERR_INIT;

	r->name.ora = address(p, to);
	r->number = (int32_t)p->env->n_recipients;
	r->responsible = !is(p->responsible, "no");
	r->originator_report = is(p->report, "none") ? MHS_REPORT_NONE
	    : is(p->report, "ndr")                   ? MHS_REPORT_NDR
						     : MHS_REPORT_DR;
	r->mta_report = r->originator_report == MHS_REPORT_NONE
	    ? MHS_REPORT_NDR
	    : r->originator_report;
	r->audit = is(p->report, "audit");
	if (p->alternate == NULL)
		return;
	alternate = (struct mhs_name){.ora = address(p, p->alternate)};
	if (p1_ext_set_or_name(p->arena, &r->exts, P1_EXT_ORIGINATOR_ALTERNATE,
		&alternate, &e) < 0)
		die("alternate", &e);
}

static void
add_extensions(struct peer *p)
{
	static const uint8_t null[] = {5, 0};
	struct mhs_exts *x = &p->env->exts;
	struct err e = ERR_INIT;

	if (is(p->prohibit, "reassignment") &&
	    p1_ext_set_flag(
		p->arena, x, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED, &e) < 0)
		die("prohibit", &e);
	if (is(p->prohibit, "dl") &&
	    p1_ext_set_flag(p->arena, x, P1_EXT_DL_EXPANSION_PROHIBITED, &e) <
		0)
		die("prohibit", &e);
	if (is(p->unknown, "critical"))
		*(struct mhs_ext *)arena_push(p->arena, &x->v, &x->n,
		    sizeof(*x->v)) = (struct mhs_ext){.type = 199,
		    .criticality = MHS_CRITICAL_TRANSFER,
		    .value = null,
		    .n = sizeof(null)};
	if (p->latest != NULL &&
	    p1_ext_set_time(p->arena, x, P1_EXT_LATEST_DELIVERY_TIME,
		clock_wall() + atoi(p->latest), &e) < 0)
		die("latest", &e);
}

static void
add_trace(struct peer *p, const struct mhs_domain *d)
{
	struct mhs_trace *t = mhs_trace_add(p->arena, p->env);

	t->domain = *d;
	t->arrival = clock_wall();
}

static void
make_envelope(struct peer *p)
{
	bool probe = is(p->probe, "yes");
	struct mhs_envelope *env =
	    mhs_envelope_new(p->arena, probe ? MHS_PROBE : MHS_MESSAGE);
	const struct mhs_domain passed = {"XX", "ALPHA", p->passed};

	p->env = env;
	make_content(p);
	env->id.domain = (struct mhs_domain){"XX", "CHARLIE", NULL};
	env->id.local = p->id;
	env->originator.ora = address(p, p->from);
	env->content_type = MHS_CONTENT_P22;
	env->content_length = p->content.len;
	env->alternate_recipient_allowed = is(p->allow, "alternate");
	env->content_return_request = is(p->content_return, "yes");
	if (p->deferred != NULL)
		env->deferred_delivery = clock_wall() + atoi(p->deferred);
	if (probe)
		buf_clear(&p->content);
	for (size_t i = 0; i < p->n_to; i++)
		add_recipient(p, p->to[i]);
	add_extensions(p);
	add_trace(p, &env->id.domain);
	if (p->passed == NULL)
		return;
	add_trace(p, &passed);
	add_trace(p, &env->id.domain);
}

static void
send_more(struct association *as)
{
	struct buf *c = &as->peer->content;
	struct err e = ERR_INIT;
	int64_t n;

	if (c->len == 0)
		return;
	n = p1_send_content(as->p1, c->data, c->len, &e);
	if (n < 0)
		die("content", &e);
	buf_consume(c, (size_t)n);
}

static void
send_one(struct association *as)
{
	struct peer *p = as->peer;
	struct err e = ERR_INIT;

	if (p1_send(as->p1, p->env, p->content.len, &e) < 0)
		die("send", &e);
	send_more(as);
}

/* --- the association --- */

static void
print_extensions(const struct mhs_exts *x, struct buf *out)
{
	for (size_t i = 0; i < x->n; i++) {
		const char *name = p1_ext_name(x->v[i].type);

		buf_printf(out, "%s:\n", name != NULL ? name : "extension");
		p1_ext_print(&x->v[i], 2, out);
	}
}

static void
print(const struct mhs_envelope *env)
{
	const struct mhs_report *rep = env->report;
	struct buf out = {0};

	mhs_envelope_print(env, &out);
	print_extensions(&env->exts, &out);
	for (size_t i = 0; rep != NULL && i < rep->n_recipients; i++)
		print_extensions(&rep->recipients[i].exts, &out);
	printf("==\n%s", buf_cstr(&out));
	fflush(stdout);
	buf_free(&out);
}

static void
finish(struct peer *p, int status)
{
	p->status = status;
	loop_stop(p->loop);
}

static void
on_event(void *arg, const struct p1_event *ev)
{
	struct association *as = arg;
	struct peer *p = as->peer;

	switch (ev->type) {
	case P1_OPEN:
		if (p->env != NULL)
			send_one(as);
		break;
	case P1_WRITABLE: send_more(as); break;
	case P1_SENT: p1_close(as->p1); break;
	case P1_IN_END:
		print(ev->env);
		if (p1_accept(as->p1, NULL) < 0)
			finish(p, 1);
		break;
	case P1_REFUSED:
	case P1_SEND_FAILED:
		if (ev->err != NULL)
			log_err(LOG_LEVEL_ERROR, "p1peer", ev->err, NULL);
		finish(p, 1);
		break;
	case P1_CLOSED:
		if (p->env != NULL)
			finish(p, ev->err != NULL);
		break;
	default: break;
	}
}

static bool
on_lookup(void *arg, const struct p1_caller *from, struct p1_peer_auth *out)
{
	const struct peer *p = ((struct association *)arg)->peer;

	(void)from;
	out->our_mta = p->our_mta;
	out->our_password = p->our_password;
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

static void
associate(struct peer *peer, int fd, enum osi_role role)
{
	struct association *as = xcalloc(1, sizeof(*as));
	struct p1_params p = {
	    .role = role,
	    .our_mta = peer->our_mta,
	    .our_password = peer->our_password,
	    .peer_mta = peer->peer_mta,
	    .peer_password = peer->peer_password,
	    .checkpoint_size = 63,
	    .window_size = 3,
	    .lookup = on_lookup,
	    .conn_id = 1,
	    .wall = clock_wall(),
	    .common.timeouts = {30000, 60000, 0},
	};

	if (peer->tsel != NULL &&
	    osi_sel_parse(peer->tsel, &p.called.tsel, NULL) < 0)
		exit(2);
	as->peer = peer;
	as->p1 = p1_new(&p, on_event, as, clock_mono());
	as->conn =
	    conn_new(peer->loop, fd, &p1_engine_ops, as->p1, on_gone, as);
	if (role == OSI_INITIATOR && p1_start(as->p1, NULL) < 0)
		exit(1);
	conn_wake(as->conn);
}

static void
on_accept(void *arg, int fd, const char *from)
{
	(void)from;
	associate(arg, fd, OSI_RESPONDER);
}

static void
on_time_limit(void *arg)
{
	finish(arg, 1);
}

/* --- the command --- */

static void
usage(void)
{
	fputs(
	    "usage: p1peer send|sink HOST:PORT [--OPTION VALUE]...\n", stderr);
	exit(2);
}

static void
parse_options(struct peer *p, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **text;
	} table[] = {
	    {"--tsel", &p->tsel},
	    {"--unknown", &p->unknown},
	    {"--passed", &p->passed},
	    {"--size", &p->size},
	    {"--responsible", &p->responsible},
	    {"--our-mta", &p->our_mta},
	    {"--our-password", &p->our_password},
	    {"--peer-mta", &p->peer_mta},
	    {"--peer-password", &p->peer_password},
	    {"--id", &p->id},
	    {"--from", &p->from},
	    {"--report", &p->report},
	    {"--probe", &p->probe},
	    {"--deferred", &p->deferred},
	    {"--latest", &p->latest},
	    {"--alternate", &p->alternate},
	    {"--allow", &p->allow},
	    {"--prohibit", &p->prohibit},
	    {"--return", &p->content_return},
	};
	size_t i, n = sizeof(table) / sizeof(table[0]);

	for (int at = 3; at + 1 < argc; at += 2) {
		for (i = 0; i < n; i++)
			if (strcmp(argv[at], table[i].name) == 0)
				break;
		if (i < n)
			*table[i].text = argv[at + 1];
		else if (strcmp(argv[at], "--to") == 0 && p->n_to < 8)
			p->to[p->n_to++] = argv[at + 1];
		else
			usage();
	}
}

static int
connect_or_listen(struct peer *p, bool sink)
{
	struct err e = ERR_INIT;
	int fd =
	    sink ? net_listen(p->address, &e) : net_connect(p->address, &e);

	if (fd < 0)
		die(p->address, &e);
	return fd;
}

int
main(int argc, char **argv)
{
	struct peer p = {0};
	bool sink;
	int fd;

	log_init("p1peer", LOG_LEVEL_WARN, false);
	if (argc < 3)
		usage();
	sink = strcmp(argv[1], "sink") == 0;
	p.address = argv[2];
	parse_options(&p, argc, argv);
	if (p.our_mta == NULL ||
	    (!sink && (p.id == NULL || p.from == NULL || p.n_to == 0)))
		usage();
	p.loop = loop_new();
	p.arena = arena_new();
	fd = connect_or_listen(&p, sink);
	if (sink) {
		loop_listen(p.loop, fd, on_accept, &p);
	} else {
		make_envelope(&p);
		associate(&p, fd, OSI_INITIATOR);
	}
	loop_timer_set(p.loop, TIME_LIMIT_MS, on_time_limit, &p);
	loop_run(p.loop);
	return p.status;
}
