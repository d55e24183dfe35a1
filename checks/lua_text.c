/* The part of the module that is written in Lua, put into the program as it is. */
#include "lua_priv.h"

#define TEXT(name)                                                                                            \
	__asm__(".pushsection .rodata\nlua_text_" #name ":\n.incbin \"checks/luart/" #name ".lua\"\n"         \
		"lua_text_end_" #name ":\n.byte 0\n.popsection\n");                                           \
	extern const char lua_text_##name[], lua_text_end_##name[];

TEXT(box)
TEXT(view)
TEXT(state)
TEXT(source)
TEXT(ntopng)
TEXT(boot)

#define ENTRY(name) { #name, lua_text_##name, lua_text_end_##name }

const struct lua_text lua_texts[] = { ENTRY(box),    ENTRY(view), ENTRY(state),       ENTRY(source),
				      ENTRY(ntopng), ENTRY(boot), { NULL, NULL, NULL } };
