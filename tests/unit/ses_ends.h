/*
 * Two session ends in memory, for tests: each writes down what its user was
 * told, as text ("CONNECT.ind n=3"), and the octets between them can be cut
 * anywhere.
 */
#ifndef TESTS_UNIT_SES_ENDS_H
#define TESTS_UNIT_SES_ENDS_H

#include <string.h>

#include "osi/ses_int.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

struct end {
	struct ses *s;
	struct buf log;  /* the primitives since last asked */
	struct buf data; /* of SES_DATA and TYPED_DATA; '|' ends an SSDU */
	struct buf user; /* user data of the last other primitive */
	struct ses_prim last;
	struct err err;
	bool accept; /* answers CONNECT.ind and RELEASE.ind at once */
};

static const char *const prim_names[] = {
    [SES_CONNECT] = "CONNECT",
    [SES_DATA] = "DATA",
    [SES_TOKEN_GIVE] = "GIVE",
    [SES_TOKEN_PLEASE] = "PLEASE",
    [SES_CONTROL_GIVE] = "CONTROL",
    [SES_SYNC_MINOR] = "MINOR",
    [SES_ACTIVITY_START] = "START",
    [SES_ACTIVITY_RESUME] = "RESUME",
    [SES_ACTIVITY_INTERRUPT] = "INTERRUPT",
    [SES_ACTIVITY_DISCARD] = "DISCARD",
    [SES_ACTIVITY_END] = "END",
    [SES_U_EXCEPTION] = "U-EXC",
    [SES_P_EXCEPTION] = "P-EXC",
    [SES_RELEASE] = "RELEASE",
    [SES_U_ABORT] = "U-ABORT",
    [SES_P_ABORT] = "P-ABORT",
    [SES_TYPED_DATA] = "TYPED",
    [SES_SYNC_MAJOR] = "MAJOR",
    [SES_CAPABILITY_DATA] = "CAPABILITY",
};

static void
end_told(void *user, const struct ses_prim *p)
{
	static const char *const kinds[] = {"req", "ind", "rsp", "cnf"};
	struct end *e = user;
	struct ses_prim answer = {
	    .type = p->type, .kind = SES_RSP, .accepted = true, .last = true};

	if (p->type == SES_DATA || p->type == SES_TYPED_DATA) {
		buf_append(&e->data, p->data, p->n);
		if (p->last)
			buf_putc(&e->data, '|');
		return;
	}
	buf_printf(&e->log, "%s%s.%s", e->log.len > 0 ? " " : "",
	    prim_names[p->type], kinds[p->kind]);
	buf_clear(&e->user);
	buf_append(&e->user, p->data, p->n);
	e->last = *p;
	if (p->err != NULL)
		e->err = *p->err;
	if (e->accept && p->kind == SES_IND &&
	    (p->type == SES_CONNECT || p->type == SES_RELEASE))
		CU_ASSERT_EQUAL(ses_request(e->s, &answer, NULL), 0);
}

static inline struct ses_params
end_params(enum osi_role role)
{
	struct ses_params p = {
	    .requirements = SES_FU_RTSE,
	    .cotp.role = role,
	    .cotp.common.timeouts = {60000, 20000, 0},
	};

	return p;
}

static inline void
end_open(struct end *e, const struct ses_params *p)
{
	*e = (struct end){.accept = true};
	e->s = ses_new(p, end_told, e, 1000);
}

static inline void
end_close(struct end *e)
{
	ses_free(&e->s);
	buf_free(&e->log);
	buf_free(&e->data);
	buf_free(&e->user);
}

/* What was told since the last call; good until the next one. */
static inline const char *
end_log(struct end *e)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s", buf_cstr(&e->log));
	buf_clear(&e->log);
	return text;
}

static inline size_t
end_carry(struct end *from, struct end *to, size_t step)
{
	struct buf *b = cotp_output(ses_cotp(from->s));
	size_t all = b->len;

	while (b->len > 0) {
		size_t n = b->len < step ? b->len : step;

		cotp_input(ses_cotp(to->s), b->data, n);
		buf_consume(b, n);
	}
	return all;
}

/* Until both are silent; then TCP is closed if one of them wants it. */
static inline void
ends_run(struct end *a, struct end *b, size_t step)
{
	while (end_carry(a, b, step) + end_carry(b, a, step) > 0)
		;
	if (cotp_finished(ses_cotp(a->s)))
		cotp_closed(ses_cotp(b->s), NULL);
	if (cotp_finished(ses_cotp(b->s)))
		cotp_closed(ses_cotp(a->s), NULL);
}

static inline int
end_request(struct end *e, enum ses_prim_type type, const char *data)
{
	struct ses_prim p = {
	    .type = type,
	    .data = (const uint8_t *)data,
	    .n = strlen(data),
	    .last = true,
	    .activity_id_n = 3,
	    .activity_id = {2, 1, 1},
	};

	return ses_request(e->s, &p, &e->err);
}

static inline int
end_respond(
    struct end *e, enum ses_prim_type type, bool accepted, uint32_t serial)
{
	struct ses_prim p = {
	    .type = type,
	    .kind = SES_RSP,
	    .last = true,
	    .accepted = accepted,
	    .serial = serial,
	};

	return ses_request(e->s, &p, &e->err);
}

#define TOLD(e, text) CU_ASSERT_STRING_EQUAL(end_log(e), text)
#define OK(call) CU_ASSERT_EQUAL(call, 0)

/* Two ends with an association; `fu` of both. */
static inline void
associate(struct end *a, struct end *b, uint16_t fu, size_t step)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);

	pa.requirements = pb.requirements = fu;
	end_open(a, &pa);
	end_open(b, &pb);
	OK(end_request(a, SES_CONNECT, "hello"));
	ends_run(a, b, step);
	TOLD(a, "CONNECT.cnf");
	TOLD(b, "CONNECT.ind");
}

static inline void
finish(struct end *a, struct end *b)
{
	end_close(a);
	end_close(b);
}

static inline void
put_in(struct end *e, const char *tsdu_hex)
{
	struct buf tsdu = {0}, in = {0};

	unhex(tsdu_hex, &tsdu);
	buf_append(&in, (uint8_t[]){3, 0, 0}, 3);
	buf_putc(&in, (uint8_t)(7 + tsdu.len));
	buf_append(&in, (uint8_t[]){2, 0xf0, 0x80}, 3);
	buf_append(&in, tsdu.data, tsdu.len);
	cotp_input(ses_cotp(e->s), in.data, in.len);
	buf_free(&tsdu);
	buf_free(&in);
}

/* An end in the given state, its transport connection open. */
static inline void
open_in_state(struct end *e, enum ses_state state)
{
	struct ses_params p = end_params(OSI_RESPONDER);

	end_open(e, &p);
	e->accept = false;
	cotp_input(
	    ses_cotp(e->s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\0", 11);
	buf_clear(cotp_output(ses_cotp(e->s)));
	e->s->state = state;
	e->s->fu = 0xffff & ~SES_FU_DUPLEX;
	e->s->vact = true;
	e->s->va = e->s->vm = 1;
}

#endif
