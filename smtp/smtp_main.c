/*
 * NAME
 *	smtp - channel that sends mail to SMTP servers
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Gets work (recipients of one message at one peer), sends it over one of
 *	a pool of sessions with that peer, and answers with what became of each
 *	recipient. See smtp.8.
 * DIAGNOSTICS
 *	"relayed", "deferred", "failed" for each recipient; "peer unreachable"
 *	as a warning; "session ended" when a server broke one off.
 */
#include "smtp/channel.h"

int
main(int argc, char **argv)
{
	return smtp_channel_main(argc, argv, "smtp");
}
