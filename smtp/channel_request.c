/*
 * What the originator asked for, from the envelope to the engine; and what the
 * operator says of what servers can be asked.
 */
#include <stdlib.h>
#include <string.h>

#include "smtp/channel.h"

/* --- the envelope --- */

/* RFC 3885 3.1: what is left of the time, or nothing at all. */
static const char *
mtrk_left(struct arena *a, const struct mhs_envelope *env, int64_t wall)
{
	const char *colon = env->mtrk != NULL ? strchr(env->mtrk, ':') : NULL;
	int64_t left;

	if (colon == NULL)
		return env->mtrk;
	left = strtoll(colon + 1, NULL, 10) - (wall - env->arrival);
	if (left <= 0)
		return NULL;
	return arena_printf(a, "%.*s:%lld", (int)(colon - env->mtrk), env->mtrk,
	    (long long)left);
}

void
smtp_requests_of(struct arena *a, const struct mhs_envelope *env, msec_t now,
    int64_t wall, struct smtp_requests *out)
{
	*out = (struct smtp_requests){
	    .submitter = env->submitter,
	    .mtrk = mtrk_left(a, env, wall),
	    .requiretls = env->requiretls,
	    .has_mt_priority = env->has_mt_priority,
	    .mt_priority = env->mt_priority,
	    .deliver_by_mode = env->deliver_by_mode,
	    .deliver_by_trace = env->deliver_by_trace,
	};
	if (env->deliver_by != 0) {
		out->deliver_by = now + (env->deliver_by - wall) * 1000;
		/* 0 would say that there is none */
		out->deliver_by += out->deliver_by == 0;
	}
}

/* --- the configuration --- */

static int
read_ignored(
    const struct conf_node *n, struct smtp_client_params *p, struct err *e)
{
	const char *s = conf_str(n, "ignore-extensions", NULL);

	if (s == NULL)
		return 0;
	p->ignore = 0;
	for (s += strspn(s, " \t"); *s != '\0'; s += strspn(s, " \t")) {
		size_t length = strcspn(s, " \t");
		unsigned bit = smtp_client_extension(s, length);

		if (bit == 0)
			return conf_error(n, e,
			    "ignore-extensions: \"%.*s\" is unknown",
			    (int)(length < 40 ? length : 40), s);
		p->ignore |= bit;
		s += length;
	}
	return 0;
}

static int
read_signed(
    const struct conf_node *n, struct smtp_client_params *p, struct err *e)
{
	const char *s = conf_str(n, "signed", NULL);

	if (s == NULL)
		return 0;
	p->rewrite_signed = strcmp(s, "rewrite") == 0;
	if (!p->rewrite_signed && strcmp(s, "refuse") != 0)
		return conf_error(
		    n, e, "signed: \"%.40s\" is neither refuse nor rewrite", s);
	return 0;
}

int
smtp_client_config(
    const struct conf_node *n, struct smtp_client_params *p, struct err *e)
{
	int64_t most;

	if (conf_int(n, "max-line", (int64_t)p->line_max, 0, 1 << 20, &most,
		e) < 0 ||
	    conf_bool(n, "priority-header", p->tunnel_priority,
		&p->tunnel_priority, e) < 0)
		return ERR_CONFIG;
	if (most != 0 && most < 78)
		return conf_error(n, e, "max-line: less than 78");
	p->line_max = (size_t)most;
	if (read_ignored(n, p, e) < 0 || read_signed(n, p, e) < 0)
		return ERR_CONFIG;
	return 0;
}
