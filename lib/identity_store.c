/*
 * A table that follows its file. Reading a big one takes seconds, so that is
 * done in a thread of its own; the table that is in use is exchanged by its
 * user's thread.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/identity.h"
#include "lib/log.h"

/* What tells one state of the file from another. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct identity_store {
	char *path, *schema;
	struct stamp stamp;
	struct identity_table *table;
	/* the thread, and what it leaves behind */
	bool loading;
	pthread_t thread;
	atomic_bool loaded;
	struct identity_table *fresh;
	struct err why;
};

static void
stamp_take(const char *path, struct stamp *out)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (stat(path, &st) != 0)
		return;
	out->device = st.st_dev;
	out->inode = st.st_ino;
	out->size = st.st_size;
	out->modified = st.st_mtim;
	out->changed = st.st_ctim;
}

struct identity_store *
identity_store_new(const char *path, const char *schema, struct err *e)
{
	struct identity_store *s = xcalloc(1, sizeof(*s));

	s->path = xstrdup(path);
	s->schema = xstrdup(schema);
	stamp_take(path, &s->stamp);
	s->table = identity_table_load(path, schema, NULL, NULL, e);
	if (s->table == NULL)
		identity_store_free(&s);
	return s;
}

void
identity_store_free(struct identity_store **sp)
{
	struct identity_store *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	if (s->loading)
		pthread_join(s->thread, NULL);
	identity_table_free(&s->fresh);
	identity_table_free(&s->table);
	free(s->path);
	free(s->schema);
	free(s);
}

struct identity_table *
identity_store_table(const struct identity_store *s)
{
	return s->table;
}

static void *
load(void *arg)
{
	struct identity_store *s = arg;

	s->fresh = identity_table_load(s->path, s->schema, NULL, NULL, &s->why);
	atomic_store(&s->loaded, true);
	return NULL;
}

/* Signals are the loop's. */
static void
start_loading(struct identity_store *s)
{
	sigset_t all, old;

	err_clear(&s->why);
	atomic_store(&s->loaded, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	s->loading = pthread_create(&s->thread, NULL, load, s) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!s->loading) /* the next look tries again */
		memset(&s->stamp, 0, sizeof(s->stamp));
}

static void
exchange(struct identity_store *s, struct err *e)
{
	pthread_join(s->thread, NULL);
	s->loading = false;
	if (s->fresh == NULL) {
		*e = s->why;
		return;
	}
	identity_table_free(&s->table);
	s->table = s->fresh;
	s->fresh = NULL;
}

void
identity_store_look(struct identity_store *s, struct err *e)
{
	struct stamp stamp;

	err_clear(e);
	if (s->loading) {
		if (atomic_load(&s->loaded))
			exchange(s, e);
		return;
	}
	stamp_take(s->path, &stamp);
	if (memcmp(&stamp, &s->stamp, sizeof(stamp)) == 0)
		return;
	s->stamp = stamp;
	start_loading(s);
}
