/*
 * The user of an SMTP server engine, as the tests play it: it notes what it is
 * told, and collects the replies.
 */
#ifndef TESTS_UNIT_SMTP_USER_H
#define TESTS_UNIT_SMTP_USER_H

#include <string.h>

#include "lib/arena.h"
#include "mhs/envelope.h"
#include "smtp/server.h"
#include "tests/unit/unit.h"

/* A user that notes what it is told, in words. */
struct user {
	struct smtp_server *s;
	struct buf notes, content, replies;
	bool hold; /* replies to the content are given by the test */
	unsigned resets, ends;
};

static inline bool
on_mail(void *arg, const struct smtp_server_mail *m, struct smtp_reply *r)
{
	struct user *u = arg;

	if (strcmp(m->from, "bad@a") == 0) {
		*r = (struct smtp_reply){550, "5.7.1", "Not you"};
		return false;
	}
	buf_printf(&u->notes, "M<%s>%c%d%s;", m->from, m->ret ? m->ret : '-',
	    m->body_8bit, m->envid ? m->envid : "");
	return true;
}

static inline bool
on_rcpt(void *arg, const struct smtp_server_rcpt *m, struct smtp_reply *r)
{
	struct user *u = arg;

	if (strcmp(m->to, "no@a") == 0) {
		*r = (struct smtp_reply){550, "5.1.1", "Nobody"};
		return false;
	}
	buf_printf(&u->notes, "R<%s>%d%s;", m->to, m->notify,
	    m->orcpt ? m->orcpt : "");
	return true;
}

static inline bool
on_data_begin(void *arg, struct smtp_reply *r)
{
	(void)r;
	buf_clear(&((struct user *)arg)->content);
	return true;
}

static inline void
on_data(void *arg, const uint8_t *p, size_t n)
{
	buf_append(&((struct user *)arg)->content, p, n);
}

static inline void
on_data_end(void *arg)
{
	static const struct smtp_reply ok = {250, "2.0.0", "Queued"};
	struct user *u = arg;

	u->ends++;
	buf_puts(&u->notes, "END;");
	if (!u->hold)
		smtp_server_data_reply_all(u->s, &ok, 1);
}

static inline void
on_reset(void *arg)
{
	((struct user *)arg)->resets++;
}

static const struct smtp_server_ops user_ops = {
    .mail = on_mail,
    .rcpt = on_rcpt,
    .data_begin = on_data_begin,
    .data = on_data,
    .data_end = on_data_end,
    .reset = on_reset,
};

static inline void
drain(struct user *u)
{
	struct buf *out = smtp_server_engine.output(u->s);

	buf_append(&u->replies, out->data, out->len);
	buf_clear(out);
}

static inline void
feed_n(struct user *u, const void *p, size_t n, size_t step)
{
	for (size_t i = 0; i < n; i += step) {
		smtp_server_engine.input(u->s, (const uint8_t *)p + i,
		    n - i < step ? n - i : step, 1);
		drain(u);
	}
}

static inline void
feed(struct user *u, const char *text, size_t step)
{
	feed_n(u, text, strlen(text), step);
}

static inline void
user_open(struct user *u, const struct smtp_server_params *p)
{
	*u = (struct user){0};
	u->s = smtp_server_new(p, &user_ops, u, 0);
	drain(u);
	buf_clear(&u->replies);
}

static inline void
user_close(struct user *u)
{
	smtp_server_free(&u->s);
	buf_free(&u->notes);
	buf_free(&u->content);
	buf_free(&u->replies);
}

/* The codes of all replies so far (last lines only): "250 354 250". */
static inline const char *
codes(struct user *u)
{
	static char out[4096];
	char *line = buf_cstr(&u->replies), *save = NULL;
	size_t n = 0;

	out[0] = '\0';
	for (line = strtok_r(line, "\r\n", &save); line != NULL;
	     line = strtok_r(NULL, "\r\n", &save)) {
		if (strlen(line) < 4 || line[3] != ' ')
			continue;
		n += (size_t)snprintf(
		    out + n, sizeof(out) - n, "%s%.3s", n > 0 ? " " : "", line);
	}
	buf_clear(&u->replies);
	return out;
}

static const struct smtp_server_params plain = SMTP_SERVER_PARAMS_DEFAULT;

#define PRE_MAIL "MAIL FROM:<joe@a>\r\n"
#define PRE_RCPT PRE_MAIL "RCPT TO:<ann@b>\r\n"

#endif
