#include "daemon/datapath/claim-facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The path of one of the device's files; false if it is too long to be one. */
static bool path_of(const char *root, const char *name, const char *file,
		    char path[static PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s/%s", root, name, file) < PATH_MAX;
}

static bool exists(const char *root, const char *name, const char *file)
{
	char path[PATH_MAX];

	return path_of(root, name, file, path) && access(path, F_OK) == 0;
}

/* Where a link leads, "" if nowhere. */
static void follow(const char *root, const char *name, const char *file,
		   char target[static PATH_MAX])
{
	char path[PATH_MAX];

	if (!path_of(root, name, file, path) || !realpath(path, target))
		target[0] = '\0';
}

static int read_number(const char *root, const char *name, const char *file)
{
	char path[PATH_MAX];
	FILE *in = path_of(root, name, file, path) ? fopen(path, "re") : NULL;
	int number = 0;

	if (!in)
		return 0;
	if (fscanf(in, "%d", &number) != 1)
		number = 0;
	(void)fclose(in);
	return number;
}

void claim_facts_read(const char *root, const char *name, int ifindex, struct claim_facts *ret)
{
	ret->wireless = false;
	ret->hardware[0] = '\0';
	ret->parent[0] = '\0';
	if (read_number(root, name, "ifindex") != ifindex)
		return;
	ret->wireless = exists(root, name, "wireless") || exists(root, name, "phy80211");
	follow(root, name, "device", ret->hardware);
	follow(root, name, "device/physfn", ret->parent);
}

bool claim_has_parts(const struct claim_facts *facts)
{
	return facts->hardware[0];
}

int claim_check_parts(const struct claim_facts *facts, const struct claim_facts *other,
		      const char *name, struct err *e)
{
	if (facts->parent[0] && strcmp(facts->parent, other->hardware) == 0)
		return err_set(e, -EBUSY,
			       "it is a virtual function of %s, which is a member: both are one "
			       "cable",
			       name);
	if (other->parent[0] && strcmp(other->parent, facts->hardware) == 0)
		return err_set(e, -EBUSY,
			       "%s is a virtual function of it, and a member: both are one cable",
			       name);
	return 0;
}
