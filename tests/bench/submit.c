/*
 * NAME
 *	submit - what submit() costs
 * SYNOPSIS
 *	submit CONFIGURATION MESSAGES AT-ONCE [OCTETS]
 * DESCRIPTION
 *	Submits so many messages of one recipient through qmgr/submit.h, at most
 *	AT-ONCE of them waiting for their commit, in a process that does nothing
 *	else; its parent stands for qmgr and only listens. The spool of the
 *	configuration is made if need be; no switch may be running on it. Started in the source tree. Prints
 *	durable messages per second, and microseconds of processor time a
 *	message, commit thread included.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "qmgr/pipe.h"
#include "qmgr/submit.h"

struct bench {
	struct loop *loop;
	struct q_chan *chan;
	struct q_submitter *submitter;
	struct arena *arena;
	char *content;
	size_t content_n;
	unsigned left, waiting, at_once, made, failed;
};

/* --- the parent: nobody's qmgr --- */

static void
on_frame(void *arg, enum q_frame type, struct q_in *in, struct arena *a)
{
	(void)arg;
	(void)type;
	(void)a;
	in->n = 0;
}

static void
on_gone(void *arg, const struct err *e)
{
	(void)e;
	loop_stop(arg);
}

static void
on_complaint(void *arg, const char *file, unsigned line, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

static int
be_qmgr(int fd, const char *path)
{
	static const struct q_pipe_ops ops = {on_frame, on_gone};
	struct q_hello hello = {"smtpd", 1, 1, 0};
	struct arena *a = arena_new();
	struct loop *l = loop_new();
	struct err e = ERR_INIT;
	struct conf_node *root =
	    conf_load(a, path, "conf/isthmus.rng", on_complaint, NULL, &e);
	struct q_pipe *p = q_pipe_new(l, fd, &ops, l);
	struct buf *out = q_pipe_begin(p, Q_FRAME_CONFIG);
	int status = 1;

	if (root == NULL ||
	    q_spool_create(conf_str(conf_child(root, "spool"), "directory", ""),
		&e) != 0) {
		fprintf(stderr, "submit: %s\n", e.text);
		return 1;
	}
	q_hello_pack(&hello, out);
	conf_pack(root, out);
	q_pipe_end(p);
	loop_run(l);
	wait(&status);
	return status;
}

/* --- the child: submits --- */

static void submit_more(struct bench *b);

static struct mhs_envelope *
envelope(struct bench *b)
{
	struct mhs_envelope *env = mhs_envelope_new(b->arena, MHS_MESSAGE);
	struct mhs_recipient *r = mhs_recipient_add(b->arena, env);

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "source@bench.example";
	env->id.local = arena_printf(b->arena, "bench.%08x", b->made);
	env->arrival = clock_wall();
	env->content_length = b->content_n;
	r->name.mailbox = "sink@bench.example";
	r->responsible = true;
	r->number = 1;
	return env;
}

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct bench *b = arg;

	(void)id;
	if (result != 0 && b->failed++ == 0)
		fprintf(stderr, "submit: %s\n", e->text);
	b->waiting--;
	if (b->failed > 0)
		b->left = 0;
	submit_more(b);
	if (b->waiting == 0)
		loop_stop(b->loop);
}

static void
submit_more(struct bench *b)
{
	struct err e = ERR_INIT;

	while (b->left > 0 && b->waiting < b->at_once) {
		struct q_submission *m = q_submit_begin(b->submitter, &e);

		b->left--;
		b->made++;
		b->waiting++;
		if (m == NULL ||
		    q_submit_content(m, b->content, b->content_n, &e) < 0 ||
		    q_submit_commit(m, envelope(b), on_durable, b, &e) < 0) {
			fprintf(stderr, "submit: %s\n", e.text);
			exit(1);
		}
		arena_reset(b->arena);
	}
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct bench *b = arg;

	(void)own;
	b->submitter = q_submitter_new(b->chan, root, "smtpd", e);
	loop_stop(b->loop);
	return b->submitter == NULL ? e->code : 0;
}

static void
on_stop(void *arg)
{
	loop_stop(((struct bench *)arg)->loop);
}

static double
used_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int
measure(struct bench *b)
{
	static const struct q_chan_ops ops = {
	    .config = on_config, .stop = on_stop};
	struct err e = ERR_INIT;
	msec_t begin;
	double used;

	log_set_level(LOG_LEVEL_WARN);
	b->loop = loop_new();
	b->arena = arena_new();
	b->chan = q_chan_open(b->loop, &ops, b, &e);
	if (b->chan == NULL) {
		fprintf(stderr, "submit: %s\n", e.text);
		return 1;
	}
	loop_run(b->loop);
	begin = clock_mono();
	used = used_us();
	submit_more(b);
	loop_run(b->loop);
	used = used_us() - used;
	printf("%llu %.1f\n",
	    b->made * 1000ULL / (unsigned long long)(clock_mono() - begin + 1),
	    used / b->made);
	fflush(stdout);
	q_submitter_free(&b->submitter);
	q_chan_free(&b->chan);
	loop_free(&b->loop);
	arena_free(&b->arena);
	return b->failed > 0;
}

int
main(int argc, char **argv)
{
	struct bench b = {.content_n = 4096};
	int fds[2], rc;

	if (argc < 4 || argc > 5) {
		fprintf(stderr,
		    "usage: submit CONFIGURATION MESSAGES AT-ONCE [OCTETS]\n");
		return 2;
	}
	b.left = (unsigned)strtoul(argv[2], NULL, 10);
	b.at_once = (unsigned)strtoul(argv[3], NULL, 10);
	if (argc == 5)
		b.content_n = strtoul(argv[4], NULL, 10);
	if (b.left == 0 || b.at_once == 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return 2;
	if (fork() != 0) {
		close(fds[1]);
		rc = be_qmgr(fds[0], argv[1]);
		return rc != 0;
	}
	close(fds[0]);
	if (fds[1] != Q_CHAN_FD) {
		dup2(fds[1], Q_CHAN_FD);
		close(fds[1]);
	}
	b.content = xmalloc(b.content_n + 1);
	memset(b.content, 'x', b.content_n);
	rc = measure(&b);
	free(b.content);
	return rc;
}
