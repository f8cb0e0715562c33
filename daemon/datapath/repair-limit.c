#include "daemon/datapath/repair-limit.h"

bool repair_limit_allows(const struct repair_limit *limit, nsec_t now)
{
	return !limit->slowed || nsec_since(limit->last, now) >= REPAIR_LIMIT_PAUSE;
}

bool repair_limit_note(struct repair_limit *limit, nsec_t now)
{
	if (limit->n == 0 || nsec_since(limit->window_start, now) > REPAIR_LIMIT_WINDOW) {
		limit->window_start = now;
		limit->n = 0;
	}
	limit->n++;
	limit->last = now;
	if (limit->slowed || limit->n < REPAIR_LIMIT_REPAIRS)
		return false;
	limit->slowed = true;
	return true;
}

bool repair_limit_peace(struct repair_limit *limit, nsec_t now)
{
	if (!limit->slowed || nsec_since(limit->last, now) < REPAIR_LIMIT_PEACE)
		return false;
	*limit = (struct repair_limit){};
	return true;
}
