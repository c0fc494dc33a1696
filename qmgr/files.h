/*
 * The files of the queue, seen from outside: listing them, mapping one, and
 * putting what is damaged aside. For the loader.
 */
#ifndef QMGR_FILES_H
#define QMGR_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* The numbers in the names of a directory's files with that suffix ("" for
 * content files), ascending; the caller frees *v. */
int q_files_list(const char *directory, const char *suffix, uint64_t **v,
    size_t *n, struct err *e);

/* A whole file in memory, read-only; {NULL, 0} when it is empty. */
struct q_file {
	const uint8_t *p;
	size_t n;
};
int q_file_map(const char *path, struct q_file *f, struct err *e);
void q_file_unmap(struct q_file *f);

/* Makes durable what any process wrote to it. */
int q_file_sync(const char *path, struct err *e);

/* Unlinks it; a failure is logged, unless it was gone. */
void q_file_remove(const char *path);

/* Copies n octets to SPOOL/quarantine/NAME, and the reason to NAME.txt beside
 * it, durably; nothing is done when NAME is there already (from an earlier
 * start): it is always complete. */
int q_quarantine(const char *spool, const char *name, const uint8_t *p,
    size_t n, const char *reason, struct err *e);

#endif
