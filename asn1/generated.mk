# Compiles what asn1c generated (called by asn1c.mk).
GEN_SRCS := $(wildcard $(ASN1_DIR)/*.c)
GEN_OBJS := $(GEN_SRCS:$(ASN1_DIR)/%.c=$(OBJ_DIR)/%.o)

$(LIB): $(GEN_OBJS)
	@rm -f $@
	@ar rcs $@ $(GEN_OBJS)

$(OBJ_DIR)/%.o: $(ASN1_DIR)/%.c
	@mkdir -p $(@D)
	@$(CC) $(ASN1_CFLAGS) -I$(ASN1_DIR) -c $< -o $@
