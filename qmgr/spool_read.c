/*
 * The reading half of qmgr/spool.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/crc32c.h"
#include "qmgr/record.h"
#include "qmgr/spool.h"
#include "qmgr/verify.h"
#include "qmgr/writer.h"

/* Up to this, copying is cheaper than mapping. */
#define COPY_MAX (256u << 10)
/* Of a mapped content so much is given back at a time. */
#define PASS_STEP (1u << 20)

static int
open_path(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, "spool", ERR_NOT_FOUND, "no %s", path);
	return fd >= 0 ? fd : err_sys(e, "spool", "%s", path);
}

static int
read_exactly(int fd, void *p, size_t n, uint64_t offset, struct err *e)
{
	uint8_t *at = p;

	while (n > 0) {
		ssize_t k = pread(fd, at, n, (off_t)offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_sys(e, "spool", "read");
		if (k == 0)
			return err_at(e, "spool", ERR_SYNTAX, offset,
			    "file ends within the record");
		at += k;
		n -= (size_t)k;
		offset += (uint64_t)k;
	}
	return 0;
}

/* Octets [offset, offset + n) of a file in memory; *at points to the first. */
static int
fetch(struct q_record *r, int fd, uint64_t offset, uint64_t n, bool copy,
    const uint8_t **at, struct err *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t front = offset % page;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "spool", "stat");
	if (offset + n > (uint64_t)st.st_size)
		return err_at(e, "spool", ERR_SYNTAX, (uint64_t)st.st_size,
		    "file ends within the record");
	if (copy || n <= COPY_MAX) {
		uint8_t *p = arena_alloc(r->arena, n);

		*at = p;
		return read_exactly(fd, p, n, offset, e);
	}
	r->map_n = n + front;
	r->map = mmap(
	    NULL, r->map_n, PROT_READ, MAP_SHARED, fd, (off_t)(offset - front));
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return err_sys(e, "spool", "map");
	}
	*at = (const uint8_t *)r->map + front;
	return 0;
}

/* The checksum of a content, which is never in memory as a whole. */
static uint32_t
content_crc(struct q_record *r)
{
	uint32_t crc = 0;
	uint64_t n;

	for (uint64_t at = 0; at < r->content_n; at += n) {
		n = r->content_n - at;
		n = n < PASS_STEP ? n : PASS_STEP;
		crc = crc32c(crc, r->content + at, n);
		q_record_passed(r, at + n);
	}
	r->passed = 0;
	return crc;
}

static int
content_from_file(struct q_spool *s, struct q_record *r,
    const struct q_header *h, struct err *e)
{
	char name[Q_NUMBER_TEXT], path[4096];
	int fd, rc;

	q_number_text(h->content_file, name);
	snprintf(
	    path, sizeof(path), "%s/contents/%s", q_spool_directory(s), name);
	fd = open_path(path, e);
	if (fd < 0)
		return fd;
	rc = fetch(r, fd, 0, h->content_n, false, &r->content, e);
	close(fd);
	if (rc == 0 && content_crc(r) != h->content_crc)
		return err_set(
		    e, "spool", ERR_SYNTAX, "%s: content checksum", path);
	return rc;
}

static int
read_header(int fd, q_id id, struct q_header *h, struct err *e)
{
	uint8_t head[Q_HEADER];
	int rc = read_exactly(fd, head, sizeof(head), q_id_offset(id), e);

	if (rc == 0)
		rc = q_header_unpack(h, head, e);
	if (rc == 0 && h->id != id)
		rc = err_set(e, "spool", ERR_NOT_FOUND, "another record");
	if (rc == 0 && h->type != Q_RECORD_MESSAGE && h->type != Q_RECORD_MOVED)
		rc = err_set(e, "spool", ERR_SYNTAX, "not a message");
	return rc;
}

static int
read_record(
    struct q_spool *s, int fd, q_id id, struct q_record *r, struct err *e)
{
	uint64_t inside;
	const uint8_t *body;
	struct q_header h;
	int rc = read_header(fd, id, &h, e);

	if (rc != 0)
		return rc;
	inside = h.content_file == 0 ? h.content_n : 0;
	r->id = q_header_origin(&h);
	r->content_n = h.content_n;
	/* the one mapping there is belongs to the content */
	rc = fetch(r, fd, q_id_offset(id) + Q_HEADER, h.body_n + inside,
	    h.content_file != 0, &body, e);
	if (rc == 0)
		rc = q_record_check(&h, body, e);
	if (rc != 0)
		return rc;
	r->env = mhs_envelope_unpack(r->arena, body, h.body_n, e);
	if (r->env == NULL)
		return ERR_SYNTAX;
	r->content = body + h.body_n;
	if (h.content_file != 0)
		rc = content_from_file(s, r, &h, e);
	return rc;
}

static int
open_place(struct q_spool *s, q_id id, struct q_record **out, struct err *e)
{
	char name[Q_NUMBER_TEXT], path[4096];
	struct q_record *r;
	int fd, rc;

	*out = NULL;
	q_number_text(q_id_number(id), name);
	snprintf(path, sizeof(path), "%s/segments/%s.seg", q_spool_directory(s),
	    name);
	fd = open_path(path, e);
	if (fd < 0)
		return fd;
	r = xcalloc(1, sizeof(*r));
	r->id = id;
	r->arena = arena_new();
	rc = read_record(s, fd, id, r, e);
	close(fd);
	if (rc != 0) {
		char text[Q_ID_TEXT];

		err_prefix(e, "record %s", q_id_text(id, text));
		q_record_close(&r);
	}
	*out = r;
	return rc;
}

/* The queue knows where a record is that was moved; others ask by its id. */
int
q_record_open(struct q_spool *s, q_id id, struct q_record **out, struct err *e)
{
	int rc = open_place(s, id, out, e);
	struct q_header h;
	q_id place;

	if (rc == ERR_NOT_FOUND &&
	    q_find_record(q_spool_directory(s), id, &place, &h, NULL) == 0)
		rc = open_place(s, place, out, e);
	return rc;
}

void
q_record_close(struct q_record **rp)
{
	struct q_record *r = *rp;

	if (r == NULL)
		return;
	*rp = NULL; /* first: the caller's pointer may live in the arena */
	if (r->map != NULL)
		munmap(r->map, r->map_n);
	arena_free(&r->arena);
	free(r);
}

void
q_record_passed(struct q_record *r, uint64_t upto)
{
	size_t from = r->passed, front;

	if (r->map == NULL || upto > r->content_n)
		return;
	front = (size_t)(r->content - (const uint8_t *)r->map);
	upto = (front + upto) / PASS_STEP * PASS_STEP;
	if (upto <= from)
		return;
	/* of a mapping of a file this only forgets the pages */
	madvise((uint8_t *)r->map + from, upto - from, MADV_DONTNEED);
	r->passed = upto;
}
