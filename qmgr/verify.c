#include "qmgr/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/crc32c.h"
#include "mhs/envelope.h"
#include "qmgr/files.h"
#include "qmgr/summary.h"
#include "qmgr/writer.h"

#define PIECE (1u << 20)

/* Something that is wrong unless the switch removed it on purpose: judged
 * when all is read, by the journals as they are then. */
struct doubt {
	struct doubt *next;
	q_id message, record;
	uint64_t content_file; /* 0: the record is missing */
	const char *why;
};

struct member {
	struct table_node node;
};

struct verify {
	const char *spool;
	void (*fault)(
	    void *arg, const char *file, uint64_t offset, const char *why);
	void *arg;
	struct q_verify_result *result;
	struct q_replay replay;
	struct table contents; /* that records name */
	struct arena *arena;
	struct doubt *doubts;
	char file[64]; /* the one under way */
	uint64_t held; /* faults of it that wait for its end */
	struct {
		uint64_t offset;
		const char *why;
	} first[16];
	struct err *e;
};

/* --- files --- */

static void
file_name(char *out, size_t size, const char *directory, uint64_t number,
    const char *suffix)
{
	char text[Q_NUMBER_TEXT];

	q_number_text(number, text);
	snprintf(out, size, "%s/%s%s", directory, text, suffix);
}

/* Not mapped: a file may be cut back while it is read. 1: it is gone. */
static int
read_file(const char *spool, const char *file, struct buf *out, struct err *e)
{
	char path[4096];
	ssize_t k = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", spool, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 1 : err_sys(e, "spool", "%s", path);
	do {
		k = read(fd, buf_reserve(out, PIECE), PIECE);
		if (k > 0)
			out->len += (size_t)k;
	} while (k > 0 || (k < 0 && errno == EINTR));
	if (k < 0)
		err_sys(e, "spool", "read %s", path);
	close(fd);
	return k < 0 ? ERR_SYSTEM : 0;
}

static bool
is_there(const char *spool, const char *file)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", spool, file);
	return access(path, F_OK) == 0;
}

static int
list(const char *spool, const char *directory, const char *suffix, uint64_t **v,
    size_t *n, struct err *e)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", spool, directory);
	return q_files_list(path, suffix, v, n, e);
}

/* --- faults --- */

static void
fault_in_file(struct verify *v, uint64_t offset, const char *why)
{
	if (v->held < sizeof(v->first) / sizeof(v->first[0])) {
		v->first[v->held].offset = offset;
		v->first[v->held].why = why;
	}
	v->held++;
}

static void
on_corrupt(void *arg, const struct q_header *h, uint64_t offset, uint64_t n,
    const char *why)
{
	(void)h;
	(void)n;
	fault_in_file(arg, offset, why);
}

/* A segment that was given up while it was read may have become another. */
static void
file_read(struct verify *v)
{
	uint64_t shown = sizeof(v->first) / sizeof(v->first[0]);

	if (v->held > 0 && is_there(v->spool, v->file)) {
		v->result->faults += v->held;
		for (uint64_t i = 0; i < v->held && i < shown; i++)
			v->fault(v->arg, v->file, v->first[i].offset,
			    v->first[i].why);
	}
	v->held = 0;
}

static void
doubt(struct verify *v, q_id message, q_id record, uint64_t content_file,
    const char *why)
{
	struct doubt *d = xcalloc(1, sizeof(*d));

	*d = (struct doubt){v->doubts, message, record, content_file, why};
	v->doubts = d;
}

/* --- journals --- */

struct journals {
	struct q_replay *replay;
	struct verify *v; /* NULL: faults are no matter */
};

static void
on_journal_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct journals *j = arg;
	size_t n = h->body_n;

	if (h->type == Q_RECORD_SNAPSHOT) {
		q_replay_clear(j->replay);
		p += h->body_n;
		n = h->content_n;
	}
	if (q_replay_entries(j->replay, p, n, NULL) != 0 && j->v != NULL)
		fault_in_file(j->v, q_id_offset(h->id), "entries");
}

static void
on_journal_corrupt(void *arg, const struct q_header *h, uint64_t offset,
    uint64_t n, const char *why)
{
	struct journals *j = arg;

	if (j->v != NULL)
		on_corrupt(j->v, h, offset, n, why);
}

static int
read_journal(
    const char *spool, struct journals *j, uint64_t number, struct err *e)
{
	static const struct q_scan_ops ops = {
	    on_journal_record, on_journal_corrupt};
	struct q_scan_end end;
	struct buf octets = {0};
	char file[64];
	int rc;

	file_name(file, sizeof(file), "journal", number, ".jnl");
	rc = read_file(spool, file, &octets, e);
	if (rc == 0)
		q_scan(octets.data, octets.len, number, &ops, j, &end);
	if (rc == 0 && j->v != NULL) {
		memcpy(j->v->file, file, sizeof(file));
		file_read(j->v);
		j->v->result->journals++;
		j->v->result->octets += octets.len;
		j->v->result->torn += end.torn;
	}
	buf_free(&octets);
	return rc < 0 ? rc : 0;
}

static int
read_journals(const char *spool, struct journals *j, struct err *e)
{
	uint64_t *v;
	size_t n;
	int rc = list(spool, "journal", ".jnl", &v, &n, e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = read_journal(spool, j, v[i], e);
	free(v);
	return rc;
}

int
q_verify_journals(const char *spool, struct q_replay *r, struct err *e)
{
	struct journals j = {r, NULL};

	return read_journals(spool, &j, e);
}

/* --- segments --- */

static void
claim(struct verify *v, uint64_t number)
{
	struct member *m;

	if (table_get(&v->contents, number) != NULL)
		return;
	m = xcalloc(1, sizeof(*m));
	table_put(&v->contents, &m->node, number, m);
}

static const char *
check_content(struct verify *v, const struct q_header *h)
{
	char file[64], path[4096];
	uint8_t *piece;
	uint64_t octets = 0;
	uint32_t crc = 0;
	ssize_t n;
	int fd;

	file_name(file, sizeof(file), "contents", h->content_file, "");
	snprintf(path, sizeof(path), "%s/%s", v->spool, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return "its content file is missing";
	piece = xmalloc(PIECE);
	while ((n = read(fd, piece, PIECE)) > 0) {
		crc = crc32c(crc, piece, (size_t)n);
		octets += (uint64_t)n;
	}
	close(fd);
	free(piece);
	v->result->contents++;
	v->result->octets += octets;
	if (n < 0)
		return "its content file cannot be read";
	if (octets != h->content_n)
		return "length of its content file";
	return crc == h->content_crc ? NULL : "checksum of its content file";
}

static bool
is_finished(const struct q_replay *r, q_id id)
{
	const struct q_replayed *m = q_replay_get(r, id);

	return m != NULL && m->finished;
}

static bool
is_moved(const struct q_replay *r, q_id place)
{
	const struct q_replayed *m = q_replay_get(r, place);

	return m != NULL && m->moved;
}

static void
on_live(struct verify *v, const struct q_header *h, q_id message)
{
	const char *why;

	if (message == q_header_origin(h))
		v->result->messages++;
	else
		v->result->versions++;
	if (h->content_file == 0)
		return;
	claim(v, h->content_file);
	why = check_content(v, h);
	if (why != NULL)
		doubt(v, message, h->id, h->content_file, why);
}

static void
on_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct verify *v = arg;
	const struct mhs_envelope *env;
	struct q_replayed *m = q_replay_get(&v->replay, q_header_origin(h));
	q_id message = q_header_origin(h);

	v->result->records++;
	v->result->copies += h->type == Q_RECORD_MOVED;
	if (m != NULL)
		m->seen = true;
	arena_reset(v->arena);
	env = mhs_envelope_unpack(v->arena, p, h->body_n, NULL);
	if (env == NULL) {
		fault_in_file(v, q_id_offset(h->id), "envelope");
		return;
	}
	if (q_version_parent(env) != 0)
		message = q_version_parent(env);
	if (is_finished(&v->replay, message) ||
	    is_finished(&v->replay, h->id) || is_moved(&v->replay, h->id))
		v->result->finished++;
	else
		on_live(v, h, message);
}

static int
read_segment(struct verify *v, uint64_t number)
{
	static const struct q_scan_ops ops = {on_record, on_corrupt};
	struct q_scan_end end;
	struct buf octets = {0};
	int rc;

	file_name(v->file, sizeof(v->file), "segments", number, ".seg");
	rc = read_file(v->spool, v->file, &octets, v->e);
	if (rc == 0) {
		q_scan(octets.data, octets.len, number, &ops, v, &end);
		file_read(v);
		v->result->segments++;
		v->result->octets += octets.len;
		v->result->torn += end.torn;
	}
	buf_free(&octets);
	return rc < 0 ? rc : 0;
}

static int
read_segments(struct verify *v)
{
	uint64_t *numbers;
	size_t n;
	int rc = list(v->spool, "segments", ".seg", &numbers, &n, v->e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = read_segment(v, numbers[i]);
	free(numbers);
	return rc;
}

/* --- when all is read --- */

static void
check_seen(void *arg, void *owner)
{
	struct verify *v = arg;
	const struct q_replayed *m = owner;

	if (!m->finished && !m->seen && m->n > 0)
		doubt(v, m->node.key, m->node.key, 0,
		    "journals know a message that is in no segment");
}

/* Is it still wrong? */
static void
judge(struct verify *v, const struct q_replay *now, const struct doubt *d)
{
	const struct q_replayed *m = q_replay_get(now, d->message);
	char file[64];

	file_name(
	    file, sizeof(file), "segments", q_id_number(d->record), ".seg");
	if (m != NULL && m->finished)
		return;
	if (d->content_file == 0 ? m == NULL : !is_there(v->spool, file))
		return;
	v->result->faults++;
	v->fault(v->arg, file, q_id_offset(d->record), d->why);
}

static int
judge_doubts(struct verify *v)
{
	struct q_replay now = {0};
	struct doubt *d;
	int rc = 0;

	table_each(&v->replay.messages, check_seen, v);
	if (v->doubts != NULL)
		rc = q_verify_journals(v->spool, &now, v->e);
	while ((d = v->doubts) != NULL) {
		v->doubts = d->next;
		if (rc == 0)
			judge(v, &now, d);
		free(d);
	}
	q_replay_free(&now);
	return rc;
}

static int
count_unclaimed(struct verify *v)
{
	uint64_t *numbers;
	size_t n;
	int rc = list(v->spool, "contents", "", &numbers, &n, v->e);

	for (size_t i = 0; i < n; i++)
		v->result->unclaimed +=
		    table_get(&v->contents, numbers[i]) == NULL;
	free(numbers);
	return rc;
}

static void
free_member(void *arg, void *owner)
{
	(void)arg;
	free(owner);
}

int
q_verify(const char *spool,
    void (*fault)(
	void *arg, const char *file, uint64_t offset, const char *why),
    void *arg, struct q_verify_result *result, struct err *e)
{
	struct verify v = {.spool = spool,
	    .fault = fault,
	    .arg = arg,
	    .result = result,
	    .e = e};
	struct journals j = {&v.replay, &v};
	int rc;

	*result = (struct q_verify_result){0};
	v.arena = arena_new();
	rc = read_journals(spool, &j, e);
	if (rc == 0)
		rc = read_segments(&v);
	if (rc == 0)
		rc = judge_doubts(&v);
	if (rc == 0)
		rc = count_unclaimed(&v);
	table_each(&v.contents, free_member, NULL);
	table_free(&v.contents);
	q_replay_free(&v.replay);
	arena_free(&v.arena);
	return rc;
}

/* --- one record --- */

struct find {
	q_id id, place;
	struct q_header h;
};

static void
on_candidate(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct find *f = arg;

	(void)p;
	if (q_header_origin(h) == f->id && h->id >= f->place) {
		f->place = h->id;
		f->h = *h;
	}
}

static void
on_other(void *arg, const struct q_header *h, uint64_t offset, uint64_t n,
    const char *why)
{
	(void)arg;
	(void)h;
	(void)offset;
	(void)n;
	(void)why;
}

static int
find_in(const char *spool, struct find *f, uint64_t number, struct err *e)
{
	static const struct q_scan_ops ops = {on_candidate, on_other};
	struct q_scan_end end;
	struct buf octets = {0};
	char file[64];
	int rc;

	file_name(file, sizeof(file), "segments", number, ".seg");
	rc = read_file(spool, file, &octets, e);
	if (rc == 0)
		q_scan(octets.data, octets.len, number, &ops, f, &end);
	buf_free(&octets);
	return rc < 0 ? rc : 0;
}

/* Segments of the compactor have nothing but copies in them. */
static bool
has_copies(const char *spool, uint64_t number)
{
	const off_t first = Q_HEADER + Q_PLACE; /* after the FILE record */
	char file[64], path[4096];
	uint8_t p[Q_HEADER];
	struct q_header h;
	bool is = false;
	int fd;

	file_name(file, sizeof(file), "segments", number, ".seg");
	snprintf(path, sizeof(path), "%s/%s", spool, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (pread(fd, p, sizeof(p), first) == (ssize_t)sizeof(p) &&
	    q_header_unpack(&h, p, NULL) == 0)
		is = h.type == Q_RECORD_MOVED && q_id_number(h.id) == number;
	close(fd);
	return is;
}

int
q_find_record(
    const char *spool, q_id id, q_id *place, struct q_header *h, struct err *e)
{
	struct find f = {.id = id};
	uint64_t *v;
	size_t n;
	int rc = find_in(spool, &f, q_id_number(id), e);

	if (rc == 0 && f.place == 0) {
		rc = list(spool, "segments", ".seg", &v, &n, e);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			if (has_copies(spool, v[i]))
				rc = find_in(spool, &f, v[i], e);
		}
		free(v);
	}
	if (rc == 0 && f.place == 0)
		rc = err_set(e, "spool", ERR_NOT_FOUND, "no such record");
	*place = f.place;
	*h = f.h;
	return rc;
}
