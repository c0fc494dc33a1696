#include "qmgr/chan.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "mhs/diag.h"
#include "qmgr/chan_gauge.h"
#include "qmgr/chan_own.h"

#define FLUSH_TIME 5000 /* ms that the last news for qmgr may take */

struct q_chan {
	struct loop *loop;
	const struct q_chan_ops *ops;
	void *arg;
	struct q_pipe *pipe;
	struct arena *arena; /* of the configuration */
	struct q_hello hello;
	bool configured, stopping;
	bool said_capacity;
	struct q_gauges *gauges;
	int exit_code;
};

static const struct conf_node *
own_element(const struct conf_node *root, const char *name)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(root, "channel", n)) != NULL)
		if (strcmp(conf_str(n, "name", ""), name) == 0)
			return n;
	return conf_child(root, name);
}

static void
set_log(const struct conf_node *root, const char *name)
{
	const struct conf_node *n = conf_child(root, "log");
	int level = log_level_parse(conf_str(n, "level", "info"));

	log_init(name, level >= 0 ? (enum log_level)level : LOG_LEVEL_INFO,
	    strcmp(conf_str(n, "to", "stderr"), "syslog") == 0);
}

static void
fail(struct q_chan *c, const struct err *e)
{
	bool again = e->code == ERR_SYSTEM || e->code == ERR_TEMPORARY ||
	    e->code == ERR_MEMORY;

	log_err(LOG_LEVEL_ERROR,
	    again ? "cannot-start" : "unusable-configuration", e, NULL);
	c->exit_code = again ? 1 : 2;
	loop_stop(c->loop);
}

static void
on_config(struct q_chan *c, struct q_in *in, struct arena *a)
{
	struct err e = ERR_INIT;
	const struct conf_node *root;

	(void)a;
	if (c->configured) {
		in->bad = true;
		return;
	}
	q_hello_unpack(in, c->arena, &c->hello);
	if (in->bad)
		return;
	root = conf_unpack(c->arena, in->p, in->n, &e);
	if (root == NULL) {
		fail(c, &e);
		return;
	}
	set_log(root, c->hello.name);
	c->configured = true;
	if (c->ops->config(c->arg, root, own_element(root, c->hello.name), &e) <
	    0)
		fail(c, &e);
	else if (!c->said_capacity)
		q_chan_capacity(c, c->ops->work != NULL ? 1 : 0);
}

static void
on_work(struct q_chan *c, struct q_in *in, struct arena *a)
{
	struct q_work w = {0};

	q_work_unpack(in, a, &w);
	if (in->bad || !c->configured || c->ops->work == NULL) {
		in->bad = true;
		return;
	}
	c->ops->work(c->arg, &w);
}

static void
hand_over(struct q_chan *c, struct q_in *in, struct arena *a,
    void (*to)(void *arg, const char *name, int fd))
{
	int fd = q_pipe_take_fd(c->pipe);
	const char *name = q_in_text(in, a);

	if (fd < 0 || name == NULL || to == NULL || !c->configured) {
		if (fd >= 0)
			close(fd);
		in->bad = fd < 0 || name == NULL;
		return;
	}
	to(c->arg, name, fd);
}

static void
on_listen(struct q_chan *c, struct q_in *in, struct arena *a)
{
	hand_over(c, in, a, c->ops->listen);
}

static void
on_service(struct q_chan *c, struct q_in *in, struct arena *a)
{
	hand_over(c, in, a, c->ops->service);
}

static void
stop(struct q_chan *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	if (c->configured && c->ops->stop != NULL)
		c->ops->stop(c->arg);
	else
		loop_stop(c->loop);
}

static void
on_ping(struct q_chan *c, struct q_in *in, struct arena *a)
{
	(void)in;
	(void)a;
	q_pipe_begin(c->pipe, Q_FRAME_PONG);
	q_pipe_end(c->pipe);
}

static void
on_stop(struct q_chan *c, struct q_in *in, struct arena *a)
{
	(void)in;
	(void)a;
	stop(c);
}

static void
on_frame(void *arg, enum q_frame type, struct q_in *in, struct arena *a)
{
	static void (*const take[Q_FRAMES])(
	    struct q_chan *, struct q_in *, struct arena *) = {
	    [Q_FRAME_CONFIG] = on_config,
	    [Q_FRAME_LISTEN] = on_listen,
	    [Q_FRAME_SERVICE] = on_service,
	    [Q_FRAME_WORK] = on_work,
	    [Q_FRAME_STOP] = on_stop,
	    [Q_FRAME_PING] = on_ping,
	};

	if (take[type] == NULL)
		in->bad = true;
	else
		take[type](arg, in, a);
}

/* Without qmgr nothing that we do can be counted on. */
static void
on_gone(void *arg, const struct err *e)
{
	struct q_chan *c = arg;

	if (!c->stopping) {
		log_err(LOG_LEVEL_WARN, "qmgr-gone", e, NULL);
		c->exit_code = 1;
	}
	loop_stop(c->loop);
}

static void
tell_connections(void *arg, const struct q_gauge *v, size_t n)
{
	struct q_chan *c = arg;

	q_gauges_pack(v, n, q_pipe_begin(c->pipe, Q_FRAME_CONNECTIONS));
	q_pipe_end(c->pipe);
}

struct q_chan *
q_chan_open(
    struct loop *l, const struct q_chan_ops *ops, void *arg, struct err *e)
{
	static const struct q_pipe_ops pipe_ops = {on_frame, on_gone};
	struct q_chan *c;
	int domain = 0;
	socklen_t n = sizeof(domain);

	if (getsockopt(Q_CHAN_FD, SOL_SOCKET, SO_DOMAIN, &domain, &n) != 0 ||
	    domain != AF_UNIX) {
		err_set(e, "chan", ERR_PROTOCOL, "not started by qmgr");
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->loop = l;
	c->ops = ops;
	c->arg = arg;
	c->arena = arena_new();
	c->pipe = q_pipe_new(l, Q_CHAN_FD, &pipe_ops, c);
	c->gauges = q_gauges_new(l, tell_connections, c);
	return c;
}

void
q_chan_free(struct q_chan **c)
{
	if (*c == NULL)
		return;
	q_gauges_free(&(*c)->gauges);
	q_pipe_free(&(*c)->pipe);
	arena_free(&(*c)->arena);
	free(*c);
	*c = NULL;
}

const struct q_hello *
q_chan_hello(const struct q_chan *c)
{
	return &c->hello;
}

struct q_pipe *
q_chan_pipe(struct q_chan *c)
{
	return c->pipe;
}

struct loop *
q_chan_loop(const struct q_chan *c)
{
	return c->loop;
}

void
q_chan_capacity(struct q_chan *c, unsigned n)
{
	c->said_capacity = true;
	buf_put_u32(q_pipe_begin(c->pipe, Q_FRAME_READY), n);
	q_pipe_end(c->pipe);
}

void
q_chan_connections(
    struct q_chan *c, const char *peer, unsigned in, unsigned out)
{
	q_gauges_set(c->gauges, peer, in, out);
}

void
q_chan_result(struct q_chan *c, const struct q_outcomes *o)
{
	q_outcomes_pack(o, q_pipe_begin(c->pipe, Q_FRAME_RESULT));
	q_pipe_end(c->pipe);
}

void
q_chan_result_all(struct q_chan *c, uint64_t mlist, const uint32_t *recipients,
    size_t n, const struct q_outcome *same, bool peer_error)
{
	struct q_outcome *v = xcalloc(n, sizeof(*v));
	struct q_outcomes o = {
	    .mlist = mlist, .v = v, .n = n, .peer_error = peer_error};

	for (size_t i = 0; i < n; i++) {
		v[i] = *same;
		v[i].recipient = recipients[i];
	}
	q_chan_result(c, &o);
	free(v);
}

bool
q_record_lost(const struct err *e)
{
	return e->code == ERR_NOT_FOUND || e->code == ERR_SYNTAX;
}

void
q_chan_unreadable(struct q_chan *c, const struct q_work *w, const struct err *e)
{
	bool lost = q_record_lost(e);
	struct q_outcome o = {
	    .result = lost ? Q_FAILED : Q_DEFERRED,
	    .reason = MHS_TRANSFER_FAILURE,
	    .diagnostic = MHS_DIAG_ABSENT,
	    .status = lost ? "5.3.0" : "4.3.0",
	    .text = e->text,
	    .at = clock_wall(),
	};
	char id[Q_ID_TEXT];

	log_err(LOG_LEVEL_ERROR, "unreadable", e, "id",
	    q_id_text(w->message, id), "peer", w->peer, "answer",
	    lost ? "failed" : "deferred", NULL);
	q_chan_result_all(
	    c, w->mlist, w->recipients, w->n_recipients, &o, false);
}

void
q_chan_announce(struct q_chan *c, const struct q_summary *s)
{
	q_summary_pack(s, q_pipe_begin(c->pipe, Q_FRAME_SUBMITTED));
	q_pipe_end(c->pipe);
}

void
q_chan_segment(struct q_chan *c, const struct q_segment_news *news)
{
	q_segment_pack(news, q_pipe_begin(c->pipe, Q_FRAME_SEGMENT));
	q_pipe_end(c->pipe);
}

/* --- main --- */

static void
on_sigterm(int signo, void *arg)
{
	(void)signo;
	stop(arg);
}

int
q_chan_main(int argc, char **argv, const char *name,
    const struct q_chan_ops *ops,
    void *(*make)(struct loop *l, struct q_chan *c, const char *name),
    void (*destroy)(void *state))
{
	struct loop *l = loop_new();
	struct err e = ERR_INIT;
	struct q_chan *c;
	int code;

	(void)argc;
	(void)argv;
	log_init(name, LOG_LEVEL_INFO, false);
	c = q_chan_open(l, ops, NULL, &e);
	if (c == NULL) {
		log_err(LOG_LEVEL_ERROR, "cannot-start", &e, NULL);
		loop_free(&l);
		return 2;
	}
	/* the terminal's signals are qmgr's business */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	loop_signal(l, SIGTERM, on_sigterm, c);
	c->arg = make(l, c, name);
	loop_run(l);
	c->stopping = true;
	destroy(c->arg);
	/* news that qmgr did not get must not look like a clean end: it would
	 * not look for them in our segments */
	if (!q_pipe_flush(c->pipe, FLUSH_TIME) && c->exit_code == 0) {
		log_event(LOG_LEVEL_WARN, "news-not-sent", NULL);
		c->exit_code = 1;
	}
	code = c->exit_code;
	q_chan_free(&c);
	loop_free(&l);
	return code;
}
