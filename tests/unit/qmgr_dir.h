/*
 * A spool directory for one test, gone after it.
 */
#ifndef TESTS_UNIT_QMGR_DIR_H
#define TESTS_UNIT_QMGR_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "qmgr/spool.h"

struct dir {
	char path[64];
};

static inline int
dir_remove_one(
    const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void
dir_make(struct dir *d)
{
	snprintf(d->path, sizeof(d->path), "/tmp/isthmus-unit-XXXXXX");
	if (mkdtemp(d->path) == NULL || q_spool_create(d->path, NULL) != 0)
		abort();
}

static inline void
dir_remove(struct dir *d)
{
	nftw(d->path, dir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What the disk would hold after a crash now, if all writes had got there. */
static inline void
dir_copy(const struct dir *from, struct dir *to)
{
	char command[256];

	snprintf(to->path, sizeof(to->path), "/tmp/isthmus-unit-XXXXXX");
	if (mkdtemp(to->path) == NULL)
		abort();
	snprintf(
	    command, sizeof(command), "cp -r %s/. %s/", from->path, to->path);
	if (system(command) != 0)
		abort();
}

#endif
