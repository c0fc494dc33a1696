#include "lib/paths.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Drops the end of a path when it is that one. */
static bool
drop(char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	if (n < m || strcmp(path + n - m, end) != 0)
		return false;
	path[n - m] = '\0';
	return true;
}

/* What bin/ and libexec/ lie in, of the program that runs now. */
static const char *
root(struct arena *a)
{
	char exe[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		return ISTHMUS_PREFIX;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash == NULL)
		return ISTHMUS_PREFIX;
	*slash = '\0';
	if (drop(exe, "/libexec/isthmus") || drop(exe, "/bin"))
		return arena_strdup(a, exe);
	return ISTHMUS_PREFIX;
}

const char *
paths_libexec(struct arena *a, const char *name)
{
	const char *own =
	    arena_printf(a, "%s/libexec/isthmus/%s", root(a), name);

	if (access(own, X_OK) == 0)
		return own;
	return arena_printf(a, "%s/libexec/isthmus/%s", ISTHMUS_PREFIX, name);
}

static const char *
schema(struct arena *a, const char *name)
{
	/* installed; in build/; in build/variant-.../ */
	static const char *const places[] = {
	    "/share/isthmus", "/../conf", "/../../conf"};
	const char *r = root(a), *path;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		path = arena_printf(a, "%s%s/%s", r, places[i], name);
		if (access(path, R_OK) == 0)
			return path;
	}
	return arena_printf(a, "%s/share/isthmus/%s", ISTHMUS_PREFIX, name);
}

const char *
paths_schema(struct arena *a)
{
	return schema(a, "isthmus.rng");
}

const char *
paths_identity_schema(struct arena *a)
{
	return schema(a, "identities.rng");
}

const char *
paths_config(struct arena *a)
{
	const char *own =
	    arena_printf(a, "%s/etc/isthmus/isthmus.xml", root(a));

	if (access(own, R_OK) == 0)
		return own;
	return ISTHMUS_SYSCONFDIR "/isthmus.xml";
}
