/* What is done to a device that becomes a member, and undone. */
#include "daemon/kernel/offload.h"
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/suite.h"

#include <errno.h>
#include <linux/if_link.h>

START_TEST(a_member_is_up_and_promiscuous_and_makes_no_addresses)
{
	struct datapath_member_spec spec;
	struct datapath_team *team;
	struct rtnl_device device;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
	spec = driver_cable(&lab, "m0", 100);
	driver_must(driver_add(&driver, team, 5, &spec, &e), &e);
	device = lab_device(lab.rtnl, "m0");
	ck_assert(device.up && device.promiscuous);
	ck_assert_int_eq(device.addr_gen_mode, IN6_ADDR_GEN_MODE_NONE);
	driver_assert_attached(&lab, 100);
	/* Once more is no error and no change. */
	driver_must(driver_add(&driver, team, 5, &spec, &e), &e);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_removed_member_is_as_it_was_found)
{
	struct datapath_team_spec large = driver_spec;
	struct datapath_member_spec specs[2];
	struct rtnl_device found[2];
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	large.mtu = 9000;
	driver_must(driver_open(&driver, &large, &team, NULL, &e), &e);
	specs[0] = driver_cable(&lab, "m0", 100);
	specs[1] = driver_cable(&lab, "m1", 101);
	driver_must(rtnl_set_up(lab.rtnl, 101, true, &e), &e);
	driver_must(rtnl_set_promiscuous(lab.rtnl, 101, true, &e), &e);
	driver_must(rtnl_set_mtu(lab.rtnl, 101, 4000, &e), &e);
	for (unsigned i = 0; i < 2; i++) {
		found[i] = lab_device(lab.rtnl, specs[i].name);
		driver_must(driver_add(&driver, team, i, &specs[i], &e), &e);
		ck_assert_uint_eq(lab_device(lab.rtnl, specs[i].name).mtu, 9000);
	}
	for (unsigned i = 0; i < 2; i++) {
		driver_must(driver_remove(&driver, team, i, &e), &e);
		driver_assert_as_found(&lab, &found[i]);
	}
	driver_must(driver_remove(&driver, team, 0, &e), &e);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_vanished_member_is_removed_without_error)
{
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, 2);
	driver_must(rtnl_delete_device(lab.rtnl, 100, &e), &e);
	driver_must(driver_remove(&driver, team, 0, &e), &e);
	ck_assert_uint_eq(team->ops->fit(team), 0x2);
	/* A device that comes back has another number, and the slot is free for it. */
	driver_must(driver_add(&driver, team, 0,
			       &(struct datapath_member_spec){
				       .name = "m0", .ifindex = lab_cable(&lab, "m0", 110) },
			       &e),
		    &e);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(an_address_on_a_member_stays_there)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_member_spec spec;
	char text[RTNL_ADDRESS_SIZE];
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
	spec = driver_cable(&lab, "m0", 100);
	lab_add_address(lab.rtnl, spec.ifindex, "10.7.0.1");
	driver_must(driver_add(&driver, team, 0, &spec, &e), &e);
	ck_assert_int_eq(rtnl_address_on(lab.rtnl, spec.ifindex, text, &e), 1);
	ck_assert_str_eq(text, "10.7.0.1");
	driver_stop(&driver, team);
}
END_TEST

static bool is_on(const char *device, const char *offload)
{
	struct err e;
	bool on;

	driver_must(offload_get(device, offload, &on, &e), &e);
	return on;
}

START_TEST(an_offload_is_switched_where_the_device_has_it)
{
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	lab_cable(&lab, "m0", 100);
	ck_assert(is_on("m0", "tx-checksum-ip-generic"));
	driver_must(offload_set("m0", "tx-checksum-ip-generic", false, &e), &e);
	ck_assert(!is_on("m0", "tx-checksum-ip-generic"));
	driver_must(offload_set("m0", "tx-checksum-ip-generic", true, &e), &e);
	ck_assert(is_on("m0", "tx-checksum-ip-generic"));
	/* What it has not, or cannot change, is no error. */
	driver_must(offload_set("m0", "rx-lro", false, &e), &e);
	driver_must(offload_set("m0", "no-such-offload", false, &e), &e);
	ck_assert(!is_on("m0", "no-such-offload"));
	driver_refused(offload_set("gone", "rx-lro", false, &e), &e, -ENODEV, "rx-lro");
}
END_TEST

START_TEST(a_renamed_member_is_known_by_its_number)
{
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, 1);
	driver_must(rtnl_set_up(lab.rtnl, 100, false, &e), &e);
	driver_must(rtnl_set_name(lab.rtnl, 100, "renamed", &e), &e);
	driver_must(driver_add(&driver, team, 0,
			       &(struct datapath_member_spec){ .name = "renamed", .ifindex = 100 },
			       &e),
		    &e);
	ck_assert(lab_device(lab.rtnl, "renamed").up);
	driver_must(driver_remove(&driver, team, 0, &e), &e);
	driver_assert_free(&lab, 100);
	driver_stop(&driver, team);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath member");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, a_member_is_up_and_promiscuous_and_makes_no_addresses);
	tcase_add_test(tcase, a_removed_member_is_as_it_was_found);
	tcase_add_test(tcase, a_vanished_member_is_removed_without_error);
	tcase_add_test(tcase, an_address_on_a_member_stays_there);
	tcase_add_test(tcase, an_offload_is_switched_where_the_device_has_it);
	tcase_add_test(tcase, a_renamed_member_is_known_by_its_number);
	return run_datapath_suite(suite);
}
