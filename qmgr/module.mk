SRCS += \
	qmgr/chan.c \
	qmgr/channel.c \
	qmgr/compact.c \
	qmgr/compaction.c \
	qmgr/config.c \
	qmgr/config_lists.c \
	qmgr/content.c \
	qmgr/control.c \
	qmgr/control_client.c \
	qmgr/direct.c \
	qmgr/dispose.c \
	qmgr/files.c \
	qmgr/health.c \
	qmgr/heap.c \
	qmgr/io.c \
	qmgr/journal.c \
	qmgr/journal_entry.c \
	qmgr/level.c \
	qmgr/list.c \
	qmgr/load.c \
	qmgr/pipe.c \
	qmgr/process.c \
	qmgr/proto.c \
	qmgr/queue.c \
	qmgr/queue_journal.c \
	qmgr/queue_last.c \
	qmgr/queue_list.c \
	qmgr/queue_plan.c \
	qmgr/queue_result.c \
	qmgr/queue_segments.c \
	qmgr/queue_tune.c \
	qmgr/queue_warn.c \
	qmgr/record.c \
	qmgr/replay.c \
	qmgr/report.c \
	qmgr/route.c \
	qmgr/sched.c \
	qmgr/sched_process.c \
	qmgr/sockets.c \
	qmgr/spool.c \
	qmgr/spool_read.c \
	qmgr/submit.c \
	qmgr/summary.c \
	qmgr/table.c \
	qmgr/time.c \
	qmgr/tune.c \
	qmgr/verify.c \
	qmgr/wake.c \
	qmgr/wire.c \
	qmgr/writer.c

PROG_LIBEXEC += \
	compactor:qmgr/compactor.c \
	list:qmgr/list_main.c \
	loader:qmgr/loader.c \
	qmgr:qmgr/qmgr.c \
	report:qmgr/report_main.c
