/*
 * The system calls of struct q_io (qmgr/writer.h).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "qmgr/writer.h"

static int
open_with_mode(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

const struct q_io q_io_system = {
    .pwrite = pwrite,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .open = open_with_mode,
    .ftruncate = ftruncate,
    .rename = rename,
    .unlink = unlink,
    .statvfs = statvfs,
};

#define FILL(x, name) \
	((x).name = (x).name != NULL ? (x).name : q_io_system.name)

struct q_io
q_io_complete(const struct q_io *io)
{
	struct q_io x = io != NULL ? *io : q_io_system;

	FILL(x, pwrite);
	FILL(x, fdatasync);
	FILL(x, fsync);
	FILL(x, open);
	FILL(x, ftruncate);
	FILL(x, rename);
	FILL(x, unlink);
	FILL(x, statvfs);
	return x;
}

int
q_io_sync_directory(const struct q_io *io, const char *path, struct err *e)
{
	int fd = io->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), rc;

	if (fd < 0)
		return err_sys(e, "spool", "%s", path);
	rc = io->fsync(fd) == 0 ? 0 : err_sys(e, "spool", "sync %s", path);
	close(fd);
	return rc;
}

int
q_sync_directory(const char *path, struct err *e)
{
	return q_io_sync_directory(&q_io_system, path, e);
}
