SRCS += \
	lib/arena.c \
	lib/buf.c \
	lib/clock.c \
	lib/conn.c \
	lib/err.c \
	lib/listener.c \
	lib/log.c \
	lib/loop.c \
	lib/net.c
