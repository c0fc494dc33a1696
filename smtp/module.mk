SRCS += smtp/address.c smtp/reply.c smtp/server.c smtp/server_hello.c \
	smtp/server_mail.c smtp/server_data.c smtp/server_misc.c \
	smtp/client.c smtp/client_content.c smtp/client_result.c
