#include "qmgr/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "qmgr/config.h"
#include "qmgr/files.h"
#include "qmgr/journal.h"
#include "qmgr/record.h"
#include "qmgr/replay.h"
#include "qmgr/writer.h"

/* A message whose state names a version waits until it is known whether that
 * version is good; one that others may have been made of, until they are
 * known; and these, until that one was told. */
struct held {
	struct table_node node; /* key: id */
	struct held *next;
	struct held *after; /* while told: what waits for this one */
	q_id settles;       /* of this message; 0: nothing */
	bool told;
	struct q_replayed *states;
	struct buf summary;
};

struct version {
	struct table_node node; /* key: id */
	struct q_summary s;     /* without recipients */
};

/* What a record settles. */
struct fact {
	struct table_node node; /* the first of a message; key: its id */
	struct fact *next;
	struct q_settled x;
	int64_t at;
	uint32_t v[];
};

struct segment {
	struct segment *next;
	uint64_t number, records, size, end;
	struct q_places done, moved, all;
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
	struct segment *segment, *segments; /* none during the journals */
	struct held *held;
	struct table held_by_id;
	struct table versions, live; /* live: ids of messages told or held */
	struct table contents;       /* content files in use */
	struct table facts;
	bool uncopied; /* damage that quarantine did not take */
	int unread;    /* why a segment's writer could not be told, or 0 */
	int rc;        /* why the file under way does not count */
	struct err *e;
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

static void
free_facts(void *arg, void *owner)
{
	struct fact *f = owner, *next;

	(void)arg;
	for (; f != NULL; f = next) {
		next = f->next;
		free(f);
	}
}

/* --- damage --- */

/* What cannot be copied stays where it is: a segment gets a record that nobody
 * ever announces, so that it lasts until the next load; a journal, which the
 * next snapshot would unlink, ends this load. False in both cases. */
static bool
quarantine(struct load *l, uint64_t offset, uint64_t n, const char *why)
{
	char name[64], number[Q_NUMBER_TEXT], reason[256];
	struct err e = ERR_INIT;

	q_number_text(l->number, number);
	snprintf(name, sizeof(name), "%s-%08llx%s", number,
	    (unsigned long long)offset, l->suffix);
	snprintf(reason, sizeof(reason), "%s%s, octet %llu, %llu octets: %s",
	    number, l->suffix, (unsigned long long)offset,
	    (unsigned long long)n, why);
	l->result->corrupt++;
	if (q_quarantine(
		l->p->spool, name, l->file->p + offset, n, reason, &e) == 0)
		return true;
	log_err(LOG_LEVEL_ERROR, "quarantine-failed", &e, NULL);
	l->uncopied = true;
	if (l->segment != NULL) {
		l->segment->records++;
	} else {
		l->rc = e.code;
		if (l->e != NULL)
			*l->e = e;
	}
	return false;
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

/* A file that cannot be read now may be whole: to go on without it would give
 * up what is in it. Its writer may have died between a write and its sync; what
 * is told here has consequences (a list's recipient counts as expanded, a place
 * as left), so first of all it is made durable. */
static int
scan_file(struct load *l, const char *directory, uint64_t number,
    const struct q_scan_ops *ops)
{
	char path[4096], text[Q_NUMBER_TEXT];
	struct q_scan_end end = {0};
	struct q_file f;
	int rc;

	q_number_text(number, text);
	snprintf(path, sizeof(path), "%s/%s/%s%s", l->p->spool, directory, text,
	    l->suffix);
	if ((rc = q_file_sync(path, l->e)) != 0 ||
	    (rc = q_file_map(path, &f, l->e)) != 0)
		return rc;
	l->number = number;
	l->file = &f;
	l->rc = 0;
	q_scan(f.p, f.n, number, ops, l, &end);
	if (l->segment != NULL) {
		l->segment->size = f.n;
		l->segment->end = end.end;
	}
	if (end.torn > 0)
		log_event(LOG_LEVEL_WARN, "torn-tail-dropped", "path", path,
		    "after", log_u64(end.end), NULL);
	l->result->torn += end.torn;
	q_file_unmap(&f);
	return l->rc;
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
	q_file_remove(path);
}

static int
read_journals(struct load *l, struct err *e)
{
	static const struct q_scan_ops ops = {on_journal_record, on_corrupt};
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
	for (size_t i = 0; rc == 0 && i < n && v[i] < l->p->first_number; i++)
		rc = scan_file(l, "journal", v[i], &ops);
	free(v);
	return rc;
}

/* --- segments --- */

static bool
content_is_there(
    struct load *l, const struct q_header *h, const struct mhs_envelope *env)
{
	char path[4096], text[Q_NUMBER_TEXT];
	struct stat st = {0};

	/* after a crash of one process finished ones are here, too, whose files
	 * are gone: qmgr will know. A version's file goes with its message,
	 * and whether that is finished shows only when all is read. */
	if (h->content_file == 0 || q_version_parent(env) != 0 ||
	    l->p->instance != 0)
		return true;
	q_number_text(h->content_file, text);
	snprintf(path, sizeof(path), "%s/contents/%s", l->p->spool, text);
	if (stat(path, &st) != 0 && errno != ENOENT) {
		l->rc = err_sys(l->e, "spool", "%s", path);
		return true;
	}
	return st.st_nlink > 0 && (uint64_t)st.st_size == h->content_n;
}

static void
hold(struct load *l, const struct q_summary *s, struct q_replayed *states)
{
	struct held *x = xcalloc(1, sizeof(*x));

	q_summary_pack(s, &x->summary);
	x->states = states;
	x->settles = s->settled.message;
	x->next = l->held;
	l->held = x;
	table_put(&l->held_by_id, &x->node, s->id, x);
}

static struct segment *
segment_of(struct load *l, q_id id)
{
	struct segment *s = l->segments;

	while (s != NULL && s->number != q_id_number(id))
		s = s->next;
	INVARIANT(s != NULL);
	return s;
}

static q_id
place_of(const struct q_summary *s)
{
	return s->place != 0 ? s->place : s->id;
}

static void
keep_version(struct load *l, const struct q_summary *s)
{
	struct version *v = table_get(&l->versions, s->id);
	struct segment *segment;

	if (v != NULL) {
		/* segments are read in the order of their numbers: the one
		 * before was copied */
		segment = segment_of(l, place_of(&v->s));
		segment->records--;
		q_places_add(&segment->moved, place_of(&v->s));
		v->s.place = s->place;
		return;
	}
	v = xcalloc(1, sizeof(*v));
	v->s = *s;
	v->s.rcpts = NULL;
	v->s.n_rcpts = 0;
	table_put(&l->versions, &v->node, s->id, v);
}

/* When one process died, its copies are of what qmgr knows (or did). */
static bool
is_copy_of_known(const struct load *l, const struct q_summary *s)
{
	return s->place != 0 &&
	    (l->p->instance != 0 || table_get(&l->live, s->id) != NULL);
}

static void
tell_moved(struct load *l, const struct q_summary *s)
{
	struct q_moved m = {s->id, s->parent, s->place};

	l->ops->moved(l->arg, &m);
}

static void
note_fact(struct load *l, const struct q_summary *s)
{
	const struct q_settled *x = &s->settled;
	struct fact *f, *first = table_get(&l->facts, x->message);

	f = xcalloc(1, sizeof(*f) + x->n * sizeof(f->v[0]));
	if (x->n > 0)
		memcpy(f->v, x->v, x->n * sizeof(f->v[0]));
	f->x = *x;
	f->x.v = f->v;
	f->at = s->arrival;
	if (first == NULL) {
		table_put(&l->facts, &f->node, x->message, f);
		return;
	}
	f->next = first->next;
	first->next = f;
}

/* Recipients of a list, what is to be reported, and what may be a delivery
 * status notification. */
static bool
may_be_settled(const struct q_summary *s, const struct q_replayed *states)
{
	if (states != NULL && states->reporting)
		return true;
	for (size_t i = 0; i < s->n_rcpts; i++)
		if (s->rcpts[i].peer != NULL &&
		    strcmp(s->rcpts[i].peer, Q_PEER_LISTS) == 0)
			return true;
	return s->content_type == MHS_CONTENT_RFC822 && s->n_rcpts == 1 &&
	    s->rcpts[0].flags == Q_RCPT_RESPONSIBLE;
}

static void
on_message(struct load *l, const struct q_header *h, struct mhs_envelope *env)
{
	q_id id = q_header_origin(h);
	struct q_replayed *states = q_replay_get(&l->replay, id);
	struct q_summary *s;

	if (l->ops->envelope != NULL && q_version_parent(env) == 0)
		l->ops->envelope(l->arg, env);
	s = q_summary_new(l->arena, id, h->content_file, env);
	s->place = h->id != id ? h->id : 0;
	if (h->content_file != 0)
		set_add(&l->contents, h->content_file);
	if (s->parent != 0) {
		keep_version(l, s);
		return;
	}
	if (is_copy_of_known(l, s)) {
		tell_moved(l, s);
		return;
	}
	l->result->messages++;
	set_add(&l->live, s->id);
	if (s->settled.message != 0)
		note_fact(l, s);
	if ((states != NULL && states->versioned) || s->settled.message != 0 ||
	    may_be_settled(s, states))
		hold(l, s, states);
	else
		l->ops->message(l->arg, s, states ? states->states : NULL,
		    states ? states->n : 0, 0);
}

/* Is there nothing to do for it: the message is finished, or a copy stands for
 * this record? */
static bool
is_over(struct load *l, const struct q_header *h)
{
	q_id id = q_header_origin(h);
	struct q_replayed *message = q_replay_get(&l->replay, id);
	struct q_replayed *place =
	    id == h->id ? message : q_replay_get(&l->replay, h->id);

	if (message != NULL)
		message->seen = true;
	if ((message != NULL && message->finished) ||
	    (place != NULL && place->finished)) {
		q_places_add(&l->segment->done, h->id);
		l->result->finished++;
		return true;
	}
	if (place != NULL && place->moved) {
		q_places_add(&l->segment->moved, h->id);
		return true;
	}
	return false;
}

static void
on_segment_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct load *l = arg;
	struct mhs_envelope *env;
	struct err e = ERR_INIT;

	if (h->type != Q_RECORD_MESSAGE && h->type != Q_RECORD_MOVED) {
		quarantine(
		    l, q_id_offset(h->id), q_record_size(h), "not a message");
		return;
	}
	q_places_add(&l->segment->all, h->id);
	if (is_over(l, h))
		return;
	arena_reset(l->arena);
	env = mhs_envelope_unpack(l->arena, p, h->body_n, &e);
	if (env == NULL || !content_is_there(l, h, env)) {
		if (quarantine(l, q_id_offset(h->id), q_record_size(h),
			env == NULL ? e.text : "its content file is missing"))
			q_places_add(&l->segment->moved, h->id);
		return;
	}
	l->segment->records++;
	on_message(l, h, env);
}

/* The instance that wrote the segment, or 0 if that cannot be told. */
static int
writer_of(struct load *l, uint64_t number, uint64_t *instance)
{
	char path[4096], text[Q_NUMBER_TEXT];
	uint8_t p[Q_HEADER + Q_FILE_INFO];
	struct q_file_info info = {0};
	struct q_header h;
	size_t n;
	FILE *f;
	int rc = 0;

	*instance = 0;
	q_number_text(number, text);
	snprintf(path, sizeof(path), "%s/segments/%s.seg", l->p->spool, text);
	f = fopen(path, "rbe");
	if (f == NULL)
		return errno == ENOENT ? 0 : err_sys(l->e, "spool", "%s", path);
	n = fread(p, 1, sizeof(p), f);
	if (ferror(f))
		rc = err_sys(l->e, "spool", "read %s", path);
	else if (n == sizeof(p) && q_header_unpack(&h, p, NULL) == 0 &&
	    h.type == Q_RECORD_FILE && q_id_number(h.id) == number &&
	    q_file_info_unpack(&info, p + Q_HEADER, Q_FILE_INFO, NULL) == 0)
		*instance = info.instance;
	fclose(f);
	return rc;
}

static int
scan_segment(struct load *l, uint64_t number)
{
	static const struct q_scan_ops ops = {on_segment_record, on_corrupt};
	struct segment *s = xcalloc(1, sizeof(*s));

	s->number = number;
	s->next = l->segments;
	l->segments = l->segment = s;
	return scan_file(l, "segments", number, &ops);
}

static int
scan_if_asked(struct load *l, uint64_t number)
{
	uint64_t instance;

	if (l->p->instance == 0)
		return number < l->p->first_number ? scan_segment(l, number)
						   : 0;
	/* of a process of ours */
	if (number < l->p->first_number)
		return 0;
	/* it may be another's: then it is no reason not to tell the rest */
	if (writer_of(l, number, &instance) != 0) {
		l->unread = ERR_SYSTEM;
		return 0;
	}
	return instance == l->p->instance ? scan_segment(l, number) : 0;
}

static int
read_segments(struct load *l, struct err *e)
{
	uint64_t *v;
	size_t n;
	int rc = list(l, "segments", ".seg", &v, &n, e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = scan_if_asked(l, v[i]);
	free(v);
	return rc;
}

/* --- what can be told only after all segments --- */

/* Back to the first step, with the original, where a version is gone. */
static void
repair_states(struct load *l, const struct held *x, q_id id, struct buf *out)
{
	const uint8_t *p = x->states != NULL ? x->states->states : NULL;
	size_t n = x->states != NULL ? x->states->n : 0;
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
note_states(const struct buf *states, struct arena *a,
    const struct q_summary *s, uint8_t *now)
{
	const uint8_t *p = states->data;
	size_t n = states->len;
	struct q_entry e;

	while (n > 0 && q_entry_unpack(&p, &n, a, &e, NULL) == 0)
		for (size_t i = 0; i < e.n && e.type == Q_ENTRY_STATE; i++)
			if (e.v[i] < s->n_rcpts && now[e.v[i]] != Q_RCPT_DONE)
				now[e.v[i]] = (uint8_t)e.state;
}

static void
settle_all(const struct fact *f, const struct q_summary *s, uint8_t *now,
    bool reported, struct buf *out)
{
	for (; f != NULL; f = f->next) {
		struct q_entry e = {.type = Q_ENTRY_STATE, .id = s->id, .n = 1};

		for (size_t i = 0; i < f->x.n; i++) {
			uint32_t r = f->v[i];

			if (r >= s->n_rcpts ||
			    (f->x.as == Q_SETTLED_REPORTED) != reported ||
			    !q_settled_state(&f->x, now[r], s->rcpts[r].flags,
				&e.state, &e.outcome))
				continue;
			e.outcome.at = reported ? 0 : f->at;
			e.v = &r;
			now[r] = (uint8_t)e.state;
			q_entry_pack(&e, out);
		}
	}
}

/* What was expanded, and then what was reported. */
static void
apply_facts(struct load *l, const struct q_summary *s, struct buf *states)
{
	const struct fact *f = table_get(&l->facts, s->id);
	uint8_t *now;

	if (f == NULL)
		return;
	arena_reset(l->arena);
	now = arena_alloc(l->arena, s->n_rcpts + 1);
	note_states(states, l->arena, s, now);
	settle_all(f, s, now, false, states);
	settle_all(f, s, now, true, states);
}

static void
tell_held(struct load *l, const struct held *x)
{
	struct q_in in = {x->summary.data, x->summary.len, false};
	struct arena *a = arena_new();
	struct q_summary *s = q_summary_unpack(a, &in);
	struct buf states = {0};
	size_t known;

	INVARIANT(s != NULL);
	repair_states(l, x, s->id, &states);
	known = states.len;
	apply_facts(l, s, &states);
	l->ops->message(l->arg, s, states.data, states.len, states.len - known);
	buf_free(&states);
	arena_free(&a);
}

/* What it was made of comes first: see struct q_load_ops. Records that settle
 * each other in a circle would be damage, and end it too. */
static void
tell_held_in_order(struct load *l, struct held *x)
{
	struct held *first = NULL;

	for (; x != NULL && !x->told;
	     x = table_get(&l->held_by_id, first->settles)) {
		x->told = true;
		x->after = first;
		first = x;
	}
	for (; first != NULL; first = first->after)
		tell_held(l, first);
}

static void
tell_version(void *arg, void *owner)
{
	struct load *l = arg;
	struct version *v = owner;
	struct segment *s;

	if (l->p->instance != 0 && v->s.place != 0) {
		tell_moved(l, &v->s);
		return;
	}
	/* after a crash of one process its parent may be anywhere */
	if (l->p->instance != 0 || table_get(&l->live, v->s.parent) != NULL) {
		l->ops->version(l->arg, &v->s);
		return;
	}
	s = segment_of(l, place_of(&v->s));
	s->records--;
	q_places_add(&s->done, place_of(&v->s));
}

static void
tell_rest(struct load *l)
{
	for (struct held *x = l->held; x != NULL; x = x->next)
		tell_held_in_order(l, x);
	table_each(&l->versions, tell_version, l);
	for (const struct segment *s = l->segments; s != NULL; s = s->next) {
		struct q_segment_news news = {
		    .number = s->number,
		    .records = s->records,
		    .size = s->size,
		    .end = s->end,
		    .v = s->done.v,
		    .n = s->done.n,
		    .moved = s->moved.v,
		    .n_moved = s->moved.n,
		    .all = s->all.v,
		    .n_all = s->all.n,
		};

		l->ops->segment(l->arg, &news);
	}
}

static void
check_seen(void *arg, void *owner)
{
	struct load *l = arg;
	const struct q_replayed *m = owner;
	char text[Q_ID_TEXT];

	/* a place that a copy stands for need not be there */
	if (m->finished || m->seen || m->n == 0)
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

static void
load_free(struct load *l)
{
	struct held *x;
	struct segment *s;

	while ((x = l->held) != NULL) {
		l->held = x->next;
		table_remove(&l->held_by_id, &x->node);
		buf_free(&x->summary);
		free(x);
	}
	while ((s = l->segments) != NULL) {
		l->segments = s->next;
		q_places_free(&s->done);
		q_places_free(&s->moved);
		q_places_free(&s->all);
		free(s);
	}
	table_each(&l->versions, free_owner, NULL);
	table_each(&l->live, free_owner, NULL);
	table_each(&l->contents, free_owner, NULL);
	table_each(&l->facts, free_facts, NULL);
	table_free(&l->facts);
	table_free(&l->held_by_id);
	table_free(&l->versions);
	table_free(&l->live);
	table_free(&l->contents);
	q_replay_free(&l->replay);
	arena_free(&l->arena);
}

int
q_load(const struct q_load_params *p, const struct q_load_ops *ops, void *arg,
    struct q_load_result *result, struct err *e)
{
	struct load l = {
	    .p = p, .ops = ops, .arg = arg, .result = result, .e = e};
	bool all = p->instance == 0;
	int rc = 0;

	*result = (struct q_load_result){0};
	l.arena = arena_new();
	if (all)
		rc = read_journals(&l, e);
	if (rc == 0)
		rc = read_segments(&l, e);
	if (rc == 0)
		tell_rest(&l);
	if (rc == 0)
		rc = l.unread;
	if (all && rc == 0) {
		table_each(&l.replay.messages, check_seen, &l);
		if (!l.uncopied)
			rc = remove_orphans(&l, e);
	}
	load_free(&l);
	return rc;
}
