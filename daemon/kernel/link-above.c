#include "daemon/kernel/link-above.h"

#include <string.h>

struct search {
	struct link_above *found;
	size_t n, room;
	size_t next; /* What stands on this one is looked for. */
};

static void note(struct search *search, const struct link *link, uint16_t vlan)
{
	for (size_t i = 0; i < search->n; i++)
		if (search->found[i].link == link)
			return;
	if (search->n < search->room)
		search->found[search->n++] = (struct link_above){ link, vlan };
}

static bool shares_its_lower(const struct link *link)
{
	return strcmp(link->kind, "macvlan") == 0 || strcmp(link->kind, "ipvlan") == 0;
}

static bool note_above(void *userdata, const struct link *link)
{
	struct search *search = userdata;
	const struct link_above *below = &search->found[search->next];

	if (below->link->master == link->ifindex && strcmp(link->kind, "bridge") == 0)
		note(search, link, below->vlan);
	if (link->lower != below->link->ifindex)
		return true;
	if (link->vlan && !below->vlan)
		note(search, link, link->vlan);
	else if (shares_its_lower(link))
		note(search, link, below->vlan);
	return true;
}

size_t link_above(const struct link_table *table, int ifindex, struct link_above *ret, size_t n)
{
	const struct link *link = link_table_by_index(table, ifindex);
	struct search search = { .found = ret, .room = n };

	if (link)
		note(&search, link, 0);
	for (; search.next < search.n; search.next++)
		link_table_each(table, note_above, &search);
	return search.n;
}
