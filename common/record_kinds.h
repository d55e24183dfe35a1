/* Kind and value names of each type that the .def files use. For what expands them. */
#ifndef WEIR_RECORD_KINDS_H
#define WEIR_RECORD_KINDS_H

#include "record.h"

#define D_flag		 FT_FLAG, NULL
#define D_u8		 FT_U8, NULL
#define D_u16		 FT_U16, NULL
#define D_u32		 FT_U32, NULL
#define D_u64		 FT_U64, NULL
#define D_f64		 FT_F64, NULL
#define D_time		 FT_TIME, NULL
#define D_dur		 FT_DUR, NULL
#define D_addr		 FT_ADDR, NULL
#define D_mac		 FT_MAC, NULL
#define D_id		 FT_ID, NULL
#define D_str		 FT_STR, NULL
#define D_list		 FT_LIST, NULL
#define D_map		 FT_MAP, NULL
#define D_bin		 FT_BIN, NULL
#define D_proto		 FT_PROTO, NULL
#define D_tcpflags	 FT_TCPFLAGS, NULL
#define D_tunnel	 FT_ENUM, enum_tunnel
#define D_endreason	 FT_ENUM, enum_endreason
#define D_tcpstate	 FT_ENUM, enum_tcpstate
#define D_verdict	 FT_ENUM, enum_verdict
#define D_severity	 FT_ENUM, enum_severity
#define D_category	 FT_ENUM, enum_category
#define D_entity	 FT_ENUM, enum_entity
#define D_action	 FT_ENUM, enum_action
#define D_endcause	 FT_ENUM, enum_endcause
#define D_silstate	 FT_ENUM, enum_silstate
#define D_gapcause	 FT_ENUM, enum_gapcause
#define D_dstate	 FT_ENUM, enum_dstate
#define D_linkcode	 FT_ENUM, enum_linkcode

#define KIND_(kind, ...) kind
#define KIND__(...)	 KIND_(__VA_ARGS__)
/* enum ftype of a type. */
#define KIND(type)	 KIND__(D_##type)

#endif
