#include "qmgr/ahead.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/writer.h"

#define PIECE (256u << 10)
#define PAUSE 5000  /* us between pieces */
#define ROOM_LEFT 8 /* files of this size that there must be room for */

struct q_ahead {
	char *directory, *suffix;
	uint64_t size;
	uint8_t *zeros;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool wanted, closing; /* under the lock */
};

static bool
is_closing(struct q_ahead *a)
{
	bool is;

	pthread_mutex_lock(&a->lock);
	is = a->closing;
	pthread_mutex_unlock(&a->lock);
	return is;
}

static bool
has_one(const struct q_ahead *a)
{
	DIR *dir = opendir(a->directory);
	struct dirent *d;
	uint64_t ignored;
	bool has = false;

	while (dir != NULL && !has && (d = readdir(dir)) != NULL)
		has = q_number_parse(d->d_name, a->suffix, &ignored);
	if (dir != NULL)
		closedir(dir);
	return has;
}

static bool
has_room(const struct q_ahead *a)
{
	struct statvfs v;

	return statvfs(a->directory, &v) == 0 &&
	    (uint64_t)v.f_bavail * v.f_frsize > ROOM_LEFT * a->size;
}

static bool
fill(struct q_ahead *a, int fd)
{
	for (uint64_t done = 0; done < a->size;) {
		uint64_t left = a->size - done;
		ssize_t n = write(fd, a->zeros, left < PIECE ? left : PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || fdatasync(fd) != 0 || is_closing(a))
			return false;
		done += (uint64_t)n;
		usleep(PAUSE);
	}
	return fsync(fd) == 0;
}

/* What fails here is said when it matters: by the writer. */
static void
make(struct q_ahead *a)
{
	char tmp[4096], path[4096], name[Q_NUMBER_TEXT];
	uint64_t zero = 0;
	bool good;
	int fd;

	if (has_one(a) || !has_room(a))
		return;
	q_number_text(q_number_take(&zero), name);
	snprintf(tmp, sizeof(tmp), "%s/new.tmp", a->directory);
	snprintf(path, sizeof(path), "%s/%s%s", a->directory, name, a->suffix);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	good = fill(a, fd);
	close(fd);
	if (!good || rename(tmp, path) != 0)
		unlink(tmp);
}

static void *
run(void *arg)
{
	struct q_ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->closing) {
		if (!a->wanted) {
			pthread_cond_wait(&a->more, &a->lock);
			continue;
		}
		a->wanted = false;
		pthread_mutex_unlock(&a->lock);
		make(a);
		pthread_mutex_lock(&a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static void
destroy(struct q_ahead *a)
{
	pthread_cond_destroy(&a->more);
	pthread_mutex_destroy(&a->lock);
	free(a->directory);
	free(a->suffix);
	free(a->zeros);
	free(a);
}

struct q_ahead *
q_ahead_open(
    const char *directory, const char *suffix, uint64_t size, struct err *e)
{
	struct q_ahead *a = xcalloc(1, sizeof(*a));

	a->directory = xstrdup(directory);
	a->suffix = xstrdup(suffix);
	a->size = size;
	a->zeros = xcalloc(1, PIECE);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	errno = pthread_create(&a->thread, NULL, run, a);
	if (errno == 0)
		return a;
	err_sys(e, "spool", "thread for the next journal");
	destroy(a);
	return NULL;
}

void
q_ahead_want(struct q_ahead *a)
{
	pthread_mutex_lock(&a->lock);
	a->wanted = true;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
}

void
q_ahead_close(struct q_ahead **ap)
{
	struct q_ahead *a = *ap;

	if (a == NULL)
		return;
	*ap = NULL;
	pthread_mutex_lock(&a->lock);
	a->closing = true;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	destroy(a);
}
