/*
 * Configuration: an XML file, validated against conf/isthmus.rng, as a tree
 * of plain nodes that remember file and line.
 *
 * Only qmgr (and `isthmus check`) parse the configuration's XML. Every other
 * process gets its part of the tree packed over the channel protocol. Rooms read their part with
 * the typed getters below; each getter that finds a bad value says which
 * file, line, element and attribute.
 */
#ifndef LIB_CONF_H
#define LIB_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"

struct conf_attr {
	const char *name, *value; /* UTF-8 */
};

struct conf_node {
	const char *name; /* element name */
	const char *text; /* character data directly inside, trimmed, or "" */
	const char *file;
	unsigned line;
	struct conf_attr *attrs;
	size_t n_attrs;
	struct conf_node **children;
	size_t n_children;
	size_t index; /* in the parent's children; a hint for conf_next() */
};

/* Called for each thing wrong with a configuration; there may be many. */
typedef void conf_complain_fn(
    void *arg, const char *file, unsigned line, const char *text);

/* Reads `path`, processes XInclude (relative to the including file, local
 * files only, no network, no document types and so no entities), validates against the RELAX
 * NG schema at `schema`. Returns the root in `a`, or NULL with `e` set after
 * all complaints were made. */
struct conf_node *conf_load(struct arena *a, const char *path,
    const char *schema, conf_complain_fn *complain, void *arg, struct err *e);

/* Tree as octets and back, for the way to a child process. */
void conf_pack(const struct conf_node *n, struct buf *out);
struct conf_node *conf_unpack(
    struct arena *a, const uint8_t *p, size_t n, struct err *e);

/* The first child of that name, or NULL; the next one after `after`. */
const struct conf_node *conf_child(const struct conf_node *n, const char *name);
const struct conf_node *conf_next(
    const struct conf_node *n, const char *name, const struct conf_node *after);

/* NULL (or the default) when the attribute is absent. */
const char *conf_str(
    const struct conf_node *n, const char *attr, const char *dflt);
/* Typed: 0, or ERR_CONFIG with "FILE:LINE: <element> attribute: ..." in `e`.
 * `*out` is set to the default when absent. Out of [min,max] is an error. */
int conf_int(const struct conf_node *n, const char *attr, int64_t dflt,
    int64_t min, int64_t max, int64_t *out, struct err *e);
int conf_bool(const struct conf_node *n, const char *attr, bool dflt, bool *out,
    struct err *e);
/* "500ms", "90s", "5m", "2h", "3d" or plain seconds; in milliseconds. */
int conf_duration(const struct conf_node *n, const char *attr, int64_t dflt_ms,
    int64_t *out_ms, struct err *e);
/* "4096", "16KiB", "16MiB", "2GiB"; in octets. */
int conf_size(const struct conf_node *n, const char *attr, int64_t dflt,
    int64_t *out, struct err *e);
/* ERR_CONFIG with the node's file, line and name in front of the text. */
int conf_error(const struct conf_node *n, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
