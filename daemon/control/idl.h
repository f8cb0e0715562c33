/* The texts of the .varlink files beside this, made into C by embed.py. */
#pragma once

extern const char idl_org_varlink_service[];
extern const char idl_org_yoke[];
extern const char idl_org_yoke_Host[];
extern const char idl_org_yoke_Lacp[];
extern const char idl_org_yoke_Team[];
