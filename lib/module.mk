SRCS += \
	lib/arena.c \
	lib/buf.c \
	lib/clock.c \
	lib/conf.c \
	lib/conf_explain.c \
	lib/conf_include.c \
	lib/conf_xml.c \
	lib/conn.c \
	lib/crc32c.c \
	lib/err.c \
	lib/listener.c \
	lib/log.c \
	lib/loop.c \
	lib/net.c \
	lib/paths.c

# where `make install` puts things
$(BUILD)/lib/paths.o: CFLAGS_ALL += -DISTHMUS_PREFIX='"$(PREFIX)"' \
	-DISTHMUS_SYSCONFDIR='"$(SYSCONFDIR)"'
