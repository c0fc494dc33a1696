/*
 * The SMTP server: the first octet chooses LMTP and how the rest is cut into
 * pieces; the user takes everything, and must see calls only in their order.
 */
#include "smtp/server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct user {
	struct smtp_server *s;
	bool mail, data, owed;
	unsigned recipients; /* accepted */
};

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static bool
on_mail(void *arg, const struct smtp_server_mail *m, struct smtp_reply *r)
{
	struct user *u = arg;

	(void)r;
	require(!u->mail && m->from != NULL);
	u->mail = true;
	u->recipients = 0;
	return true;
}

static bool
on_rcpt(void *arg, const struct smtp_server_rcpt *m, struct smtp_reply *r)
{
	struct user *u = arg;

	require(u->mail && !u->data && m->to[0] != '\0');
	*r = (struct smtp_reply){550, "5.1.1", "No"};
	if (m->to[0] == 'n')
		return false;
	u->recipients++;
	return true;
}

static bool
on_data_begin(void *arg, struct smtp_reply *r)
{
	struct user *u = arg;

	(void)r;
	require(u->mail && !u->data && u->recipients > 0);
	u->data = true;
	return true;
}

static void
on_data(void *arg, const uint8_t *p, size_t n)
{
	struct user *u = arg;

	require(u->data && n > 0);
	(void)p;
}

static void
on_data_end(void *arg)
{
	struct user *u = arg;

	require(u->data);
	u->mail = u->data = false;
	u->owed = true;
}

static void
on_reset(void *arg)
{
	struct user *u = arg;

	require(u->mail && !u->owed);
	u->mail = u->data = false;
}

static const struct smtp_server_ops ops = {
    .mail = on_mail,
    .rcpt = on_rcpt,
    .data_begin = on_data_begin,
    .data = on_data,
    .data_end = on_data_end,
    .reset = on_reset,
};

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct smtp_reply ok = {250, "2.0.0", "Ok"};
	struct smtp_server_params params = SMTP_SERVER_PARAMS_DEFAULT;
	const struct engine_ops *e = &smtp_server_engine;
	struct user u = {0};
	size_t step;

	if (n == 0)
		return 0;
	params.lmtp = (p[0] & 1) != 0;
	params.text_line_max = 100;
	params.size_max = 1000;
	params.header_max = 500;
	step = (size_t)(p[0] >> 1) + 1;
	u.s = smtp_server_new(&params, &ops, &u, 1);
	for (p++, n--; n > 0 && !e->finished(u.s);) {
		size_t k = n < step ? n : step;

		buf_clear(e->output(u.s));
		e->input(u.s, p, k, 1);
		p += k;
		n -= k;
		while (u.owed) {
			u.owed = false;
			smtp_server_data_reply_all(u.s, &ok, 1);
		}
	}
	e->timeout(u.s, e->deadline(u.s));
	e->closed(u.s, NULL, 2);
	require(e->finished(u.s) && !u.mail);
	smtp_server_free(&u.s);
	return 0;
}
