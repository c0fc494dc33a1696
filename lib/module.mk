SRCS += \
	lib/arena.c \
	lib/buf.c \
	lib/clock.c \
	lib/err.c \
	lib/log.c
