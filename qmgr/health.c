#include "qmgr/health.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "lib/log.h"

#define TRY_AGAIN 1000 /* ms */

static void
enter_state(struct q_health *h, enum q_health_state state, const char *why)
{
	static const char *const names[] = {
	    [Q_HEALTH_OK] = "ok",
	    [Q_HEALTH_FULL] = "full",
	    [Q_HEALTH_READONLY] = "readonly",
	    [Q_HEALTH_ERROR] = "error",
	};

	if (h->state == state)
		return;
	h->state = state;
	log_event(state == Q_HEALTH_OK ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
	    "spool", "state", names[state], "reason", why, NULL);
}

static enum q_health_state
state_of(int error)
{
	if (error == ENOSPC || error == EDQUOT)
		return Q_HEALTH_FULL;
	return error == EROFS ? Q_HEALTH_READONLY : Q_HEALTH_ERROR;
}

void
q_health_failed(struct q_health *h, const struct err *e)
{
	h->failed = true;
	h->tried = clock_mono();
	enter_state(h, state_of(e->detail), e->text);
}

void
q_health_good(struct q_health *h)
{
	h->failed = false;
	/* that a write passed does not mean that there is room for more */
	if (h->state == Q_HEALTH_ERROR || h->state == Q_HEALTH_READONLY)
		enter_state(h, Q_HEALTH_OK, "a write was good");
}

/* Some more is asked for once it was too little, so that the state does not
 * change with each message. */
static uint64_t
mark(const struct q_health *h, uint64_t low_water)
{
	if (h->state != Q_HEALTH_FULL || low_water > UINT64_MAX / 2)
		return low_water;
	return low_water + low_water / 8;
}

static int
refused(struct q_health *h, enum q_health_state state, const char *why,
    struct err *e)
{
	enter_state(h, state, why);
	return err_set(e, "spool", ERR_TEMPORARY, "%s", why);
}

int
q_health_room(struct q_health *h, const char *directory, uint64_t low_water,
    const struct q_io *io, struct err *e)
{
	msec_t now = clock_mono();
	struct statvfs v;

	if (io->statvfs(directory, &v) != 0) {
		err_sys(e, "spool", "%s", directory);
		return refused(h, Q_HEALTH_ERROR, "cannot be looked at", e);
	}
	if (v.f_flag & ST_RDONLY)
		return refused(h, Q_HEALTH_READONLY, "read-only", e);
	if ((uint64_t)v.f_bavail * v.f_frsize < mark(h, low_water))
		return refused(h, Q_HEALTH_FULL, "no room in the spool", e);
	if (!h->failed) {
		enter_state(h, Q_HEALTH_OK, "there is room");
		return 0;
	}
	if (now - h->tried < TRY_AGAIN)
		return err_set(
		    e, "spool", ERR_TEMPORARY, "a write failed a moment ago");
	h->tried = now;
	return 0;
}
