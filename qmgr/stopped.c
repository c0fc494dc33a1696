#include "qmgr/stopped.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/writer.h"

#define FILE_MAX (1u << 20)
#define TRY_AGAIN 1000 /* ms */

struct item {
	struct item *next;
	char *kind, *name;
};

struct waiter {
	struct waiter *next;
	q_stopped_done *done;
	void *arg;
	bool taken; /* the write under way is for it */
};

struct q_stopped {
	struct loop *loop;
	char *spool;
	struct item *items;
	struct waiter *waiters;
	/* the write under way: the thread's until it posts */
	bool writing;
	pthread_t thread;
	struct buf text;
	int rc;
	struct err e;
	/* the file does not say what is in force */
	bool behind;
	struct loop_timer *again;
};

/* --- reading --- */

static void
add(struct q_stopped *s, const char *kind, const char *name)
{
	struct item *x = xcalloc(1, sizeof(*x)), **at = &s->items;

	x->kind = xstrdup(kind);
	x->name = xstrdup(name);
	while (*at != NULL)
		at = &(*at)->next;
	*at = x;
}

static struct item **
find(struct q_stopped *s, const char *kind, const char *name)
{
	struct item **at = &s->items;

	while (*at != NULL &&
	    (strcmp((*at)->kind, kind) != 0 || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

static void
take_line(struct q_stopped *s, char *line)
{
	char *name = strchr(line, ' ');

	if (*line == '\0' || *line == '#')
		return;
	if (name != NULL)
		*name++ = '\0';
	if (name == NULL || *name == '\0' ||
	    (strcmp(line, "channel") != 0 && strcmp(line, "peer") != 0)) {
		log_event(LOG_LEVEL_WARN, "stopped-file", "not-understood",
		    line, NULL);
		return;
	}
	if (*find(s, line, name) == NULL)
		add(s, line, name);
}

static int
read_file(struct q_stopped *s, struct err *e)
{
	char path[4096], *text, *line;
	struct buf b = {0};
	ssize_t n = 1;
	int fd;

	snprintf(path, sizeof(path), "%s/stopped", s->spool);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "qmgr", "%s", path);
	while (n > 0 && b.len <= FILE_MAX) {
		n = read(fd, buf_reserve(&b, 4096), 4096);
		if (n > 0)
			buf_grow(&b, (size_t)n);
	}
	if (n < 0)
		err_sys(e, "qmgr", "%s", path);
	close(fd);
	text = buf_cstr(&b);
	while (n == 0 && (line = strsep(&text, "\n")) != NULL)
		take_line(s, line);
	buf_free(&b);
	if (n > 0)
		return err_set(e, "qmgr", ERR_LIMIT, "%s: too long", path);
	return n < 0 ? ERR_SYSTEM : 0;
}

struct q_stopped *
q_stopped_open(struct loop *l, const char *spool, struct err *e)
{
	struct q_stopped *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->spool = xstrdup(spool);
	if (read_file(s, e) != 0)
		q_stopped_close(&s);
	return s;
}

/* --- writing --- */

static int
write_all(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(fd, b->data + at, b->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += (size_t)n;
	}
	return fsync(fd);
}

/* A new file takes the place of the old one, which is whole until then. */
static int
replace(const char *spool, const struct buf *b, struct err *e)
{
	char path[4096], new[4096 + 8];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "%s/stopped", spool);
	snprintf(new, sizeof(new), "%s.new", path);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "qmgr", "%s", new);
	if (write_all(fd, b) != 0)
		rc = err_sys(e, "qmgr", "%s", new);
	close(fd);
	if (rc == 0 && rename(new, path) != 0)
		rc = err_sys(e, "qmgr", "%s", path);
	return rc == 0 ? q_sync_directory(spool, e) : rc;
}

static void written(void *arg);

static void *
write_thread(void *arg)
{
	struct q_stopped *s = arg;

	s->rc = replace(s->spool, &s->text, &s->e);
	if (s->loop != NULL)
		loop_post(s->loop, written, s);
	return NULL;
}

static void
begin_write(struct q_stopped *s)
{
	struct waiter *w;

	buf_clear(&s->text);
	for (const struct item *x = s->items; x != NULL; x = x->next)
		buf_printf(&s->text, "%s %s\n", x->kind, x->name);
	for (w = s->waiters; w != NULL; w = w->next)
		w->taken = true;
	s->e = (struct err)ERR_INIT;
	s->writing = true;
	if (pthread_create(&s->thread, NULL, write_thread, s) != 0)
		log_die("qmgr: no thread");
}

static void
finish_write(struct q_stopped *s)
{
	struct waiter **at = &s->waiters, *w;

	pthread_join(s->thread, NULL);
	s->writing = false;
	/* once, and not at each try */
	if (s->rc != 0 && !s->behind)
		log_err(LOG_LEVEL_ERROR, "stopped-file", &s->e, NULL);
	else if (s->rc == 0 && s->behind)
		log_event(LOG_LEVEL_INFO, "stopped-file-written", NULL);
	s->behind = s->rc != 0;
	while ((w = *at) != NULL) {
		if (!w->taken) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->done(w->arg, s->rc, &s->e);
		free(w);
	}
}

static void
try_again(void *arg)
{
	struct q_stopped *s = arg;

	s->again = NULL;
	if (!s->writing)
		begin_write(s);
}

/* Whoever asked has been told that it could not be written; it is, as soon as
 * it can be. */
static void
written(void *arg)
{
	struct q_stopped *s = arg;

	finish_write(s);
	if (s->waiters != NULL)
		begin_write(s);
	else if (s->behind && s->again == NULL)
		s->again = loop_timer_set(s->loop, TRY_AGAIN, try_again, s);
}

/* The loop turns no more: what it would have called is called here. */
void
q_stopped_close(struct q_stopped **s)
{
	struct q_stopped *x = *s;
	struct item *i;

	if (x == NULL)
		return;
	loop_timer_cancel(&x->again);
	if (x->behind && !x->writing)
		begin_write(x); /* one last try */
	while (x->writing) {
		finish_write(x);
		if (x->waiters != NULL)
			begin_write(x);
	}
	while ((i = x->items) != NULL) {
		x->items = i->next;
		free(i->kind);
		free(i->name);
		free(i);
	}
	buf_free(&x->text);
	free(x->spool);
	free(x);
	*s = NULL;
}

bool
q_stopped_set(struct q_stopped *s, const char *kind, const char *name,
    bool stopped, q_stopped_done *done, void *arg)
{
	struct item **at = find(s, kind, name), *x = *at;
	struct waiter *w;

	if ((x != NULL) == stopped)
		return false;
	if (stopped) {
		add(s, kind, name);
	} else {
		*at = x->next;
		free(x->kind);
		free(x->name);
		free(x);
	}
	w = xcalloc(1, sizeof(*w));
	w->done = done;
	w->arg = arg;
	w->next = s->waiters;
	s->waiters = w;
	if (!s->writing)
		begin_write(s);
	return true;
}

void
q_stopped_each(const struct q_stopped *s,
    void (*fn)(void *arg, const char *kind, const char *name), void *arg)
{
	for (const struct item *x = s->items; x != NULL; x = x->next)
		fn(arg, x->kind, x->name);
}
