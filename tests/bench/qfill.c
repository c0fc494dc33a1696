/*
 * NAME
 *	qfill - fills a spool with messages
 * SYNOPSIS
 *	qfill DIRECTORY MESSAGES PEER [OCTETS]
 * DESCRIPTION
 *	Puts so many small messages for that peer into the spool of a switch that
 *	does not run, through the same functions as the switch and with its
 *	syncs, and prints how many it made durable per second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/clock.h"
#include "mhs/envelope.h"
#include "qmgr/spool.h"

#define AT_ONCE 2000 /* messages that wait for their commit */

struct fill {
	struct loop *loop;
	struct q_spool *spool;
	struct arena *arena;
	const char *peer;
	char *content;
	size_t content_n;
	unsigned left, waiting, failed;
	unsigned long long made;
};

static struct mhs_envelope *
envelope(struct fill *f)
{
	struct mhs_envelope *env = mhs_envelope_new(f->arena, MHS_MESSAGE);
	struct mhs_recipient *r = mhs_recipient_add(f->arena, env);

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox =
	    arena_printf(f->arena, "sender%llu@alpha.example", f->made % 1000);
	env->id.local = arena_printf(f->arena, "alpha.%016llx", f->made);
	env->arrival = clock_wall();
	env->content_length = f->content_n;
	r->name.mailbox = arena_printf(
	    f->arena, "recipient%llu@bravo.example", f->made % 100000);
	r->responsible = true;
	r->number = 1;
	r->peer = f->peer;
	return env;
}

static void put_more(struct fill *f);

static void
on_commit(void *arg, int result, q_id id, const struct err *e)
{
	struct fill *f = arg;

	(void)id;
	if (result != 0 && f->failed++ == 0)
		fprintf(stderr, "qfill: %s\n", e->text);
	f->waiting--;
	if (f->failed > 0)
		f->left = 0;
	put_more(f);
	if (f->waiting == 0)
		loop_stop(f->loop);
}

static void
put_more(struct fill *f)
{
	struct err e = ERR_INIT;

	while (f->left > 0 && f->waiting < AT_ONCE) {
		struct q_put *p = q_put_begin(f->spool, &e);

		if (p == NULL ||
		    q_put_content(p, f->content, f->content_n, &e) != 0) {
			fprintf(stderr, "qfill: %s\n", e.text);
			exit(1);
		}
		f->left--;
		f->waiting++;
		f->made++;
		q_put_commit(p, envelope(f), on_commit, f);
		arena_reset(f->arena);
	}
}

int
main(int argc, char **argv)
{
	struct q_spool_params p = {
	    .segment_size = 16 << 20,
	    .content_file_threshold = 1 << 20,
	    .instance = 1,
	};
	struct fill f = {.content_n = 1024};
	struct err e = ERR_INIT;
	msec_t begin;

	if (argc < 4 || argc > 5) {
		fprintf(
		    stderr, "usage: qfill DIRECTORY MESSAGES PEER [OCTETS]\n");
		return 2;
	}
	p.directory = argv[1];
	f.left = (unsigned)strtoul(argv[2], NULL, 10);
	f.peer = argv[3];
	if (argc == 5)
		f.content_n = strtoul(argv[4], NULL, 10);
	f.content = xmalloc(f.content_n + 1);
	memset(f.content, 'x', f.content_n);
	f.loop = loop_new();
	f.arena = arena_new();
	if (q_spool_create(p.directory, &e) != 0 ||
	    (f.spool = q_spool_open(&p, f.loop, &e)) == NULL) {
		fprintf(stderr, "qfill: %s\n", e.text);
		return 1;
	}
	begin = clock_mono();
	put_more(&f);
	if (f.waiting > 0)
		loop_run(f.loop);
	q_spool_close(&f.spool);
	printf("%llu durable messages per second\n",
	    f.made * 1000ULL / (unsigned long long)(clock_mono() - begin + 1));
	loop_free(&f.loop);
	arena_free(&f.arena);
	free(f.content);
	return f.failed > 0;
}
