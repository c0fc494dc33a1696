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

int
q_file_sync(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fdatasync(fd) != 0)
		rc = err_sys(e, "spool", "sync %s", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

void
q_file_remove(const char *path)
{
	if (unlink(path) != 0 && errno != ENOENT)
		log_event(LOG_LEVEL_WARN, "file-left-behind", "path", path,
		    "reason", strerror(errno), NULL);
}

static int
write_out(int fd, const char *path, const uint8_t *p, size_t n, struct err *e)
{
	while (n > 0) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k == 0)
			errno = EIO;
		if (k <= 0)
			return err_sys(e, "spool", "write %s", path);
		p += k;
		n -= (size_t)k;
	}
	return fsync(fd) == 0 ? 0 : err_sys(e, "spool", "sync %s", path);
}

/* Under the name only when it is complete. */
static int
write_file(const char *path, const void *p, size_t n, struct err *e)
{
	char part[4200];
	int fd, rc;

	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "spool", "%s", part);
	rc = write_out(fd, part, p, n, e);
	close(fd);
	if (rc == 0 && rename(part, path) != 0)
		rc = err_sys(e, "spool", "rename %s", part);
	if (rc != 0)
		unlink(part); /* room for others; the error is known */
	return rc;
}

int
q_quarantine(const char *spool, const char *name, const uint8_t *p, size_t n,
    const char *reason, struct err *e)
{
	char directory[3072], path[4096], text[4096], line[ERR_TEXT_MAX + 2];
	int rc;

	snprintf(directory, sizeof(directory), "%s/quarantine", spool);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(text, sizeof(text), "%s/%s.txt", directory, name);
	if (access(path, F_OK) == 0)
		return 0;
	snprintf(line, sizeof(line), "%.*s\n", ERR_TEXT_MAX, reason);
	if ((rc = write_file(text, line, strlen(line), e)) != 0 ||
	    (rc = write_file(path, p, n, e)) != 0 ||
	    (rc = q_sync_directory(directory, e)) != 0)
		return rc;
	log_event(LOG_LEVEL_ERROR, "quarantined", "path", path, "reason",
	    reason, NULL);
	return 0;
}
