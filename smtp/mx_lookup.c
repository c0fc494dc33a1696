/*
 * Drives the search for servers over the DNS.
 */
#include <stdlib.h>

#include "smtp/mx.h"

struct question {
	struct question *next;
	struct smtp_mx_lookup *lookup;
	struct dns_query *query;
	unsigned id;
};

struct smtp_mx_lookup {
	struct dns *dns;
	struct smtp_mx *mx;
	smtp_mx_found_fn *fn;
	void *arg;
	struct question *asked;
	struct loop_timer *soon; /* nothing had to be asked */
};

static void
lookup_free(struct smtp_mx_lookup *l)
{
	struct question *q;

	while ((q = l->asked) != NULL) {
		l->asked = q->next;
		dns_cancel(&q->query);
		free(q);
	}
	loop_timer_cancel(&l->soon);
	smtp_mx_free(&l->mx);
	free(l);
}

static void
deliver(struct smtp_mx_lookup *l)
{
	l->fn(l->arg, smtp_mx_result(l->mx));
	lookup_free(l);
}

static void ask(struct smtp_mx_lookup *l);

static void
forget(struct question *q)
{
	struct question **at = &q->lookup->asked;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	free(q);
}

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct question *q = arg;
	struct smtp_mx_lookup *l = q->lookup;
	unsigned id = q->id;

	forget(q);
	smtp_mx_answer(l->mx, id, answer);
	if (smtp_mx_result(l->mx) != NULL)
		deliver(l);
	else
		ask(l);
}

static void
ask(struct smtp_mx_lookup *l)
{
	struct smtp_mx_question question;

	while (smtp_mx_ask(l->mx, &question)) {
		struct question *q = xcalloc(1, sizeof(*q));

		q->lookup = l;
		q->id = question.id;
		q->next = l->asked;
		l->asked = q;
		q->query =
		    dns_ask(l->dns, question.name, question.type, on_answer, q);
	}
}

static void
deliver_soon(void *arg)
{
	struct smtp_mx_lookup *l = arg;

	l->soon = NULL;
	deliver(l);
}

struct smtp_mx_lookup *
smtp_mx_lookup(struct loop *loop, struct dns *dns,
    const struct smtp_mx_params *p, const char *domain, smtp_mx_found_fn *fn,
    void *arg)
{
	struct smtp_mx_lookup *l = xcalloc(1, sizeof(*l));

	l->dns = dns;
	l->fn = fn;
	l->arg = arg;
	l->mx = smtp_mx_new(p, domain);
	if (smtp_mx_result(l->mx) != NULL)
		l->soon = loop_timer_set(loop, 0, deliver_soon, l);
	else
		ask(l);
	return l;
}

void
smtp_mx_cancel(struct smtp_mx_lookup **lp)
{
	if (*lp != NULL)
		lookup_free(*lp);
	*lp = NULL;
}
