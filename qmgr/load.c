#include "qmgr/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "qmgr/files.h"
#include "qmgr/journal.h"
#include "qmgr/record.h"
#include "qmgr/replay.h"
#include "qmgr/writer.h"

/* A message whose state names a version waits until it is known whether that
 * version is good. */
struct held {
	struct held *next;
	struct q_replayed *states;
	struct buf summary;
};

struct version {
	struct table_node node; /* key: id */
	struct q_summary s;     /* without recipients */
};

struct segment {
	struct segment *next;
	uint64_t number, records;
	uint32_t *done;
	size_t n_done, cap;
};

struct load {
	const struct q_load_params *p;
	const struct q_load_ops *ops;
	void *arg;
	struct q_load_result *result;
	struct q_replay replay;
	struct arena *arena; /* of one record */
	uint64_t number;     /* of the file under way */
	const char *suffix;
	const struct q_file *file;
	struct segment *segment, *segments;
	struct held *held;
	struct table versions, live; /* live: ids of messages told or held */
	struct table contents;       /* content files in use */
};

/* A number in a set. */
struct member {
	struct table_node node;
};

static void
set_add(struct table *t, uint64_t key)
{
	struct member *m;

	if (table_get(t, key) != NULL)
		return;
	m = xcalloc(1, sizeof(*m));
	table_put(t, &m->node, key, m);
}

static void
free_owner(void *arg, void *owner)
{
	(void)arg;
	free(owner);
}

/* --- damage --- */

static void
quarantine(struct load *l, uint64_t offset, uint64_t n, const char *why)
{
	char name[64], number[Q_NUMBER_TEXT], reason[256];

	q_number_text(l->number, number);
	snprintf(name, sizeof(name), "%s-%08llx%s", number,
	    (unsigned long long)offset, l->suffix);
	snprintf(reason, sizeof(reason), "%s%s, octet %llu, %llu octets: %s\n",
	    number, l->suffix, (unsigned long long)offset,
	    (unsigned long long)n, why);
	q_quarantine(l->p->spool, name, l->file->p + offset, n, reason);
	l->result->corrupt++;
}

static void
on_corrupt(void *arg, const struct q_header *h, uint64_t offset, uint64_t n,
    const char *why)
{
	struct load *l = arg;

	(void)h;
	quarantine(l, offset, n, why);
}

/* --- journals --- */

static void
on_journal_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct load *l = arg;
	struct err e = ERR_INIT;
	int rc = 0;

	if (h->type == Q_RECORD_SNAPSHOT) {
		q_replay_clear(&l->replay);
		rc = q_replay_entries(
		    &l->replay, p + h->body_n, h->content_n, &e);
	} else if (h->type == Q_RECORD_JOURNAL) {
		rc = q_replay_entries(&l->replay, p, h->body_n, &e);
	}
	if (rc != 0)
		quarantine(l, q_id_offset(h->id), q_record_size(h), e.text);
}

static void
scan_file(struct load *l, const char *directory, uint64_t number,
    const struct q_scan_ops *ops, struct q_scan_end *end)
{
	char path[4096], text[Q_NUMBER_TEXT];
	struct q_file f;
	struct err e = ERR_INIT;

	*end = (struct q_scan_end){0};
	q_number_text(number, text);
	snprintf(path, sizeof(path), "%s/%s/%s%s", l->p->spool, directory, text,
	    l->suffix);
	if (q_file_map(path, &f, &e) != 0) {
		log_err(LOG_LEVEL_ERROR, "unreadable", &e, NULL);
		l->result->corrupt++;
		return;
	}
	l->number = number;
	l->file = &f;
	q_scan(f.p, f.n, number, ops, l, end);
	if (end->torn > 0)
		log_event(LOG_LEVEL_WARN, "torn-tail-dropped", "path", path,
		    "after", log_u64(end->end), NULL);
	l->result->torn += end->torn;
	q_file_unmap(&f);
}

static int
list(struct load *l, const char *directory, const char *suffix, uint64_t **v,
    size_t *n, struct err *e)
{
	char path[4096];

	l->suffix = suffix;
	snprintf(path, sizeof(path), "%s/%s", l->p->spool, directory);
	return q_files_list(path, suffix, v, n, e);
}

static void
remove_file(
    struct load *l, const char *directory, uint64_t number, const char *suffix)
{
	char path[4096], text[Q_NUMBER_TEXT];

	q_number_text(number, text);
	snprintf(path, sizeof(path), "%s/%s/%s%s", l->p->spool, directory, text,
	    suffix);
	if (unlink(path) != 0)
		log_event(LOG_LEVEL_WARN, "file-left-behind", "path", path,
		    "reason", strerror(errno), NULL);
}

static int
read_journals(struct load *l, struct err *e)
{
	static const struct q_scan_ops ops = {on_journal_record, on_corrupt};
	struct q_scan_end end;
	uint64_t *v;
	size_t n;
	int rc;

	/* snapshots that were not finished */
	rc = list(l, "journal", ".tmp", &v, &n, e);
	for (size_t i = 0; i < n && v[i] < l->p->first_number; i++)
		remove_file(l, "journal", v[i], ".tmp");
	free(v);
	if (rc == 0)
		rc = list(l, "journal", ".jnl", &v, &n, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n && v[i] < l->p->first_number; i++)
		scan_file(l, "journal", v[i], &ops, &end);
	free(v);
	return 0;
}

/* --- segments --- */

static void
segment_done(struct segment *s, q_id id)
{
	if (s->n_done == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 64;
		s->done = xrealloc(s->done, s->cap * sizeof(*s->done));
	}
	s->done[s->n_done++] = (uint32_t)(id & ((1u << Q_PLACE_BITS) - 1));
}

static bool
content_is_there(struct load *l, const struct q_header *h)
{
	char path[4096], text[Q_NUMBER_TEXT];
	struct stat st;

	/* after a crash of one process finished ones are here, too, whose files
	 * are gone: qmgr will know */
	if (h->content_file == 0 || l->p->instance != 0)
		return true;
	q_number_text(h->content_file, text);
	snprintf(path, sizeof(path), "%s/contents/%s", l->p->spool, text);
	return stat(path, &st) == 0 && (uint64_t)st.st_size == h->content_n;
}

static void
hold(struct load *l, const struct q_summary *s, struct q_replayed *states)
{
	struct held *x = xcalloc(1, sizeof(*x));

	q_summary_pack(s, &x->summary);
	x->states = states;
	x->next = l->held;
	l->held = x;
}

static void
keep_version(struct load *l, const struct q_summary *s)
{
	struct version *v = xcalloc(1, sizeof(*v));

	v->s = *s;
	v->s.rcpts = NULL;
	v->s.n_rcpts = 0;
	table_put(&l->versions, &v->node, s->id, v);
}

static void
on_message(struct load *l, const struct q_header *h, struct mhs_envelope *env)
{
	struct q_replayed *states = q_replay_get(&l->replay, h->id);
	struct q_summary *s;

	if (l->ops->envelope != NULL && h->parent == 0)
		l->ops->envelope(l->arg, env);
	s = q_summary_new(l->arena, h->id, h->content_file, env);
	if (h->content_file != 0)
		set_add(&l->contents, h->content_file);
	if (s->parent != 0) {
		keep_version(l, s);
		return;
	}
	l->result->messages++;
	set_add(&l->live, h->id);
	if (states != NULL && states->versioned)
		hold(l, s, states);
	else
		l->ops->message(l->arg, s, states ? states->states : NULL,
		    states ? states->n : 0);
}

static void
on_segment_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct load *l = arg;
	struct q_replayed *states = q_replay_get(&l->replay, h->id);
	struct mhs_envelope *env;
	struct err e = ERR_INIT;

	if (h->type != Q_RECORD_MESSAGE) {
		quarantine(
		    l, q_id_offset(h->id), q_record_size(h), "not a message");
		return;
	}
	if (states != NULL)
		states->seen = true;
	if (states != NULL && states->finished) {
		segment_done(l->segment, h->id);
		l->result->finished++;
		return;
	}
	arena_reset(l->arena);
	env = mhs_envelope_unpack(l->arena, p, h->body_n, &e);
	if (env == NULL || !content_is_there(l, h)) {
		quarantine(l, q_id_offset(h->id), q_record_size(h),
		    env == NULL ? e.text : "its content file is missing");
		segment_done(l->segment, h->id);
		return;
	}
	l->segment->records++;
	on_message(l, h, env);
}

/* The instance that wrote the segment; 0: cannot be told. */
static uint64_t
writer_of(struct load *l, uint64_t number)
{
	char path[4096], text[Q_NUMBER_TEXT];
	uint8_t p[Q_HEADER + Q_FILE_INFO];
	struct q_file_info info = {0};
	struct q_header h;
	FILE *f;

	q_number_text(number, text);
	snprintf(path, sizeof(path), "%s/segments/%s.seg", l->p->spool, text);
	f = fopen(path, "rbe");
	if (f == NULL)
		return 0;
	if (fread(p, 1, sizeof(p), f) == sizeof(p) &&
	    q_header_unpack(&h, p, NULL) == 0 && h.type == Q_RECORD_FILE &&
	    q_id_number(h.id) == number)
		q_file_info_unpack(&info, p + Q_HEADER, Q_FILE_INFO, NULL);
	fclose(f);
	return info.instance;
}

static void
scan_segment(struct load *l, uint64_t number)
{
	static const struct q_scan_ops ops = {on_segment_record, on_corrupt};
	struct segment *s = xcalloc(1, sizeof(*s));
	struct q_scan_end end;

	s->number = number;
	s->next = l->segments;
	l->segments = l->segment = s;
	scan_file(l, "segments", number, &ops, &end);
}

static int
read_segments(struct load *l, struct err *e)
{
	uint64_t *v;
	size_t n;
	int rc = list(l, "segments", ".seg", &v, &n, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (l->p->instance != 0 ? writer_of(l, v[i]) == l->p->instance
					: v[i] < l->p->first_number)
			scan_segment(l, v[i]);
	}
	free(v);
	return 0;
}

/* --- what can be told only after all segments --- */

/* Back to the first step, with the original, where a version is gone. */
static void
repair_states(struct load *l, struct held *x, q_id id, struct buf *out)
{
	const uint8_t *p = x->states->states;
	size_t n = x->states->n;
	struct q_entry s;

	arena_reset(l->arena);
	while (n > 0 && q_entry_unpack(&p, &n, l->arena, &s, NULL) == 0) {
		if (s.record != 0 && s.state == Q_RCPT_PENDING &&
		    table_get(&l->versions, s.record) == NULL) {
			char text[Q_ID_TEXT];

			log_event(LOG_LEVEL_WARN, "version-missing", "id",
			    q_id_text(id, text), NULL);
			s.record = 0;
			s.step = 0;
		}
		q_entry_pack(&s, out);
	}
}

static void
tell_held(struct load *l, struct held *x)
{
	struct q_in in = {x->summary.data, x->summary.len, false};
	struct arena *a = arena_new();
	struct q_summary *s = q_summary_unpack(a, &in);
	struct buf states = {0};

	INVARIANT(s != NULL);
	repair_states(l, x, s->id, &states);
	l->ops->message(l->arg, s, states.data, states.len);
	buf_free(&states);
	buf_free(&x->summary);
	arena_free(&a);
	free(x);
}

static struct segment *
segment_of(struct load *l, q_id id)
{
	struct segment *s = l->segments;

	while (s != NULL && s->number != q_id_number(id))
		s = s->next;
	return s;
}

static void
tell_version(void *arg, void *owner)
{
	struct load *l = arg;
	struct version *v = owner;
	struct segment *s;

	/* after a crash of one process its parent may be anywhere */
	if (l->p->instance != 0 || table_get(&l->live, v->s.parent) != NULL) {
		l->ops->version(l->arg, &v->s);
		return;
	}
	s = segment_of(l, v->s.id);
	INVARIANT(s != NULL);
	s->records--;
	segment_done(s, v->s.id);
}

static void
tell_rest(struct load *l)
{
	struct held *x;
	struct segment *s;

	while ((x = l->held) != NULL) {
		l->held = x->next;
		tell_held(l, x);
	}
	table_each(&l->versions, tell_version, l);
	while ((s = l->segments) != NULL) {
		struct q_segment_news news = {
		    s->number, s->records, s->done, s->n_done};

		l->segments = s->next;
		l->ops->segment(l->arg, &news);
		free(s->done);
		free(s);
	}
}

static void
check_seen(void *arg, void *owner)
{
	struct load *l = arg;
	const struct q_replayed *m = owner;
	char text[Q_ID_TEXT];

	if (m->finished || m->seen)
		return;
	log_event(LOG_LEVEL_ERROR, "record-missing", "id",
	    q_id_text(m->node.key, text), NULL);
	l->result->missing++;
}

/* Content files that no record names: of submissions that were broken off, or
 * of records that are damaged; then they are put aside too. */
static int
remove_orphans(struct load *l, struct err *e)
{
	char from[4096], to[4096], text[Q_NUMBER_TEXT];
	uint64_t *v;
	size_t n;
	int rc = list(l, "contents", "", &v, &n, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n && v[i] < l->p->first_number; i++) {
		if (table_get(&l->contents, v[i]) != NULL)
			continue;
		if (l->result->corrupt == 0) {
			remove_file(l, "contents", v[i], "");
			continue;
		}
		q_number_text(v[i], text);
		snprintf(
		    from, sizeof(from), "%s/contents/%s", l->p->spool, text);
		snprintf(to, sizeof(to), "%s/quarantine/%s", l->p->spool, text);
		if (rename(from, to) != 0)
			log_event(LOG_LEVEL_WARN, "file-left-behind", "path",
			    from, "reason", strerror(errno), NULL);
	}
	free(v);
	return 0;
}

int
q_load(const struct q_load_params *p, const struct q_load_ops *ops, void *arg,
    struct q_load_result *result, struct err *e)
{
	struct load l = {.p = p, .ops = ops, .arg = arg, .result = result};
	bool all = p->instance == 0;
	int rc = 0;

	*result = (struct q_load_result){0};
	l.arena = arena_new();
	if (all)
		rc = read_journals(&l, e);
	if (rc == 0)
		rc = read_segments(&l, e);
	tell_rest(&l);
	if (all && rc == 0) {
		table_each(&l.replay.messages, check_seen, &l);
		rc = remove_orphans(&l, e);
	}
	table_each(&l.versions, free_owner, NULL);
	table_each(&l.live, free_owner, NULL);
	table_each(&l.contents, free_owner, NULL);
	table_free(&l.versions);
	table_free(&l.live);
	table_free(&l.contents);
	q_replay_free(&l.replay);
	arena_free(&l.arena);
	return rc;
}
