/*
 * Reading the queue back from disk: all of it at a start, or the segments of
 * one process that died. What is found is told to a struct of functions;
 * the loader (loader.c) sends it to qmgr, tests look at it.
 */
#ifndef QMGR_LOAD_H
#define QMGR_LOAD_H

#include "qmgr/proto.h"
#include "qmgr/summary.h"

struct q_load_params {
	const char *spool;     /* directory */
	uint64_t first_number; /* files from here on are of this qmgr's
	                        * processes, lower ones of those before */
	uint64_t instance;     /* 0: all lower ones; else the segments of this
	                        * process of ours, without the journals */
};

struct q_load_ops {
	/* A message that is not finished, with the states that the journals
	 * have of it (packed STATE, MARK and WAY entries, oldest first). The
	 * last `learned` octets of these are in no journal: other records say
	 * so, and these are told later, so that whoever journals in the order
	 * of the calls has the states on disk before such a record can be
	 * finished. The envelope may be changed (routing) before the summary is
	 * made. */
	void (*envelope)(void *arg, struct mhs_envelope *env);
	void (*message)(void *arg, const struct q_summary *s,
	    const uint8_t *states, size_t n, size_t learned);
	/* A version of one that was told before. */
	void (*version)(void *arg, const struct q_summary *s);
	/* A copy of a record that was told before, or that others know of;
	 * from now on it is the one. */
	void (*moved)(void *arg, const struct q_moved *m);
	/* A segment, after all of its records. */
	void (*segment)(void *arg, const struct q_segment_news *s);
};

struct q_load_result {
	uint64_t messages, finished, corrupt, torn, missing;
};

/* Damaged records go to quarantine with a log line; where that fails, their
 * segment is told as having more records than were told, so that it stays. A
 * directory or file that cannot be read is an error, and so is damage in a
 * journal that cannot be copied: then no segment and no version was told, and
 * all is to be loaded again. A segment that may be of the process that died, or
 * of another, because its header cannot be read, is an error too, but after
 * all that could be read was told. */
int q_load(const struct q_load_params *p, const struct q_load_ops *ops,
    void *arg, struct q_load_result *result, struct err *e);

#endif
