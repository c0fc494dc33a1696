/*
 * Reading all of a spool to see whether it is sound, beside a switch that runs
 * or on one that does not; and finding one record with what the journals say
 * of it. Changes nothing. For isthmus(1).
 */
#ifndef QMGR_VERIFY_H
#define QMGR_VERIFY_H

#include "qmgr/record.h"
#include "qmgr/replay.h"

struct q_verify_result {
	uint64_t segments, journals, contents; /* files */
	uint64_t octets;                       /* read */
	uint64_t records;                      /* messages in segments */
	uint64_t messages;  /* of those: not finished, without versions */
	uint64_t versions;  /* not finished */
	uint64_t finished;  /* they wait for their segment to go */
	uint64_t copies;    /* records that were moved */
	uint64_t unclaimed; /* content files that no record names (yet) */
	uint64_t torn;      /* writes that nobody was told of */
	uint64_t faults;
};

/* Calls `fault` for each thing that is wrong: the file's name below the spool,
 * the octet in it, and why. What a running switch removes meanwhile is no
 * fault. Negative when something could not be read at all. */
int q_verify(const char *spool,
    void (*fault)(
	void *arg, const char *file, uint64_t offset, const char *why),
    void *arg, struct q_verify_result *result, struct err *e);

/* Everything that the journals say; the caller q_replay_free()s it. */
int q_verify_journals(const char *spool, struct q_replay *r, struct err *e);

/* Where the record with that id is now, and its header. ERR_NOT_FOUND. */
int q_find_record(
    const char *spool, q_id id, q_id *place, struct q_header *h, struct err *e);

#endif
