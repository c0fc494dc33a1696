/*
 * Any octets as an MTS-APDU: whole and in single octets they are judged alike;
 * what was understood survives the queue's packed form, is written, understood
 * again, and then written octet for octet the same. It is judged, and what comes
 * down to 1984 can be written too, with nothing of 1988 in it.
 */
#include "p1/apdu.h"

#include <string.h>

#include "lib/log.h"
#include "p1/downgrade.h"
#include "p1/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
on_content(void *arg, const uint8_t *p, size_t n, struct err *e)
{
	(void)e;
	buf_append(arg, p, n);
	return 0;
}

static const struct p1_apdu_ops ops = {.content = on_content};

static int
split(struct p1_apdu *s, const uint8_t *p, size_t n, size_t step)
{
	struct err e = ERR_INIT;
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i += step)
		r = p1_apdu_feed(s, p + i, n - i < step ? n - i : step, &e);
	return r < 0 ? r : p1_apdu_end(s, &e);
}

/* The envelope as it comes out of the queue. */
static struct mhs_envelope *
queued(struct arena *a, const struct mhs_envelope *env)
{
	struct mhs_envelope *out;
	struct buf packed = {0};
	struct err e = ERR_INIT;

	mhs_envelope_pack(env, &packed);
	out = mhs_envelope_unpack(a, packed.data, packed.len, &e);
	if (out == NULL)
		log_die("not out of the queue again: %s", e.text);
	buf_free(&packed);
	return out;
}

static void
judge(struct arena *a, const struct mhs_envelope *env)
{
	struct p1_verdict *v = arena_alloc(a, env->n_recipients * sizeof(*v));

	p1_judge(a, env, v);
	if (env->n_recipients > 0)
		p1_judge_delivery(a, env, env->n_recipients - 1, 0, v);
}

static void
bring_down(struct arena *a, const struct mhs_envelope *env, const char *gateway)
{
	struct buf head = {0}, tail = {0};
	struct p1_downgraded d;
	struct err e = ERR_INIT;

	p1_downgrade(a, env,
	    gateway != NULL ? mhs_or_parse(a, gateway, NULL) : NULL, &d);
	INVARIANT(d.env != NULL || d.n_failed > 0 || env->kind != MHS_REPORT);
	if (d.env == NULL)
		return;
	if (p1_apdu_write(d.env, 0, NULL, &head, &tail, &e) < 0)
		log_die("came down, but cannot be written: %s", e.text);
	INVARIANT(d.env->exts.n == 0);
	for (size_t i = 0; i < d.env->n_recipients; i++)
		p1_upgrade_or(a, d.env->recipients[i].name.ora, NULL);
	buf_free(&head);
	buf_free(&tail);
}

/* Understands p and writes it again: false when it is no APDU. */
static bool
rewrite(const uint8_t *p, size_t n, size_t step, struct buf *out)
{
	struct buf content = {0}, tail = {0};
	struct arena *a = arena_new();
	struct p1_apdu *s = p1_apdu_new(1 << 20, &ops, &content);
	struct err e = ERR_INIT;
	bool good = split(s, p, n, step) >= 0;

	if (good) {
		judge(a, p1_apdu_envelope(s));
		bring_down(a, p1_apdu_envelope(s), NULL);
		bring_down(a, p1_apdu_envelope(s), "/O=relay/ADMD=A/C=XX/");
		INVARIANT(p1_apdu_write(queued(a, p1_apdu_envelope(s)),
			      content.len, NULL, out, &tail, &e) >= 0);
		buf_append(out, content.data, content.len);
		buf_append(out, tail.data, tail.len);
	}
	buf_free(&content);
	buf_free(&tail);
	p1_apdu_free(&s);
	arena_free(&a);
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf once = {0}, slowly = {0}, twice = {0};

	if (rewrite(p, n, n > 0 ? n : 1, &once)) {
		INVARIANT(rewrite(p, n, 1, &slowly));
		INVARIANT(slowly.len == once.len &&
		    memcmp(slowly.data, once.data, once.len) == 0);
		INVARIANT(rewrite(once.data, once.len, 64, &twice));
		INVARIANT(twice.len == once.len &&
		    memcmp(twice.data, once.data, once.len) == 0);
	} else {
		INVARIANT(!rewrite(p, n, 1, &slowly));
	}
	buf_free(&once);
	buf_free(&slowly);
	buf_free(&twice);
	return 0;
}
