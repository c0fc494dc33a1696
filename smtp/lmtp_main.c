/*
 * NAME
 *	lmtp - channel that delivers mail to LMTP servers
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Gets work (recipients of one message at one mailbox server), delivers
 *	it by LMTP (RFC 2033), and answers with what became of each recipient.
 *	See smtp.8.
 * DIAGNOSTICS
 *	"delivered", "deferred", "failed" for each recipient; "peer
 *	unreachable" as a warning.
 */
#include "smtp/channel.h"

int
main(int argc, char **argv)
{
	return smtp_channel_main(argc, argv, "lmtp");
}
