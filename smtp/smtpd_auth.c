#include "smtp/smtpd_auth.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define THREADS 4

struct smtpd_auth {
	struct smtpd_auth_pool *pool;
	struct smtpd_auth *next, **prev; /* of the pool */
	struct smtpd_auth *queued;       /* behind it in the queue */
	void *arg;
	bool busy;      /* queued, or with a thread, or on its way back */
	bool abandoned; /* nobody wants its result any more */
	/* the step: the thread's while it is busy */
	struct sasl_exchange *x;
	char mechanism[SASL_MECHANISM_MAX + 1];
	bool started, has_response;
	struct buf response;
	enum sasl_result result;
	struct octets challenge;
	struct err e;
};

struct smtpd_auth_pool {
	struct loop *loop;
	smtpd_auth_done_fn *done;
	struct smtpd_auth *all;
	pthread_t threads[THREADS];
	unsigned n_threads;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct smtpd_auth *first, **last;
	bool stopping;
};

/* --- in the loop --- */

static void
auth_destroy(struct smtpd_auth *a)
{
	*a->prev = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	sasl_exchange_free(&a->x);
	if (a->response.data != NULL)
		explicit_bzero(a->response.data, a->response.len);
	buf_free(&a->response);
	free(a);
}

static void
on_step_done(void *arg)
{
	struct smtpd_auth *a = arg;

	a->busy = false;
	explicit_bzero(a->response.data, a->response.len);
	buf_clear(&a->response);
	if (a->abandoned)
		auth_destroy(a);
	else
		a->pool->done(a->arg, a, a->result, &a->challenge, &a->e);
}

/* --- in a thread --- */

static void
step(struct smtpd_auth *a)
{
	const uint8_t *p = a->has_response ? a->response.data : NULL;

	err_clear(&a->e);
	if (a->started)
		a->result = sasl_exchange_step(
		    a->x, p, a->response.len, &a->challenge, &a->e);
	else
		a->result = sasl_exchange_start(a->x, a->mechanism, p,
		    a->response.len, &a->challenge, &a->e);
	a->started = true;
}

static struct smtpd_auth *
take(struct smtpd_auth_pool *p)
{
	struct smtpd_auth *a;

	pthread_mutex_lock(&p->lock);
	while (p->first == NULL && !p->stopping)
		pthread_cond_wait(&p->wanted, &p->lock);
	a = p->stopping ? NULL : p->first;
	if (a != NULL) {
		p->first = a->queued;
		if (p->first == NULL)
			p->last = &p->first;
	}
	pthread_mutex_unlock(&p->lock);
	return a;
}

static void *
work(void *arg)
{
	struct smtpd_auth_pool *p = arg;
	struct smtpd_auth *a;

	while ((a = take(p)) != NULL) {
		step(a);
		loop_post(p->loop, on_step_done, a);
	}
	return NULL;
}

/* --- the pool --- */

struct smtpd_auth_pool *
smtpd_auth_pool_new(struct loop *l, smtpd_auth_done_fn *done)
{
	struct smtpd_auth_pool *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->done = done;
	p->last = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wanted, NULL);
	return p;
}

/* Signals are the loop's. */
static void
start_thread(struct smtpd_auth_pool *p)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&p->threads[p->n_threads], NULL, work, p) == 0)
		p->n_threads++;
	else if (p->n_threads == 0)
		log_die("smtpd: no thread for authentication");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void
smtpd_auth_pool_free(struct smtpd_auth_pool **pp)
{
	struct smtpd_auth_pool *p = *pp;

	if (p == NULL)
		return;
	*pp = NULL;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	while (p->n_threads > 0)
		pthread_join(p->threads[--p->n_threads], NULL);
	while (p->all != NULL)
		auth_destroy(p->all);
	pthread_cond_destroy(&p->wanted);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void
enqueue(struct smtpd_auth *a, const uint8_t *response, size_t n)
{
	struct smtpd_auth_pool *p = a->pool;

	INVARIANT(!a->busy);
	a->busy = true;
	a->has_response = response != NULL;
	/* an empty one has an address, too */
	buf_reserve(&a->response, n + 1);
	buf_append(&a->response, response, n);
	if (p->n_threads < THREADS)
		start_thread(p);
	pthread_mutex_lock(&p->lock);
	a->queued = NULL;
	*p->last = a;
	p->last = &a->queued;
	pthread_cond_signal(&p->wanted);
	pthread_mutex_unlock(&p->lock);
}

struct smtpd_auth *
smtpd_auth_start(struct smtpd_auth_pool *p, struct sasl_exchange *x,
    const char *mechanism, const uint8_t *initial, size_t n, void *arg)
{
	struct smtpd_auth *a = xcalloc(1, sizeof(*a));

	a->pool = p;
	a->x = x;
	a->arg = arg;
	snprintf(a->mechanism, sizeof(a->mechanism), "%s", mechanism);
	a->next = p->all;
	a->prev = &p->all;
	if (a->next != NULL)
		a->next->prev = &a->next;
	p->all = a;
	enqueue(a, initial, n);
	return a;
}

void
smtpd_auth_respond(struct smtpd_auth *a, const uint8_t *p, size_t n)
{
	enqueue(a, p, n);
}

void
smtpd_auth_free(struct smtpd_auth **ap)
{
	struct smtpd_auth *a = *ap;

	if (a == NULL)
		return;
	*ap = NULL;
	a->abandoned = true;
	if (!a->busy)
		auth_destroy(a);
}

const struct sasl_exchange *
smtpd_auth_exchange(const struct smtpd_auth *a)
{
	return a->x;
}
