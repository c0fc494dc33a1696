/*
 * A disk that stands still: loaded into a program (LD_PRELOAD), keeps each sync
 * of x400p1 waiting for as long as the file named by SLOW_WHILE exists.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
wait_and_sync(const char *name, int fd)
{
	int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	const char *file = getenv("SLOW_WHILE");

	if (strcmp(program_invocation_short_name, "x400p1") == 0)
		while (file != NULL && access(file, F_OK) == 0)
			usleep(50000);
	return sync(fd);
}

int
fdatasync(int fd)
{
	return wait_and_sync("fdatasync", fd);
}

int
fsync(int fd)
{
	return wait_and_sync("fsync", fd);
}
