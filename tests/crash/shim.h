/*
 * What the interposed layer (shim.c) writes down and powercut.c reads.
 *
 * The layer stands under the file functions of every process of a switch. What
 * it forwards it also logs, for everything below the spool: each write with
 * the octets that it replaces, each change of a name, and each sync that
 * returned. Killing processes loses nothing of that (neither the files nor the
 * logs), so a power failure is made afterwards: all processes are killed,
 * then powercut takes back what no sync vouches for.
 *
 * A log is a file per process, a run of entries: this head, `names` octets of
 * names (each with its NUL), `n_old` octets that were there, `n_new` that were
 * written. Numbers (seq) are drawn from one counter for all processes of the
 * switch, before the call; a write is logged before it is done, a sync or
 * change of a name after it succeeded. So what has an entry may have
 * happened, and what a process could act upon has one.
 *
 * LOG/strikes is text: a line for each point that struck (seconds, process,
 * the point).
 */
#ifndef TESTS_CRASH_SHIM_H
#define TESTS_CRASH_SHIM_H

#include <stdatomic.h>
#include <stdint.h>

#define CRASH_SPOOL "CRASH_SPOOL"     /* absolute path; below it we look */
#define CRASH_LOG "CRASH_LOG"         /* directory of the logs */
#define CRASH_POINTS "ISTHMUS_CRASH"  /* see shim.c */
#define CRASH_SYNC_US "CRASH_SYNC_US" /* a sync takes up to so much longer */
#define CRASH_LIE "CRASH_LIE" /* pattern: files whose syncs do nothing */

#define CRASH_MAGIC 0x6372617368303121u
#define CRASH_MAX_POINTS 16

enum crash_kind {
	CRASH_WRITE = 1, /* of ino at offset; the file had `size` octets */
	CRASH_TRUNCATE,  /* of ino to offset; it had `size`, old: what went */
	CRASH_SYNC,      /* of ino (file or directory); offset: first seq
	                  * that it does not vouch for */
	CRASH_CREATE,    /* of ino as name in dir */
	CRASH_MKDIR,     /* the same */
	CRASH_UNLINK,    /* kept as graves/<seq> */
	CRASH_RENAME,    /* from dir, first name to to_dir, second name; what
	                  * had that name is kept as graves/<seq>, if any */
};

struct crash_entry {
	uint64_t magic;
	uint64_t seq;
	uint32_t kind;
	uint32_t names;
	uint64_t ino, dir, to_dir;
	uint64_t offset, size;
	uint64_t n_old, n_new; /* octets that follow */
	uint64_t zeros;        /* written, and not in the log: all zero */
};

/* LOG/shared, mapped by every process. */
struct crash_shared {
	_Atomic uint64_t seq;
	_Atomic uint32_t count[CRASH_MAX_POINTS]; /* how often each was met */
};

#endif
