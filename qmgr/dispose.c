/*
 * Files that are not needed any more: segments are kept for re-use (a few), or
 * unlinked; content files are unlinked.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/log.h"
#include "qmgr/files.h"
#include "qmgr/qmgr_own.h"
#include "qmgr/writer.h"

#define RECYCLED_MAX 8

static unsigned
recycled(const char *directory)
{
	DIR *dir = opendir(directory);
	unsigned n = 0;
	uint64_t number;
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		n += q_number_parse(d->d_name, ".seg", &number);
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* One that was cut back after an error, or made longer for one large
 * record, is of no further use. */
static bool
is_reusable(const struct qmgr *q, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	    (uint64_t)st.st_size == q->config.spool.segment_size;
}

/* Files that are kept for re-use, while others want the room: not even the
 * journal's snapshot, which would give up journals, could be written. */
static bool
is_scarce(const struct qmgr *q)
{
	struct statvfs v;

	return statvfs(q->config.spool.directory, &v) == 0 &&
	    (uint64_t)v.f_bavail * v.f_frsize < 2 * q->config.spool.low_water;
}

static void
remove_recycled(const char *directory)
{
	char path[4096], text[Q_NUMBER_TEXT];
	uint64_t *v;
	size_t n;

	if (q_files_list(directory, ".seg", &v, &n, NULL) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		q_number_text(v[i], text);
		snprintf(path, sizeof(path), "%s/%s.seg", directory, text);
		q_file_remove(path);
	}
	free(v);
}

void
dispose_segment(struct qmgr *q, uint64_t number)
{
	char directory[2048], path[4096], kept[4096], text[Q_NUMBER_TEXT];

	q_number_text(number, text);
	snprintf(directory, sizeof(directory), "%s/segments/recycled",
	    q->config.spool.directory);
	snprintf(path, sizeof(path), "%s/segments/%s.seg",
	    q->config.spool.directory, text);
	snprintf(kept, sizeof(kept), "%s/%s.seg", directory, text);
	if (is_scarce(q))
		remove_recycled(directory);
	else if (is_reusable(q, path) && recycled(directory) < RECYCLED_MAX &&
	    rename(path, kept) == 0)
		return;
	q_file_remove(path);
}

void
dispose_content(struct qmgr *q, uint64_t number)
{
	char path[4096], text[Q_NUMBER_TEXT];

	q_number_text(number, text);
	snprintf(path, sizeof(path), "%s/contents/%s",
	    q->config.spool.directory, text);
	q_file_remove(path);
}

int
dispose_sync(struct qmgr *q, struct err *e)
{
	char directory[4096];

	snprintf(directory, sizeof(directory), "%s/segments",
	    q->config.spool.directory);
	return q_sync_directory(directory, e);
}
