#include "qmgr/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/writer.h"

static int
ascending(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

int
q_files_list(const char *directory, const char *suffix, uint64_t **v, size_t *n,
    struct err *e)
{
	DIR *dir = opendir(directory);
	size_t cap = 0;
	struct dirent *d;
	uint64_t number;

	*v = NULL;
	*n = 0;
	if (dir == NULL)
		return err_sys(e, "spool", "%s", directory);
	while ((d = readdir(dir)) != NULL) {
		if (!q_number_parse(d->d_name, suffix, &number))
			continue;
		if (*n == cap) {
			cap = cap > 0 ? cap * 2 : 64;
			*v = xrealloc(*v, cap * sizeof(**v));
		}
		(*v)[(*n)++] = number;
	}
	closedir(dir);
	if (*n > 0)
		qsort(*v, *n, sizeof(**v), ascending);
	return 0;
}

int
q_file_map(const char *path, struct q_file *f, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	*f = (struct q_file){0};
	if (fd < 0 || fstat(fd, &st) != 0) {
		err_sys(e, "spool", "%s", path);
		if (fd >= 0)
			close(fd);
		return ERR_SYSTEM;
	}
	if (st.st_size > 0) {
		p = mmap(
		    NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED) {
			err_sys(e, "spool", "map %s", path);
			close(fd);
			return ERR_SYSTEM;
		}
		madvise(p, (size_t)st.st_size, MADV_SEQUENTIAL);
		f->p = p;
		f->n = (size_t)st.st_size;
	}
	close(fd);
	return 0;
}

void
q_file_unmap(struct q_file *f)
{
	if (f->p != NULL)
		munmap((void *)(uintptr_t)f->p, f->n);
	*f = (struct q_file){0};
}

static int
write_file(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const uint8_t *s = p;
	int rc = 0;

	if (fd < 0)
		return -1;
	while (n > 0) {
		ssize_t k = write(fd, s, n);

		if (k <= 0)
			break;
		s += k;
		n -= (size_t)k;
	}
	if (n > 0 || fsync(fd) != 0)
		rc = -1;
	close(fd);
	return rc;
}

bool
q_quarantine(const char *spool, const char *name, const uint8_t *p, size_t n,
    const char *reason)
{
	char path[4096], text[4096];

	snprintf(path, sizeof(path), "%s/quarantine/%s", spool, name);
	snprintf(text, sizeof(text), "%s/quarantine/%s.txt", spool, name);
	if (write_file(path, p, n) != 0) {
		if (errno == EEXIST)
			return false;
		log_event(LOG_LEVEL_ERROR, "quarantine-failed", "path", path,
		    "reason", strerror(errno), NULL);
	}
	if (write_file(text, reason, strlen(reason)) != 0)
		log_event(LOG_LEVEL_WARN, "quarantine-failed", "path", text,
		    "reason", strerror(errno), NULL);
	log_event(LOG_LEVEL_ERROR, "quarantined", "path", path, "reason",
	    reason, NULL);
	return true;
}
