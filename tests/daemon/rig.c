#include "tests/daemon/rig.h"

#include "tests/unit/run.h"

struct fake_kernel kernel;
struct fake_world world;
int eno1, eno2;

void setup(void)
{
	fake_world_init(&world, &kernel);
	eno1 = fake_world_add_link(&world, "eno1", 10000);
	eno2 = fake_world_add_link(&world, "eno2", 10000);
}

void teardown(void)
{
	fake_world_fini(&world);
}

struct team *team0(void)
{
	return host_find_team(world.host, "team0");
}

struct team_view team_view(void)
{
	struct team_view view;

	team_get_view(team0(), &view);
	return view;
}

struct team_member_view member_view(const char *name)
{
	struct team_member_view view;
	int index = team_find_member(team0(), name);

	ck_assert_int_ge(index, 0);
	team_get_member_view(team0(), (unsigned)index, &view);
	return view;
}

struct fake_device *device(void)
{
	return fake_device_by_name(&kernel, "team0");
}

void expect_member(const char *name, enum team_member_state state, const char *reason)
{
	struct team_member_view view = member_view(name);

	ck_assert_str_eq(team_member_state_name(view.state), team_member_state_name(state));
	ck_assert_str_eq(view.reason, reason);
}

void expect_both_active(void)
{
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "ok");
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert_uint_eq((unsigned)__builtin_popcount(fake_device_fit(device())), 2);
}

void start(const char *config)
{
	fake_world_start(&world, config);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
}

void drain(const char *name, bool on)
{
	struct err e = {};
	int index = team_find_member(team0(), name);

	ck_assert_msg(team_drain(team0(), (unsigned)index, on, false, &e) == 0, "%s", e.text);
}
