#include "smtp/smtpd_auth.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define THREADS 4      /* that do steps */
#define THREADS_MAX 16 /* with those whose step is overdue */
#define STOP_MS 2000   /* for steps under way, at the end */

struct smtpd_auth {
	struct smtpd_auth_pool *pool;
	struct smtpd_auth *next, **prev; /* of the pool */
	struct smtpd_auth *queued;       /* behind it in the queue */
	void *arg;
	struct loop_timer *limit; /* of the step; NULL: none, or it is over */
	bool busy;      /* queued, or with a thread, or on its way back */
	bool overdue;   /* busy, and given up: a thread hangs in it */
	bool abandoned; /* nobody wants its result any more */
	char mechanism[SASL_MECHANISM_MAX + 1];
	/* the step: the thread's while it is busy */
	struct sasl_exchange *x;
	bool started, has_response;
	struct buf response;
	enum sasl_result result;
	struct octets challenge;
	struct err e;
};

struct smtpd_auth_pool {
	struct loop *loop;
	msec_t limit;
	smtpd_auth_done_fn *done;
	struct smtpd_auth *all;
	pthread_t threads[THREADS_MAX];
	unsigned n_threads, n_overdue;
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
	loop_timer_cancel(&a->limit);
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

	loop_timer_cancel(&a->limit);
	a->busy = false;
	if (a->overdue)
		a->pool->n_overdue--;
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
smtpd_auth_pool_new(struct loop *l, msec_t limit, smtpd_auth_done_fn *done)
{
	struct smtpd_auth_pool *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->limit = limit;
	p->done = done;
	p->last = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wanted, NULL);
	return p;
}

void
smtpd_auth_pool_limit(struct smtpd_auth_pool *p, msec_t limit)
{
	p->limit = limit;
}

/* Signals are the loop's. A thread that hangs has another in its place, as long
 * as there are not too many of them. */
static void
start_thread(struct smtpd_auth_pool *p)
{
	sigset_t all, old;

	if (p->n_threads >= THREADS + p->n_overdue ||
	    p->n_threads >= THREADS_MAX)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&p->threads[p->n_threads], NULL, work, p) == 0)
		p->n_threads++;
	else if (p->n_threads == 0)
		log_die("smtpd: no thread for authentication");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Those that end until then. */
static void
join_until(struct smtpd_auth_pool *p, msec_t wall_ms)
{
	struct timespec until = {
	    .tv_sec = wall_ms / 1000, .tv_nsec = wall_ms % 1000 * 1000000};

	for (unsigned i = p->n_threads; i-- > 0;)
		if (pthread_timedjoin_np(p->threads[i], NULL, &until) == 0)
			p->threads[i] = p->threads[--p->n_threads];
}

static msec_t
wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (msec_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A thread that waits for a back end that does not answer is cancelled there:
 * what it leaves open goes with the process. */
static bool
stop_threads(struct smtpd_auth_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	join_until(p, wall_ms() + STOP_MS);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_cancel(p->threads[i]);
	if (p->n_threads > 0)
		join_until(p, wall_ms() + STOP_MS);
	return p->n_threads == 0;
}

bool
smtpd_auth_pool_free(struct smtpd_auth_pool **pp)
{
	struct smtpd_auth_pool *p = *pp;

	if (p == NULL)
		return true;
	*pp = NULL;
	if (!stop_threads(p)) {
		log_event(LOG_LEVEL_WARN, "authentication hangs", NULL);
		return false;
	}
	while (p->all != NULL)
		auth_destroy(p->all);
	pthread_cond_destroy(&p->wanted);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return true;
}

/* --- an exchange --- */

/* False: a thread has it. */
static bool
take_back(struct smtpd_auth *a)
{
	struct smtpd_auth_pool *p = a->pool;
	struct smtpd_auth **at;
	bool found;

	pthread_mutex_lock(&p->lock);
	for (at = &p->first; *at != NULL && *at != a; at = &(*at)->queued)
		;
	found = *at == a;
	if (found) {
		*at = a->queued;
		if (p->last == &a->queued)
			p->last = at;
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

/* What the step comes to in the end, nobody will want. */
static void
on_limit(void *arg)
{
	struct smtpd_auth *a = arg;
	struct smtpd_auth_pool *p = a->pool;
	struct err e = ERR_INIT;

	a->limit = NULL;
	if (take_back(a)) {
		a->busy = false;
	} else {
		a->overdue = true;
		p->n_overdue++;
		start_thread(p);
	}
	err_set(&e, "sasl", ERR_TEMPORARY,
	    "the back end has not answered in %lld ms", (long long)p->limit);
	p->done(a->arg, a, SASL_RESULT_TEMPORARY, &(struct octets){0}, &e);
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
	start_thread(p);
	a->limit = loop_timer_set(p->loop, p->limit, on_limit, a);
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
	loop_timer_cancel(&a->limit);
	if (!a->busy || take_back(a))
		auth_destroy(a);
}

const struct sasl_exchange *
smtpd_auth_exchange(const struct smtpd_auth *a)
{
	return a->busy ? NULL : a->x;
}

const char *
smtpd_auth_mechanism(const struct smtpd_auth *a)
{
	return a->mechanism;
}
