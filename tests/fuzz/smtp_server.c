/*
 * The SMTP server: the first octet chooses LMTP, what is offered and required,
 * and how the rest is cut into pieces; the user takes everything, and must see
 * calls only in their order.
 */
#include "smtp/server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct user {
	struct smtp_server *s;
	bool mail, data, owed;
	bool auth, auth_owed, tls, offers;
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

static const char *
on_mechanisms(void *arg)
{
	return ((struct user *)arg)->offers ? "PLAIN SCRAM-SHA-1" : NULL;
}

static void
on_auth_start(void *arg, const char *mechanism, const uint8_t *p, size_t n)
{
	struct user *u = arg;

	require(u->offers && !u->auth && !u->mail && mechanism[0] != '\0');
	require(p != NULL || n == 0);
	u->auth = u->auth_owed = true;
}

static void
on_auth_response(void *arg, const uint8_t *p, size_t n)
{
	struct user *u = arg;

	require(u->auth && !u->auth_owed && p != NULL && n < 12288);
	u->auth_owed = true;
}

static void
on_auth_forget(void *arg)
{
	struct user *u = arg;

	require(u->auth);
	u->auth = u->auth_owed = false;
}

static void
on_start_tls(void *arg, size_t dropped)
{
	struct user *u = arg;

	(void)dropped;
	require(!u->tls && !u->mail && !u->auth);
	u->tls = true;
}

/* Every third step is refused, every second challenges again. */
static void
answer_auth(struct user *u, unsigned round)
{
	static const struct smtp_reply no = {535, "5.7.8", "No"};

	u->auth_owed = false;
	if (round % 2 == 1) {
		smtp_server_auth_challenge(u->s, (const uint8_t *)"x", 1, 1);
		return;
	}
	u->auth = false;
	smtp_server_auth_reply(u->s, &no, round % 3 == 0 ? NULL : "joe", 1);
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return 1700000000;
}

static void
on_vrfy(void *arg, const char *who, struct smtp_reply *r)
{
	(void)arg;
	require(who[0] != '\0');
	*r = (struct smtp_reply){250, "2.1.5", who};
}

static void
on_expn(void *arg, const char *list, struct smtp_server_lines *x,
    struct smtp_reply *r)
{
	(void)arg;
	(void)r;
	smtp_server_line(x, list);
	smtp_server_line(x, list);
}

static bool
on_xclient_trusted(void *arg)
{
	(void)arg;
	return true;
}

static bool
on_xclient(void *arg, const struct smtp_server_xclient *x, struct smtp_reply *r)
{
	struct user *u = arg;

	(void)r;
	require(!u->mail && !u->data);
	return x->port == NULL;
}

static const struct smtp_server_ops ops = {
    .wall = wall,
    .vrfy = on_vrfy,
    .expn = on_expn,
    .xclient_trusted = on_xclient_trusted,
    .xclient = on_xclient,
    .mail = on_mail,
    .rcpt = on_rcpt,
    .data_begin = on_data_begin,
    .data = on_data,
    .data_end = on_data_end,
    .reset = on_reset,
    .mechanisms = on_mechanisms,
    .auth_start = on_auth_start,
    .auth_response = on_auth_response,
    .auth_forget = on_auth_forget,
    .start_tls = on_start_tls,
};

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct smtp_reply ok = {250, "2.0.0", "Ok"};
	struct smtp_server_params params = SMTP_SERVER_PARAMS_DEFAULT;
	const struct engine_ops *e = &smtp_server_engine;
	struct user u = {0};
	size_t step;
	unsigned round = 0;

	if (n == 0)
		return 0;
	params.lmtp = (p[0] & 1) != 0;
	params.repair_lines = (p[0] & 2) != 0;
	params.extensions = SMTP_EXT_ALL;
	params.future_release_max = 1000;
	params.data_rate_min = 10;
	params.starttls = (p[0] & 2) != 0;
	u.offers = (p[0] & 4) != 0;
	params.tls_required = (p[0] & 0x18) == 0x18;
	params.auth_required = (p[0] & 0x28) == 0x28;
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
		while (u.owed || u.auth_owed) {
			if (u.auth_owed)
				answer_auth(&u, ++round);
			if (!u.owed)
				continue;
			u.owed = false;
			smtp_server_data_reply_all(u.s, &ok, 1);
		}
	}
	e->timeout(u.s, e->deadline(u.s));
	e->closed(u.s, NULL, 2);
	require(e->finished(u.s) && !u.mail && !u.auth);
	smtp_server_free(&u.s);
	return 0;
}
