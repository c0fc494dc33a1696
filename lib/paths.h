/*
 * Where Isthmus' own files are: programs below libexec/isthmus, and the schema
 * of the configuration. First relative to the running program (an installed
 * tree may be anywhere, and so may a build tree), then where `make install`
 * would have put them.
 */
#ifndef LIB_PATHS_H
#define LIB_PATHS_H

#include "lib/arena.h"

/* The path of libexec/isthmus/NAME, whether it exists or not. */
const char *paths_libexec(struct arena *a, const char *name);
/* The path of isthmus.rng; of identities.rng. */
const char *paths_schema(struct arena *a);
const char *paths_identity_schema(struct arena *a);
/* Where the configuration is when nobody says: PREFIX/etc/isthmus. */
const char *paths_config(struct arena *a);

#endif
