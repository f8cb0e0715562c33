/* What is known of the way behind a member's link. */
#include "daemon/team/lifecycle.h"
#include "daemon/team/team-internal.h"

bool member_is_healthy(const struct member *member)
{
	return true;
}

void member_health_begin(struct member *member)
{
}

void member_health_end(struct member *member)
{
}

void member_health_link(struct member *member)
{
}

void member_health_tick(struct member *member, nsec_t now)
{
}

nsec_t member_health_deadline(const struct member *member)
{
	return NSEC_NEVER;
}

bool member_health_judge(const struct member *member, struct verdict *verdict)
{
	return false;
}

bool team_probe_frame(struct team *team, int ifindex, struct span frame)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].ifindex == ifindex)
			return true;
	return false;
}

bool team_member_errors(struct team *team, int ifindex, uint64_t errors)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].ifindex == ifindex)
			return true;
	return false;
}
