/*
 * The last good configuration: the tree that qmgr put in force, includes and
 * all, in SPOOL/run/configuration. When qmgr dies and the operator's file
 * cannot be used at that time, it goes on with this one. The same octets
 * carry a configuration to the next image of qmgr at SIGHUP, so that what was
 * checked is what is put in force.
 *
 * The file is a line that names the format, a CRC-32C of the rest, and the
 * packed tree (lib/conf.h). It has passwords in it: mode 0600. It is replaced as a
 * whole, and synced.
 */
#ifndef QMGR_KEPT_H
#define QMGR_KEPT_H

#include "lib/conf.h"

/* SPOOL/run/configuration */
const char *q_kept_path(struct arena *a, const char *spool);
/* 0; or ERR_SYSTEM: what was there before is there still. */
int q_kept_write(const char *path, const struct conf_node *root, struct err *e);
/* NULL: ERR_SYSTEM, ERR_SYNTAX (damaged), ERR_LIMIT. */
struct conf_node *q_kept_read(struct arena *a, const char *path, struct err *e);

/* In memory, for an image of this process to come: a descriptor that
 * stays open over exec, or an error. */
int q_kept_bequeath(const struct conf_node *root, struct err *e);
/* Closes fd. */
struct conf_node *q_kept_inherit(struct arena *a, int fd, struct err *e);

#endif
