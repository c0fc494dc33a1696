/*
 * The tree: looking things up in it, reading typed attributes, and packing it
 * for another process.
 *
 * Packed, a node is: name, text, file (each: length in two or four octets,
 * then octets), line (4), number of attributes (2), each name and value,
 * number of children (4), each a node. In front of all: "CONF1".
 */
#include "lib/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define MAGIC "CONF1"
#define MAGIC_N 5
#define DEPTH_MAX 64

/* Where the search goes on after a child. */
static size_t
place_after(const struct conf_node *n, const struct conf_node *after)
{
	if (after == NULL)
		return 0;
	if (after->index < n->n_children && n->children[after->index] == after)
		return after->index + 1;
	/* a tree made by hand, without the hint */
	for (size_t i = 0; i < n->n_children; i++)
		if (n->children[i] == after)
			return i + 1;
	return n->n_children;
}

const struct conf_node *
conf_next(
    const struct conf_node *n, const char *name, const struct conf_node *after)
{
	if (n == NULL)
		return NULL;
	for (size_t i = place_after(n, after); i < n->n_children; i++)
		if (strcmp(n->children[i]->name, name) == 0)
			return n->children[i];
	return NULL;
}

const struct conf_node *
conf_child(const struct conf_node *n, const char *name)
{
	return conf_next(n, name, NULL);
}

const char *
conf_str(const struct conf_node *n, const char *attr, const char *dflt)
{
	for (size_t i = 0; n != NULL && i < n->n_attrs; i++)
		if (strcmp(n->attrs[i].name, attr) == 0)
			return n->attrs[i].value;
	return dflt;
}

int
conf_error(const struct conf_node *n, struct err *e, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, "conf", ERR_CONFIG, "%s:%u: <%s> %s", n->file,
	    n->line, n->name, text);
}

/* Decimal digits only; at most what an int64_t holds. Returns the first
 * character after them, or NULL. */
static const char *
digits(const char *s, int64_t *out)
{
	int64_t v = 0;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *s - '0', &v))
			return NULL;
	*out = v;
	return s;
}

int
conf_int(const struct conf_node *n, const char *attr, int64_t dflt, int64_t min,
    int64_t max, int64_t *out, struct err *e)
{
	const char *s = conf_str(n, attr, NULL), *end;
	bool negative;
	int64_t v;

	*out = dflt;
	if (s == NULL)
		return 0;
	negative = *s == '-';
	end = digits(s + negative, &v);
	if (end == NULL || *end != '\0')
		return conf_error(n, e, "%s=\"%s\" is not a number", attr, s);
	v = negative ? -v : v;
	if (v < min || v > max)
		return conf_error(n, e, "%s=\"%s\" is not from %lld to %lld",
		    attr, s, (long long)min, (long long)max);
	*out = v;
	return 0;
}

int
conf_bool(const struct conf_node *n, const char *attr, bool dflt, bool *out,
    struct err *e)
{
	const char *s = conf_str(n, attr, NULL);

	*out = dflt;
	if (s == NULL)
		return 0;
	if (strcmp(s, "yes") == 0 || strcmp(s, "true") == 0)
		*out = true;
	else if (strcmp(s, "no") == 0 || strcmp(s, "false") == 0)
		*out = false;
	else
		return conf_error(
		    n, e, "%s=\"%s\" is neither yes nor no", attr, s);
	return 0;
}

struct unit {
	const char *name;
	int64_t factor;
};

static int
scaled(const struct conf_node *n, const char *attr, int64_t dflt,
    const struct unit *units, const char *what, int64_t *out, struct err *e)
{
	const char *s = conf_str(n, attr, NULL), *end;
	int64_t v;

	*out = dflt;
	if (s == NULL)
		return 0;
	end = digits(s, &v);
	if (end == NULL)
		return conf_error(n, e, "%s=\"%s\" is not %s", attr, s, what);
	for (; units->name != NULL; units++) {
		if (strcmp(end, units->name) != 0)
			continue;
		if (__builtin_mul_overflow(v, units->factor, out) ||
		    *out > INT64_MAX / 2)
			break;
		return 0;
	}
	*out = dflt;
	return conf_error(n, e, "%s=\"%s\" is %s", attr, s,
	    units->name == NULL ? what : "too much");
}

int
conf_duration(const struct conf_node *n, const char *attr, int64_t dflt_ms,
    int64_t *out_ms, struct err *e)
{
	static const struct unit units[] = {
	    {"", 1000},
	    {"ms", 1},
	    {"s", 1000},
	    {"m", 60 * 1000},
	    {"h", 3600 * 1000},
	    {"d", 86400 * 1000},
	    {NULL, 0},
	};

	return scaled(n, attr, dflt_ms, units,
	    "not a duration like 90s, 5m, 2h or 3d", out_ms, e);
}

int
conf_size(const struct conf_node *n, const char *attr, int64_t dflt,
    int64_t *out, struct err *e)
{
	static const struct unit units[] = {
	    {"", 1},
	    {"KiB", 1 << 10},
	    {"MiB", 1 << 20},
	    {"GiB", 1 << 30},
	    {NULL, 0},
	};

	return scaled(n, attr, dflt, units,
	    "not a size like 4096, 16KiB, 16MiB or 2GiB", out, e);
}

/* --- packing --- */

static void
pack_short(struct buf *out, const char *s)
{
	size_t n = strlen(s);

	INVARIANT(n <= UINT16_MAX);
	buf_put_u16(out, (uint16_t)n);
	buf_append(out, s, n);
}

static void
pack_long(struct buf *out, const char *s)
{
	size_t n = strlen(s);

	INVARIANT(n <= UINT32_MAX);
	buf_put_u32(out, (uint32_t)n);
	buf_append(out, s, n);
}

static void
pack_node(const struct conf_node *n, struct buf *out)
{
	pack_short(out, n->name);
	pack_long(out, n->text);
	pack_short(out, n->file);
	buf_put_u32(out, n->line);
	INVARIANT(n->n_attrs <= UINT16_MAX && n->n_children <= UINT32_MAX);
	buf_put_u16(out, (uint16_t)n->n_attrs);
	for (size_t i = 0; i < n->n_attrs; i++) {
		pack_short(out, n->attrs[i].name);
		pack_long(out, n->attrs[i].value);
	}
	buf_put_u32(out, (uint32_t)n->n_children);
	for (size_t i = 0; i < n->n_children; i++)
		pack_node(n->children[i], out);
}

void
conf_pack(const struct conf_node *n, struct buf *out)
{
	buf_append(out, MAGIC, MAGIC_N);
	pack_node(n, out);
}

struct unpacker {
	struct arena *a;
	const uint8_t *p;
	size_t n, at;
	struct err *e;
};

static int
broken(struct unpacker *u, const char *why)
{
	return err_at(
	    u->e, "conf", ERR_SYNTAX, u->at, "packed configuration: %s", why);
}

static int
unpack_number(struct unpacker *u, size_t octets, uint32_t *out)
{
	*out = 0;
	if (u->n - u->at < octets)
		return broken(u, "too short");
	for (; octets > 0; octets--)
		*out = *out << 8 | u->p[u->at++];
	return 0;
}

/* A text whose length has that many octets. */
static int
unpack_text(struct unpacker *u, size_t octets, const char **out)
{
	uint32_t n;

	if (unpack_number(u, octets, &n) < 0)
		return ERR_SYNTAX;
	if (n > u->n - u->at)
		return broken(u, "a text is longer than the rest");
	if (memchr(u->p + u->at, 0, n) != NULL)
		return broken(u, "NUL in a text");
	*out = arena_strndup(u->a, (const char *)u->p + u->at, n);
	u->at += n;
	return 0;
}

static int
unpack_attrs(struct unpacker *u, struct conf_node *n)
{
	struct conf_attr *attr;
	uint32_t count;

	if (unpack_number(u, 2, &count) < 0)
		return ERR_SYNTAX;
	/* memory grows with what is there, not with what is announced */
	for (; count > 0; count--) {
		attr =
		    arena_push(u->a, &n->attrs, &n->n_attrs, sizeof(*n->attrs));
		if (unpack_text(u, 2, &attr->name) < 0 ||
		    unpack_text(u, 4, &attr->value) < 0)
			return ERR_SYNTAX;
	}
	return 0;
}

static int unpack_children(struct unpacker *u, struct conf_node *n, int depth);

static struct conf_node *
unpack_node(struct unpacker *u, const struct conf_node *parent, int depth)
{
	struct conf_node *n = ARENA_NEW(u->a, struct conf_node);
	uint32_t line;

	if (depth > DEPTH_MAX) {
		broken(u, "nested too deep");
		return NULL;
	}
	if (unpack_text(u, 2, &n->name) < 0 ||
	    unpack_text(u, 4, &n->text) < 0 ||
	    unpack_text(u, 2, &n->file) < 0 || unpack_number(u, 4, &line) < 0)
		return NULL;
	n->line = line;
	if (parent != NULL && strcmp(parent->file, n->file) == 0)
		n->file = parent->file;
	if (unpack_attrs(u, n) < 0 || unpack_children(u, n, depth) < 0)
		return NULL;
	return n;
}

static int
unpack_children(struct unpacker *u, struct conf_node *n, int depth)
{
	struct conf_node *child, **slot;
	uint32_t count;

	if (unpack_number(u, 4, &count) < 0)
		return ERR_SYNTAX;
	for (; count > 0; count--) {
		child = unpack_node(u, n, depth + 1);
		if (child == NULL)
			return ERR_SYNTAX;
		slot = arena_push(
		    u->a, &n->children, &n->n_children, sizeof(*n->children));
		child->index = n->n_children - 1;
		*slot = child;
	}
	return 0;
}

struct conf_node *
conf_unpack(struct arena *a, const uint8_t *p, size_t n, struct err *e)
{
	struct unpacker u = {.a = a, .p = p, .n = n, .e = e};
	struct conf_node *root;

	if (n < MAGIC_N || memcmp(p, MAGIC, MAGIC_N) != 0) {
		broken(&u, "no \"" MAGIC "\" in front");
		return NULL;
	}
	u.at = MAGIC_N;
	root = unpack_node(&u, NULL, 0);
	if (root != NULL && u.at != n) {
		broken(&u, "octets after its end");
		return NULL;
	}
	return root;
}
