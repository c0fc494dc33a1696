#include "qmgr/summary.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "p1/ext.h"

static uint8_t
wanted_x400(const struct mhs_recipient *r)
{
	uint8_t bits = 0;

	if (r->originator_report >= MHS_REPORT_NDR ||
	    r->mta_report >= MHS_REPORT_NDR)
		bits |= Q_RCPT_WANTS_NDR;
	if (r->originator_report == MHS_REPORT_DR ||
	    r->mta_report == MHS_REPORT_DR)
		bits |= Q_RCPT_WANTS_DR;
	return bits;
}

static uint8_t
wanted_internet(const struct mhs_recipient *r)
{
	uint8_t bits = 0;

	if (r->notify == 0)
		return Q_RCPT_WANTS_NDR | Q_RCPT_WANTS_DELAY;
	if (r->notify & MHS_NOTIFY_NEVER)
		return 0;
	if (r->notify & MHS_NOTIFY_FAILURE)
		bits |= Q_RCPT_WANTS_NDR;
	if (r->notify & MHS_NOTIFY_SUCCESS)
		bits |= Q_RCPT_WANTS_DR;
	if (r->notify & MHS_NOTIFY_DELAY)
		bits |= Q_RCPT_WANTS_DELAY;
	return bits;
}

uint8_t
q_report_wanted(const struct mhs_envelope *env, const struct mhs_recipient *r)
{
	const struct mhs_name *from = &env->originator;

	if (env->kind == MHS_REPORT ||
	    (from->mailbox != NULL && *from->mailbox == '\0') ||
	    (from->mailbox == NULL && from->ora == NULL))
		return 0;
	return env->content_type == MHS_CONTENT_RFC822 ? wanted_internet(r)
						       : wanted_x400(r);
}

const char *
q_fault_peer(struct arena *a, int32_t diagnostic)
{
	return arena_printf(a, "!%d", (int)diagnostic);
}

int32_t
q_fault_of(const char *peer)
{
	long n;

	if (peer == NULL || *peer != '!')
		return -1;
	n = strtol(peer + 1, NULL, 10);
	return n >= 0 && n < Q_FAULTS ? (int32_t)n : -1;
}

const char *
q_fault_reject(
    struct arena *a, int32_t reason, int32_t diagnostic, const char *text)
{
	INVARIANT(diagnostic >= 0 && diagnostic < Q_FAULTS);
	INVARIANT(reason >= 0 && reason < Q_REASONS);
	return arena_printf(a, "!%d.%d %s", (int)diagnostic, (int)reason, text);
}

bool
q_fault_rejected(const char *peer, int32_t *reason, const char **text)
{
	const char *dot, *blank;
	long code;

	if (q_fault_of(peer) < 0 || (blank = strchr(peer, ' ')) == NULL)
		return false;
	dot = memchr(peer, '.', (size_t)(blank - peer));
	if (dot == NULL)
		return false;
	code = strtol(dot + 1, NULL, 10);
	if (code < 0 || code >= Q_REASONS)
		return false;
	*reason = (int32_t)code;
	*text = blank + 1;
	return true;
}

/* Is there another to be tried when this one fails? Whether there really is,
 * is found out then. */
static bool
may_have_alternate(
    const struct mhs_envelope *env, const struct mhs_recipient *r)
{
	return env->kind != MHS_REPORT &&
	    (env->alternate_recipient_allowed ||
		mhs_ext_find(&r->exts, P1_EXT_ORIGINATOR_ALTERNATE) != NULL);
}

q_id
q_version_parent(const struct mhs_envelope *env)
{
	return env->kind == MHS_MESSAGE ? env->parent : 0;
}

struct q_summary *
q_summary_new(struct arena *a, q_id id, uint64_t content_file,
    const struct mhs_envelope *env)
{
	struct q_summary *s = ARENA_NEW(a, struct q_summary);

	*s = (struct q_summary){
	    .id = id,
	    .parent = q_version_parent(env),
	    .content_file = content_file,
	    .kind = env->kind,
	    .content_type = env->content_type,
	    .level = q_level_of(env),
	    .arrival = env->arrival,
	    .deferred = env->deferred_delivery,
	    .size = env->content_length,
	    .originator = q_name_key(q_name_hash(&env->originator)),
	};
	p1_ext_time(&env->exts, P1_EXT_LATEST_DELIVERY_TIME, &s->latest);
	/* RFC 2852 4.1.3: the same, of the Internet */
	if (env->deliver_by_mode == 'R' &&
	    (s->latest == 0 || env->deliver_by < s->latest))
		s->latest = env->deliver_by;
	/* a version has its parent's recipients, and settles nobody */
	if (s->parent == 0)
		s->settled = q_settled_get(a, env);
	s->n_rcpts = s->parent == 0 ? env->n_recipients : 0;
	s->rcpts = arena_alloc(a, s->n_rcpts * sizeof(*s->rcpts));
	for (size_t i = 0; i < s->n_rcpts; i++) {
		const struct mhs_recipient *r = &env->recipients[i];

		s->rcpts[i].peer = r->peer;
		s->rcpts[i].name = q_name_key(q_name_hash(&r->name));
		s->rcpts[i].flags = q_report_wanted(env, r);
		if (r->responsible || env->kind == MHS_REPORT)
			s->rcpts[i].flags |= Q_RCPT_RESPONSIBLE;
		if (may_have_alternate(env, r))
			s->rcpts[i].flags |= Q_RCPT_ALTERNATE;
	}
	return s;
}

/* A long list of recipients names few peers: a name that is the same as the
 * one before is left out. */
#define SAME_PEER 0x80

void
q_summary_pack(const struct q_summary *s, struct buf *out)
{
	const char *last = NULL;

	buf_put_u64(out, s->id);
	buf_put_u64(out, s->place);
	buf_put_u64(out, s->parent);
	buf_put_u64(out, s->content_file);
	buf_putc(out, (uint8_t)s->kind);
	buf_put_u32(out, (uint32_t)s->content_type);
	buf_putc(out, (uint8_t)s->level);
	buf_put_u64(out, (uint64_t)s->arrival);
	buf_put_u64(out, (uint64_t)s->deferred);
	buf_put_u64(out, (uint64_t)s->latest);
	buf_put_u64(out, s->size);
	buf_put_u32(out, s->originator);
	buf_put_u64(out, s->settled.message);
	buf_putc(out, (uint8_t)s->settled.as);
	buf_put_u32(out, (uint32_t)s->settled.n);
	for (size_t i = 0; i < s->settled.n; i++)
		buf_put_u32(out, s->settled.v[i]);
	buf_put_u32(out, (uint32_t)s->n_rcpts);
	for (size_t i = 0; i < s->n_rcpts; i++) {
		const char *peer = s->rcpts[i].peer;
		bool same =
		    peer != NULL && last != NULL && strcmp(peer, last) == 0;

		buf_putc(out, s->rcpts[i].flags | (same ? SAME_PEER : 0));
		buf_put_u32(out, s->rcpts[i].name);
		if (!same)
			q_out_text(out, peer);
		last = peer;
	}
}

static void
unpack_settled(struct q_summary *s, struct arena *a, struct q_in *in)
{
	uint32_t *v;

	s->settled.message = q_in_u64(in);
	s->settled.as = q_in_enum(in, Q_SETTLED_REPORTED);
	s->settled.n = q_in_count(in, 4);
	v = arena_alloc(a, (s->settled.n + 1) * sizeof(*v));
	for (size_t i = 0; i < s->settled.n; i++)
		v[i] = q_in_u32(in);
	s->settled.v = v;
}

static void
unpack_rcpts(struct q_summary *s, struct arena *a, struct q_in *in)
{
	const char *last = NULL;

	s->n_rcpts = q_in_count(in, 5);
	if (s->n_rcpts > MHS_RECIPIENTS_MAX)
		in->bad = true;
	if (in->bad)
		s->n_rcpts = 0;
	s->rcpts = arena_alloc(a, s->n_rcpts * sizeof(*s->rcpts));
	for (size_t i = 0; i < s->n_rcpts; i++) {
		uint8_t flags = q_in_u8(in);

		s->rcpts[i].name = q_in_u32(in);
		if (!(flags & SAME_PEER))
			last = q_in_text(in, a);
		s->rcpts[i].peer = last;
		s->rcpts[i].flags = flags & 0x7f;
	}
}

struct q_summary *
q_summary_unpack(struct arena *a, struct q_in *in)
{
	struct q_summary *s = ARENA_NEW(a, struct q_summary);

	s->id = q_in_u64(in);
	s->place = q_in_u64(in);
	s->parent = q_in_u64(in);
	s->content_file = q_in_u64(in);
	s->kind = q_in_enum(in, MHS_REPORT);
	s->content_type = (int32_t)q_in_u32(in);
	s->level = q_in_enum(in, Q_LEVEL_OVERRIDE);
	s->arrival = (int64_t)q_in_u64(in);
	s->deferred = (int64_t)q_in_u64(in);
	s->latest = (int64_t)q_in_u64(in);
	s->size = q_in_u64(in);
	s->originator = q_in_u32(in);
	unpack_settled(s, a, in);
	unpack_rcpts(s, a, in);
	return in->bad || s->id == 0 ? NULL : s;
}
