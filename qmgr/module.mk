SRCS += \
	qmgr/chan.c \
	qmgr/config.c \
	qmgr/content.c \
	qmgr/heap.c \
	qmgr/journal.c \
	qmgr/journal_entry.c \
	qmgr/pipe.c \
	qmgr/proto.c \
	qmgr/record.c \
	qmgr/report.c \
	qmgr/route.c \
	qmgr/sched.c \
	qmgr/spool.c \
	qmgr/spool_read.c \
	qmgr/submit.c \
	qmgr/summary.c \
	qmgr/table.c \
	qmgr/wire.c \
	qmgr/writer.c

PROG_LIBEXEC += \
	report:qmgr/report_main.c
