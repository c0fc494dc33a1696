/*
 * isthmus ping: opens a P1 association, says what each layer answered, and
 * releases it. No message is sent.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/cmd.h"
#include "ops/ping_peer.h"

struct ping {
	const struct cmd *cmd;
	struct loop *loop;
	struct conn *conn;
	struct p1 *p1;
	msec_t start;
	bool bound, refused;
	bool tls, tls_shown; /* it is spoken; the handshake is done */
	bool answered;       /* with something that was understood */
	struct buf held;     /* lines of what waits for the handshake */
	bool other_protocol; /* the peer does not know this one */
	bool verbose;        /* state transitions too */
};

/* As people write the name of a layer. */
static const char *
layer_name(const char *layer)
{
	static const struct {
		const char *ours, *theirs;
	} names[] = {
	    {"net", "TCP"},
	    {"tls", "TLS"},
	    {"cotp", "COTP"},
	    {"acse", "ACSE"},
	    {"rtse", "RTSE"},
	    {"p1", "P1"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (layer != NULL && strcmp(layer, names[i].ours) == 0)
			return names[i].theirs;
	return layer != NULL ? layer : "?";
}

static void
print_row(const char *layer, const char *text)
{
	printf("  %-13s %s\n", layer, text);
}

/* --- what was agreed, layer by layer --- */

static void
print_time(const struct ping *g, const char *text)
{
	printf("%6lld ms %s\n", (long long)(clock_mono() - g->start), text);
}

/* What waited for the handshake has gone out now. */
static void
show_held(struct ping *g)
{
	char *rest = (char *)buf_cstr(&g->held), *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			print_time(g, line);
	buf_clear(&g->held);
}

/* Once, when the handshake is done. */
static void
show_tls(struct ping *g)
{
	const struct tls_peer *p = g->conn != NULL ? conn_tls(g->conn) : NULL;
	char text[256];

	if (p == NULL || g->tls_shown)
		return;
	g->tls_shown = true;
	snprintf(text, sizeof(text), "%s, %s, subject \"%.150s\"", p->version,
	    p->cipher, p->subject);
	print_row("TLS", text);
	show_held(g);
}

static void
print_transport(struct cotp *cotp)
{
	const struct cotp_params *p = cotp_params(cotp);
	char text[128], sel[80];

	snprintf(text, sizeof(text),
	    "class 0, called TSEL %s, TPDUs of %u octets",
	    osi_sel_text(&p->called, sel, sizeof(sel)), p->tpdu_size);
	print_row("COTP", text);
}

static void
print_session(struct ses *ses)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} units[] = {
	    {SES_FU_HALF_DUPLEX, "half-duplex"},
	    {SES_FU_DUPLEX, "duplex"},
	    {SES_FU_MINOR_SYNC, "minor synchronize"},
	    {SES_FU_ACTIVITY, "activity management"},
	    {SES_FU_EXCEPTIONS, "exceptions"},
	};
	uint16_t r = ses_requirements(ses);
	struct buf b = {0};

	buf_printf(
	    &b, "version %d, functional units 0x%04x:", ses_version(ses), r);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if ((r & units[i].bit) != 0)
			buf_printf(&b, "%s %s",
			    b.data[b.len - 1] == ':' ? "" : ",", units[i].name);
	print_row("session", buf_cstr(&b));
	buf_free(&b);
}

static const char *
syntax_name(const char *oid)
{
	static const struct {
		const char *oid, *name;
	} names[] = {
	    {ACSE_ABSTRACT_SYNTAX, "ACSE"},
	    {RTSE_ABSTRACT_SYNTAX_P1, "id-as-mta-rtse"},
	    {P1_AS_MTSE, "id-as-mtse"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(oid, names[i].oid) == 0)
			return names[i].name;
	return oid;
}

static void
print_presentation(struct pres *pres)
{
	static const char *const results[] = {
	    "accepted", "rejected by the user", "rejected by the provider"};
	const struct pres_context *v;
	char text[160];
	size_t n;

	v = pres_contexts(pres, &n);
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "context %d %s (%s) %s",
		    (int)v[i].id, syntax_name(v[i].abstract_syntax),
		    v[i].abstract_syntax, results[v[i].result % 3]);
		print_row(i == 0 ? "presentation" : "", text);
	}
}

static void
print_agreed(struct ping *g)
{
	struct rtse *rtse = p1_rtse(g->p1);
	struct acse *acse = rtse_acse(rtse);
	struct pres *pres = acse_pres(acse);
	char text[160];

	print_transport(ses_cotp(pres_ses(pres)));
	print_session(pres_ses(pres));
	print_presentation(pres);
	if (rtse_is_x410(rtse)) /* X.227: there are no APDUs of ACSE */
		snprintf(text, sizeof(text), "none in X.410 mode");
	else
		snprintf(text, sizeof(text), "accepted, application context %s",
		    rtse_application_context(rtse));
	print_row("ACSE", text);
	snprintf(text, sizeof(text),
	    "%s, checkpoint size %u kilo-octets, window size %u",
	    rtse_dialogue(rtse) == RTSE_MONOLOGUE ? "monologue"
						  : "two-way alternate",
	    rtse_checkpoint_size(rtse), rtse_window_size(rtse));
	print_row("RTSE", text);
	snprintf(
	    text, sizeof(text), "bound, the MTA is \"%s\"", p1_peer_mta(g->p1));
	print_row("P1", text);
}

/* --- while it goes on --- */

/* `what` is "LAYER PDU", or "LAYER state" for a transition. */
static void
on_trace(void *arg, bool sent, const char *what, const char *detail)
{
	struct ping *g = arg;
	const char *space = strchr(what, ' ');
	char layer[32] = "";
	struct buf line = {0};

	show_tls(g);
	if (space == NULL || (size_t)(space - what) >= sizeof(layer))
		space = what;
	memcpy(layer, what, (size_t)(space - what));
	if (strcmp(space, " state") == 0) {
		if (g->verbose)
			printf("               %s:%s %s\n", layer_name(layer),
			    space, detail != NULL ? detail : "");
		return;
	}
	g->answered |= !sent;
	buf_printf(&line, "%s   %s%s%s%s", sent ? "->" : "<-",
	    *layer != '\0' ? layer_name(layer) : "", space,
	    detail != NULL && *detail != '\0' ? "  " : "",
	    detail != NULL ? detail : "");
	if (g->tls && !g->tls_shown)
		buf_printf(&g->held, "%s\n", buf_cstr(&line));
	else
		print_time(g, buf_cstr(&line));
	buf_free(&line);
}

static void
print_failure(struct ping *g, const struct p1_event *ev, const char *what)
{
	const struct err *e = ev->err;

	fflush(stdout);
	if (ev->type == P1_REFUSED && ev->bind_error >= 0)
		cmd_failed(g->cmd, "%s: P1 bind: %s (%d)%s%s", what,
		    p1_bind_error_name(ev->bind_error), ev->bind_error,
		    e != NULL ? ": " : "", e != NULL ? e->text : "");
	else if (e == NULL)
		cmd_failed(g->cmd, "%s", what);
	else if (e->offset != ERR_NO_OFFSET)
		cmd_failed(g->cmd, "%s: %s: octet %llu: %s", what,
		    layer_name(e->layer), (unsigned long long)e->offset,
		    e->text);
	else
		cmd_failed(
		    g->cmd, "%s: %s: %s", what, layer_name(e->layer), e->text);
}

/* A TLS server answers a TPKT with an alert, or with nothing; no TLS server
 * greets in text. */
static void
suggest_tls(const struct ping *g, const struct err *e)
{
	if (!g->tls && !g->answered &&
	    (e == NULL || e->detail != COTP_DETAIL_TEXT))
		cmd_failed(g->cmd,
		    "no answer that is RFC 1006: is it a TLS port? Then "
		    "--tls-ca FILE --tls-name NAME");
}

static void
on_event(void *arg, const struct p1_event *ev)
{
	struct ping *g = arg;

	show_tls(g);
	switch (ev->type) {
	case P1_OPEN:
		g->bound = true;
		print_agreed(g);
		p1_close(g->p1);
		break;
	case P1_REFUSED:
		g->refused = true;
		g->other_protocol = ev->other_protocol;
		print_failure(g, ev, "refused");
		suggest_tls(g, ev->err);
		break;
	case P1_CLOSED:
		if (ev->err != NULL && !g->refused)
			print_failure(g, ev,
			    g->bound ? "bound, but not released in order"
				     : "not bound");
		if (ev->err != NULL)
			suggest_tls(g, ev->err);
		g->bound = g->bound && ev->err == NULL;
		break;
	default: break; /* nothing is transferred */
	}
}

static void
on_gone(void *arg)
{
	struct ping *g = arg;

	conn_free(&g->conn);
	loop_stop(g->loop);
}

/* Waits for the TCP connection by itself, so that its failure and its time
 * are told apart from the layers above. */
static int
tcp_connect(const char *address, msec_t timeout, struct err *e)
{
	int fd = net_connect(address, e), error = 0;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t n = sizeof(error);

	if (fd < 0)
		return fd;
	if (poll(&p, 1, (int)timeout) == 0)
		error = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return err_sys(e, "net", "connect to %s", address);
}

static int
talk(struct ping *g, const struct ping_peer *peer,
    const struct p1_params *params, int fd)
{
	struct err e = ERR_INIT;

	g->loop = loop_new();
	g->p1 = p1_new(params, on_event, g, clock_mono());
	g->conn = conn_new(g->loop, fd, &p1_engine_ops, g->p1, on_gone, g);
	g->tls = peer->tls != NULL;
	if (g->tls)
		conn_start_tls(g->conn, peer->tls, false, peer->tls_name);
	if (p1_start(g->p1, &e) < 0) {
		cmd_failed(g->cmd, "%s", e.text);
		conn_free(&g->conn);
	} else {
		conn_wake(g->conn);
		loop_run(g->loop);
	}
	p1_free(&g->p1);
	loop_free(&g->loop);
	buf_free(&g->held);
	return g->bound ? CMD_OK : CMD_FAILED;
}

/* *again: the protocol was refused, and another may not be. */
static int
ping_once(const struct cmd *c, const struct ping_peer *peer,
    enum p1_protocol protocol, msec_t timeout, bool verbose, bool *again)
{
	struct ping g = {.cmd = c, .start = clock_mono(), .verbose = verbose};
	struct p1_params params;
	struct err e = ERR_INIT;
	char text[64];
	int fd, code;

	*again = false;
	if (ping_peer_params(peer, &params, &e) < 0)
		return cmd_usage(c, "%s", e.text);
	params.protocol = protocol;
	params.transfer_timeout = timeout;
	params.common = (struct osi_common){
	    .timeouts = {.connect = timeout, .reply = timeout},
	    .trace = on_trace,
	    .trace_arg = &g,
	};
	params.conn_id = (uint32_t)getpid();
	params.wall = clock_wall();
	fd = tcp_connect(peer->address, timeout, &e);
	if (fd < 0)
		return cmd_failed(c, "%s: %s", layer_name(e.layer), e.text);
	printf("%s\n", peer->address);
	snprintf(text, sizeof(text), "connected after %lld ms",
	    (long long)(clock_mono() - g.start));
	print_row("TCP", text);
	fflush(stdout);
	code = talk(&g, peer, &params, fd);
	*again = g.other_protocol;
	return code;
}

static int
ping(const struct cmd *c, struct ping_peer *peer, struct arena *a,
    msec_t timeout, bool verbose)
{
	enum p1_protocol protocols[P1_PROTOCOLS];
	struct err e = ERR_INIT;
	int n = ping_peer_protocols(peer, protocols, &e), code = CMD_FAILED;
	bool again = true;

	if (n < 0)
		return cmd_usage(c, "%s", e.text);
	if (ping_peer_tls(a, peer, &e) < 0)
		return e.code == ERR_SYNTAX ? cmd_usage(c, "%s", e.text)
					    : cmd_failed(c, "%s", e.text);
	for (int i = 0; i < n && again; i++)
		code =
		    ping_once(c, peer, protocols[i], timeout, verbose, &again);
	return code;
}

/* --- the command --- */

/* Takes what the options say, else what the configuration said. */
static void
override(const char **out, const char *option)
{
	if (option != NULL)
		*out = option;
}

static void
override_all(struct ping_peer *p, const struct ping_peer *o)
{
	override(&p->address, o->address);
	override(&p->tsel, o->tsel);
	override(&p->ssel, o->ssel);
	override(&p->psel, o->psel);
	override(&p->mta, o->mta);
	override(&p->password, o->password);
	override(&p->our_mta, o->our_mta);
	override(&p->our_password, o->our_password);
	override(&p->dialogue, o->dialogue);
	override(&p->protocol, o->protocol);
	override(&p->tls_name, o->tls_name);
	override(&p->tls_ca, o->tls_ca);
	override(&p->tls_cert, o->tls_cert);
	override(&p->tls_key, o->tls_key);
}

static int
ping_configured(const struct cmd *c, const char *config, const char *name,
    const struct ping_peer *options, msec_t timeout, bool verbose)
{
	struct arena *a = arena_new();
	const struct conf_node *root = cmd_config(a, config);
	struct err e = ERR_INIT;
	struct ping_peer peer;
	int code = CMD_FAILED;

	if (root != NULL) {
		if (ping_peer_config(a, root, name, &peer, &e) < 0) {
			code = cmd_failed(c, "%s", e.text);
		} else {
			override_all(&peer, options);
			code = ping(c, &peer, a, timeout, verbose);
		}
	}
	arena_free(&a);
	return code;
}

static bool
parse_timeout(const char *text, msec_t *out)
{
	char *end;
	long s;

	errno = 0;
	s = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || s < 1 || s > 3600)
		return false;
	*out = s * 1000;
	return true;
}

static int
ping_main(const struct cmd *c, int argc, char **argv)
{
	const char *config = NULL, *seconds = "30";
	struct ping_peer o = {.checkpoint_size = 63, .window_size = 3};
	bool verbose = false;
	const struct cmd_option options[] = {
	    {"config", 'c', &config, NULL},
	    {"tsel", 0, &o.tsel, NULL},
	    {"ssel", 0, &o.ssel, NULL},
	    {"psel", 0, &o.psel, NULL},
	    {"mta", 0, &o.mta, NULL},
	    {"password", 0, &o.password, NULL},
	    {"our-mta", 0, &o.our_mta, NULL},
	    {"our-password", 0, &o.our_password, NULL},
	    {"dialogue", 0, &o.dialogue, NULL},
	    {"protocol", 0, &o.protocol, NULL},
	    {"tls-ca", 0, &o.tls_ca, NULL},
	    {"tls-cert", 0, &o.tls_cert, NULL},
	    {"tls-key", 0, &o.tls_key, NULL},
	    {"tls-name", 0, &o.tls_name, NULL},
	    {"timeout", 't', &seconds, NULL},
	    {"verbose", 'v', NULL, &verbose},
	};
	struct arena *a;
	msec_t timeout;
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options,
		sizeof(options) / sizeof(options[0]), &rest, &n, &code))
		return code;
	if (n != 1)
		return cmd_usage(c, "whom? One HOST:PORT, or one PEER with -c");
	if (!parse_timeout(seconds, &timeout))
		return cmd_usage(c, "--timeout is 1 to 3600 seconds");
	if (config != NULL)
		return ping_configured(
		    c, config, rest[0], &o, timeout, verbose);
	o.address = rest[0];
	if (o.our_mta == NULL)
		o.our_mta = "isthmus";
	a = arena_new();
	code = ping(c, &o, a, timeout, verbose);
	arena_free(&a);
	return code;
}

const struct cmd cmd_ping = {
    .name = "ping",
    .summary = "open a P1 association; what did each layer answer?",
    .synopsis = "-c FILE PEER | HOST:PORT [OPTIONS]",
    .help =
	"Connects, binds as an MTA, and releases; sends no message. Each PDU\n"
	"is a line, -> sent or <- received, with the time since the start.\n"
	"Exit code 0: bound and released.\n\n"
	"  -c, --config FILE    take PEER from this configuration; options\n"
	"                       below replace single attributes\n"
	"      --tsel SEL       called transport selector (ASCII, or 0x...)\n"
	"      --ssel SEL       called session selector\n"
	"      --psel SEL       called presentation selector\n"
	"      --our-mta NAME   the MTA name we present (isthmus)\n"
	"      --our-password PW\n"
	"      --mta NAME       the MTA name that must answer\n"
	"      --password PW    the password that must answer\n"
	"      --dialogue D     monologue or two-way-alternate\n"
	"      --protocol P     1988, x410, 1984 or auto\n"
	"      --tls-ca FILE    speak TLS, and trust these authorities\n"
	"      --tls-cert FILE  our certificate, and its key if there is no\n"
	"      --tls-key FILE   ... file of its own\n"
	"      --tls-name NAME  that their certificate must carry (--mta)\n"
	"  -t, --timeout SECS   for each answer (30)\n"
	"  -v, --verbose        state transitions too\n",
    .main = ping_main,
};
