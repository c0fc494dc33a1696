/*
 * Policies that are in force, sorted by domain; and their file, one line a
 * policy: domain, id, when it was fetched, max_age, mode, and the mx names.
 * The file is replaced whole: a reader sees the old one or the new one. What
 * it holds is checked like what came from the network.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "smtp/mta_sts.h"

#define HEAD "isthmus mta-sts 1\n"
#define FILE_MAX (64u * 1024 * 1024)

struct mta_sts_cache {
	char *path;
	struct mta_sts_entry *v;
	size_t n, cap;
};

/* Where it is, or would have to be. */
static size_t
place(const struct mta_sts_cache *c, const char *domain, bool *found)
{
	size_t lo = 0, hi = c->n;

	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(c->v[mid].domain, domain);

		if (d == 0) {
			*found = true;
			return mid;
		}
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
remove_at(struct mta_sts_cache *c, size_t i)
{
	free(c->v[i].domain);
	arena_free(&c->v[i].arena);
	c->n--;
	memmove(&c->v[i], &c->v[i + 1], (c->n - i) * sizeof(*c->v));
}

static void
make_room(struct mta_sts_cache *c)
{
	size_t first = 0;

	if (c->n >= MTA_STS_CACHE_MAX) {
		for (size_t i = 1; i < c->n; i++)
			if (c->v[i].expires < c->v[first].expires)
				first = i;
		remove_at(c, first);
	}
	if (c->n == c->cap) {
		c->cap = c->cap > 0 ? c->cap * 2 : 16;
		c->v = xrealloc(c->v, c->cap * sizeof(*c->v));
	}
}

static void
copy_policy(struct arena *a, struct mta_sts_policy *to,
    const struct mta_sts_policy *from)
{
	*to = *from;
	to->mx = arena_alloc(a, from->n_mx * sizeof(*to->mx));
	for (size_t i = 0; i < from->n_mx; i++)
		to->mx[i] = arena_strdup(a, from->mx[i]);
}

static void
put(struct mta_sts_cache *c, const char *domain, const char *id,
    const struct mta_sts_policy *policy, int64_t fetched)
{
	struct mta_sts_entry e = {
	    .domain = xstrdup(domain),
	    .fetched = fetched,
	    .expires = fetched + policy->max_age,
	    .arena = arena_new(),
	};
	bool found;
	size_t i = place(c, domain, &found);

	snprintf(e.id, sizeof(e.id), "%s", id);
	copy_policy(e.arena, &e.policy, policy);
	if (found)
		remove_at(c, i);
	make_room(c);
	i = place(c, domain, &found);
	memmove(&c->v[i + 1], &c->v[i], (c->n - i) * sizeof(*c->v));
	c->v[i] = e;
	c->n++;
}

/* --- the file --- */

static void
write_entry(struct buf *b, const struct mta_sts_entry *e)
{
	buf_printf(b, "%s %s %" PRId64 " %" PRIu32 " %s", e->domain, e->id,
	    e->fetched, e->policy.max_age, mta_sts_mode_name(e->policy.mode));
	for (size_t i = 0; i < e->policy.n_mx; i++)
		buf_printf(b, " %s", e->policy.mx[i]);
	buf_putc(b, '\n');
}

static int
write_all(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(fd, b->data + at, b->len - at);

		if (n < 0 && errno != EINTR)
			return -1;
		at += n > 0 ? (size_t)n : 0;
	}
	return fdatasync(fd);
}

/* Processes share the file: each writes under a name of its own. */
static int
save(struct mta_sts_cache *c, struct err *e)
{
	char *temporary;
	struct buf b = {0};
	int fd, rc = 0;

	if (c->path == NULL)
		return 0;
	if (asprintf(&temporary, "%s.%ld", c->path, (long)getpid()) < 0)
		return err_set(e, "mta-sts", ERR_MEMORY, "no memory");
	buf_puts(&b, HEAD);
	for (size_t i = 0; i < c->n; i++)
		write_entry(&b, &c->v[i]);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0 || write_all(fd, &b) < 0 || rename(temporary, c->path) < 0) {
		rc = err_sys(e, "mta-sts", "%s", temporary);
		unlink(temporary);
	}
	if (fd >= 0)
		close(fd);
	buf_free(&b);
	free(temporary);
	return rc;
}

/* Into the form of a policy file, which has a parser. */
static int
read_policy(struct arena *a, const char *max_age, const char *mode, char *mx,
    struct mta_sts_policy *out, struct err *e)
{
	struct buf b = {0};
	int rc;

	buf_printf(
	    &b, "version: STSv1\nmode: %s\nmax_age: %s\n", mode, max_age);
	for (char *next; mx != NULL; mx = next) {
		next = strchr(mx, ' ');
		if (next != NULL)
			*next++ = '\0';
		buf_printf(&b, "mx: %s\n", mx);
	}
	rc = mta_sts_policy_parse(a, (char *)b.data, b.len, out, e);
	buf_free(&b);
	return rc;
}

static int
bad_line(struct err *e, const char *why)
{
	return err_set(
	    e, "mta-sts", ERR_SYNTAX, "a line of the cache: %s", why);
}

static int
read_line(struct mta_sts_cache *c, char *line, int64_t now, struct err *e)
{
	char *field[6] = {line}, *end, domain[DNS_HOST_MAX + 1];
	struct mta_sts_policy policy;
	struct arena *a;
	int64_t fetched;
	size_t n = 1;
	int rc;

	while (n < 6 && (field[n] = strchr(field[n - 1], ' ')) != NULL)
		*field[n++]++ = '\0';
	if (n < 5)
		return bad_line(e, "fields are missing");
	if (dns_name_ascii(field[0], domain, e) < 0)
		return ERR_SYNTAX;
	errno = 0;
	fetched = strtoll(field[2], &end, 10);
	if (errno != 0 || *end != '\0' || fetched < 0 || fetched > now)
		return bad_line(e, "it is of no time in the past");
	if (strlen(field[1]) > MTA_STS_ID_MAX)
		return bad_line(e, "the id is too long");
	a = arena_new();
	rc = read_policy(a, field[3], field[4], field[5], &policy, e);
	if (rc == 0 && fetched + policy.max_age > now)
		put(c, domain, field[1], &policy, fetched);
	arena_free(&a);
	return rc;
}

static void
read_lines(struct mta_sts_cache *c, char *text, int64_t now, struct err *e)
{
	char *next;

	if (strncmp(text, HEAD, strlen(HEAD)) != 0) {
		err_set(
		    e, "mta-sts", ERR_SYNTAX, "%s is no such cache", c->path);
		return;
	}
	for (text += strlen(HEAD); *text != '\0'; text = next) {
		next = strchr(text, '\n');
		if (next == NULL) {
			bad_line(e, "it ends in the middle");
			return;
		}
		*next++ = '\0';
		read_line(c, text, now, e);
	}
}

static void
load(struct mta_sts_cache *c, int64_t now, struct err *e)
{
	int fd = open(c->path, O_RDONLY | O_CLOEXEC);
	struct buf b = {0};
	ssize_t n;

	if (fd < 0) {
		if (errno != ENOENT)
			err_sys(e, "mta-sts", "%s", c->path);
		return;
	}
	while ((n = read(fd, buf_reserve(&b, 65536), 65536)) > 0 &&
	    b.len < FILE_MAX)
		buf_grow(&b, (size_t)n);
	if (n < 0)
		err_sys(e, "mta-sts", "%s", c->path);
	close(fd);
	read_lines(c, buf_cstr(&b), now, e);
	buf_free(&b);
}

/* --- for others --- */

struct mta_sts_cache *
mta_sts_cache_open(const char *path, int64_t now, struct err *e)
{
	struct mta_sts_cache *c = xcalloc(1, sizeof(*c));

	if (path != NULL) {
		c->path = xstrdup(path);
		load(c, now, e);
	}
	return c;
}

void
mta_sts_cache_close(struct mta_sts_cache **cp)
{
	struct mta_sts_cache *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	while (c->n > 0)
		remove_at(c, c->n - 1);
	free(c->v);
	free(c->path);
	free(c);
}

const struct mta_sts_entry *
mta_sts_cache_get(struct mta_sts_cache *c, const char *domain, int64_t now)
{
	bool found;
	size_t i = place(c, domain, &found);

	if (!found)
		return NULL;
	if (c->v[i].expires > now)
		return &c->v[i];
	remove_at(c, i);
	return NULL;
}

int
mta_sts_cache_put(struct mta_sts_cache *c, const char *domain, const char *id,
    const struct mta_sts_policy *policy, int64_t now, struct err *e)
{
	put(c, domain, id, policy, now);
	return save(c, e);
}
