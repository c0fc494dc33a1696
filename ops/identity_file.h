/*
 * An identity table as a document that is changed: what is not changed, with
 * its comments, stays as it was. Saving is atomic, and only of what the schema
 * and identity_table_load() accept; two programs that change the same file do
 * so one after the other.
 */
#ifndef OPS_IDENTITY_FILE_H
#define OPS_IDENTITY_FILE_H

#include <stdio.h>

#include <libxml/tree.h>

#include "lib/err.h"

struct identity_file;

/* `path` NULL: one that is in no file. A file that is not there is empty. It is
 * locked until the close. */
struct identity_file *identity_file_open(
    const char *path, const char *schema, struct err *e);
void identity_file_close(struct identity_file **f);
/* Checks it by `schema`, and puts it in the place of the old one. */
int identity_file_save(
    struct identity_file *f, const char *schema, struct err *e);
/* The user's element only. */
void identity_file_print(
    const struct identity_file *f, const char *name, FILE *out);

xmlNode *identity_file_user(const struct identity_file *f, const char *name);
xmlNode *identity_file_new_user(struct identity_file *f, const char *name);
void identity_file_remove(xmlNode *user);
/* A new child at the end; all children of that name. */
xmlNode *identity_file_add(xmlNode *user, const char *element);
void identity_file_drop(xmlNode *user, const char *element);

#endif
