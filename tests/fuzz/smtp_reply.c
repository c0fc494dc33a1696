/*
 * What a server may send to our client: the first octet chooses LMTP and the
 * size of pieces. Whatever comes, each transaction ends once, with an outcome
 * for every recipient.
 */
#include <stdlib.h>

#include "lib/arena.h"
#include "smtp/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct user {
	struct smtp_client *c;
	struct arena *arena;
	struct smtp_transaction t;
	struct smtp_recipient rcpts[3];
	unsigned sent, done, ended;
};

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
on_ready(void *arg)
{
	struct user *u = arg;

	require(u->ended == 0 && u->sent == u->done);
	if (!smtp_client_idle(u->c) || u->sent > 20)
		return;
	u->t = (struct smtp_transaction){.arena = u->arena,
	    .from = "a@b",
	    .envid = "x",
	    .ret = 'F',
	    .content = (const uint8_t *)"a\r\n.b\nc\r",
	    .content_n = 8,
	    .recipients = u->rcpts,
	    .n_recipients = 1 + u->sent % 3};
	for (size_t i = 0; i < 3; i++)
		u->rcpts[i] = (struct smtp_recipient){
		    .mailbox = "c@d", .notify = 2, .orcpt = "rfc822;c@d"};
	u->sent++;
	smtp_client_send(u->c, &u->t, 1);
}

static void
on_done(void *arg, struct smtp_transaction *t)
{
	struct user *u = arg;

	u->done++;
	for (size_t i = 0; i < t->n_recipients; i++)
		require(t->recipients[i].outcome != SMTP_PENDING &&
		    t->recipients[i].status != NULL &&
		    t->recipients[i].text != NULL);
}

static void
on_ended(void *arg, const char *why)
{
	struct user *u = arg;

	(void)why;
	require(u->ended++ == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct smtp_client_ops ops = {on_ready, on_done, on_ended};
	struct smtp_client_params params = SMTP_CLIENT_PARAMS_DEFAULT;
	const struct engine_ops *e = &smtp_client_engine;
	struct user u = {0};
	size_t step;

	if (n == 0)
		return 0;
	params.lmtp = (p[0] & 1) != 0;
	step = (size_t)(p[0] >> 1) + 1;
	u.arena = arena_new();
	u.c = smtp_client_new(&params, &ops, &u, 1);
	for (p++, n--; n > 0 && !e->finished(u.c);) {
		size_t k = n < step ? n : step;

		buf_clear(e->output(u.c));
		e->drained(u.c, 1);
		e->input(u.c, p, k, 1);
		p += k;
		n -= k;
	}
	e->closed(u.c, NULL, 2);
	require(e->finished(u.c) && u.ended == 1 && u.sent == u.done);
	smtp_client_free(&u.c);
	arena_free(&u.arena);
	return 0;
}
