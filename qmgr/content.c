#include "qmgr/content.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"

/* Write-back of a long file starts each time so much is complete. */
#define START_WRITING (4u << 20)

struct q_contents {
	char *directory;
	struct q_io io;
	uint64_t next_number;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more, idle;
	struct q_content_sync *first, **last;
	bool busy, closing;
};

static void
sync_one(struct q_contents *c, struct q_content_sync *s)
{
	struct err e = ERR_INIT;
	int rc = 0;

	if (c->io.fdatasync(s->fd) != 0)
		rc = err_sys(&e, "spool", "sync of a content file");
	close(s->fd);
	if (rc == 0)
		rc = q_io_sync_directory(&c->io, c->directory, &e);
	s->done(s, rc, &e);
}

static void *
contents_thread(void *arg)
{
	struct q_contents *c = arg;
	struct q_content_sync *s;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		while (c->first == NULL && !c->closing)
			pthread_cond_wait(&c->more, &c->lock);
		s = c->first;
		if (s == NULL)
			break;
		c->first = s->next;
		if (c->first == NULL)
			c->last = &c->first;
		c->busy = true;
		pthread_mutex_unlock(&c->lock);
		sync_one(c, s);
		pthread_mutex_lock(&c->lock);
		c->busy = false;
		pthread_cond_broadcast(&c->idle);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void
destroy(struct q_contents *c)
{
	pthread_cond_destroy(&c->more);
	pthread_cond_destroy(&c->idle);
	pthread_mutex_destroy(&c->lock);
	free(c->directory);
	free(c);
}

struct q_contents *
q_contents_open(const char *directory, uint64_t first_number,
    const struct q_io *io, struct err *e)
{
	struct q_contents *c = xcalloc(1, sizeof(*c));

	c->directory = xstrdup(directory);
	c->io = q_io_complete(io);
	c->next_number = first_number;
	c->last = &c->first;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	pthread_cond_init(&c->idle, NULL);
	errno = pthread_create(&c->thread, NULL, contents_thread, c);
	if (errno == 0)
		return c;
	err_sys(e, "spool", "thread for content files");
	destroy(c);
	return NULL;
}

void
q_contents_drain(struct q_contents *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->first != NULL || c->busy)
		pthread_cond_wait(&c->idle, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

void
q_contents_close(struct q_contents **c)
{
	if (*c == NULL)
		return;
	pthread_mutex_lock(&(*c)->lock);
	(*c)->closing = true;
	pthread_cond_signal(&(*c)->more);
	pthread_mutex_unlock(&(*c)->lock);
	pthread_join((*c)->thread, NULL);
	destroy(*c);
	*c = NULL;
}

static char *
path_of(const struct q_contents *c, uint64_t number)
{
	char name[Q_NUMBER_TEXT], *path;

	q_number_text(number, name);
	if (asprintf(&path, "%s/%s", c->directory, name) < 0)
		log_die("out of memory");
	return path;
}

int
q_content_create(struct q_contents *c, uint64_t *number, struct err *e)
{
	char *path;
	int fd;

	do {
		*number = q_number_take(&c->next_number);
		path = path_of(c, *number);
		fd = c->io.open(
		    path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			err_sys(e, "spool", "%s", path);
		free(path);
	} while (fd < 0 && errno == EEXIST);
	return fd >= 0 ? fd : ERR_SYSTEM;
}

int
q_content_write(struct q_contents *c, int fd, const void *p, size_t n,
    uint64_t offset, struct err *e)
{
	const uint8_t *s = p;
	uint64_t was = offset / START_WRITING;

	while (n > 0) {
		ssize_t k = c->io.pwrite(fd, s, n, (off_t)offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k == 0)
			errno = EIO;
		if (k <= 0)
			return err_sys(e, "spool", "write of a content file");
		s += k;
		n -= (size_t)k;
		offset += (size_t)k;
	}
	if (offset / START_WRITING != was)
		sync_file_range(fd, (off_t)(was * START_WRITING), START_WRITING,
		    SYNC_FILE_RANGE_WRITE);
	return 0;
}

void
q_content_unlink(struct q_contents *c, uint64_t number)
{
	char *path = path_of(c, number);

	if (c->io.unlink(path) != 0)
		log_event(
		    LOG_LEVEL_WARN, "file-left-behind", "path", path, NULL);
	free(path);
}

void
q_content_sync(struct q_contents *c, struct q_content_sync *s)
{
	s->next = NULL;
	pthread_mutex_lock(&c->lock);
	*c->last = s;
	c->last = &s->next;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}
