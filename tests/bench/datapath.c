/* What the control plane of the bpf datapath takes (loading, adopting, writing a plan), what its
 * maps occupy, and what the programs take by the kernel's test runs. Run it by hand, as root, on a
 * quiet machine; it makes network namespaces of its own. What a frame costs on its whole way is
 * told by tools/bench. */
#include "datapath.skel.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/full.h"
#include "tests/net/datapath/program.h"

#include <bpf/bpf.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#define TEST_RUNS 1000000
#define REPEATS 5
#define N_PLANS 10000
#define N_TEAMS ABI_TEAMS

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

/* Octets that the kernel charges for all maps. */
static unsigned long maps_memory(const struct datapath_bpf *skeleton)
{
	unsigned long sum = 0, one;
	struct bpf_map *map;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		char path[64], line[128];
		FILE *file;

		(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
		file = fopen(path, "re");
		ck_assert_ptr_nonnull(file);
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "memlock: %lu", &one) == 1)
				sum += one;
		(void)fclose(file);
	}
	return sum;
}

static void bench_load(void)
{
	double times[REPEATS];
	struct driver driver;

	for (unsigned i = 0; i < REPEATS; i++) {
		double start = milliseconds();

		driver_start(&driver);
		times[i] = milliseconds() - start;
		driver_stop(&driver, NULL);
	}
	printf("load the programs: %.1f ms\n", median(times, REPEATS));
}

static void bench_plan(struct datapath_team *team)
{
	struct placement_plan plan;
	double start;

	memset(&plan, PLACEMENT_NONE, sizeof(plan));
	start = milliseconds();
	for (unsigned i = 0; i < N_PLANS; i++)
		if (team->ops->place(team, &plan, NULL) < 0)
			ck_abort_msg("cannot write a plan");
	printf("write a plan: %.2f us\n", (milliseconds() - start) * 1e3 / N_PLANS);
}

static void bench_counters(struct datapath_team *team)
{
	double start = milliseconds();
	struct datapath_team_counters counters;

	for (unsigned i = 0; i < N_PLANS; i++)
		if (team->ops->counters(team, &counters, NULL) < 0)
			ck_abort_msg("cannot read the counters");
	printf("read a team's counters: %.2f us\n", (milliseconds() - start) * 1e3 / N_PLANS);
}

static void bench_adoption(struct lab *lab)
{
	double times[REPEATS];
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	driver_leave_team(lab);
	for (unsigned i = 0; i < REPEATS; i++) {
		double start = milliseconds();

		driver_start(&driver);
		driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
		times[i] = milliseconds() - start;
		if (i + 1 < REPEATS)
			driver_stop(&driver, team);
	}
	printf("load and adopt a team of 4 members: %.1f ms\n", median(times, REPEATS));
	bench_plan(team);
	bench_counters(team);
	driver_must(driver_delete(&driver, team, &e), &e);
	driver_stop(&driver, NULL);
	for (int i = 0; i < 4; i++)
		driver_must(rtnl_delete_device(lab->rtnl, 100 + i, &e), &e);
}

static void bench_teams(void)
{
	struct datapath_team *teams[N_TEAMS];
	struct driver driver;
	struct err e;
	double start;

	driver_start(&driver);
	start = milliseconds();
	for (unsigned i = 0; i < N_TEAMS; i++) {
		struct datapath_team_spec spec = driver_spec;

		(void)snprintf(spec.name, sizeof(spec.name), "team%u", i);
		driver_must(driver_open(&driver, &spec, &teams[i], NULL, &e), &e);
	}
	printf("make %d teams: %.0f ms\n", N_TEAMS, milliseconds() - start);
	for (unsigned i = 0; i < N_TEAMS; i++)
		driver_must(driver_delete(&driver, teams[i], &e), &e);
	driver_stop(&driver, NULL);
}

static void bench_memory(struct program *program)
{
	printf("maps for %d teams: %lu KiB (%u possible processors)\n", ABI_TEAMS,
	       maps_memory(program->skeleton) / 1024, program->n_processors);
}

struct run {
	const char *what;
	struct flow flow;
	bool receive;
	bool worst_order;
};

#define FLOW(v, p) .version = (v), .source = 1, .destination = 2, .transport = (p), .source_port = 7

static const struct run runs[] = {
	{ "tx IPv4 TCP", { FLOW(4, IPPROTO_TCP) }, false, false },
	{ "tx IPv4 TCP, last of 32 in the order", { FLOW(4, IPPROTO_TCP) }, false, true },
	{ "tx IPv4 ICMP", { FLOW(4, IPPROTO_ICMP) }, false, false },
	{ "tx IPv6 TCP", { FLOW(6, IPPROTO_TCP) }, false, false },
	{ "tx IPv6 TCP, 3 extension headers",
	  { FLOW(6, IPPROTO_TCP), .n_extensions = 3, .extensions = { 0, 43, 60 } },
	  false,
	  false },
	{ "tx ARP", { .protocol = 0x0806 }, false, false },
	{ "rx", { FLOW(4, IPPROTO_TCP) }, true, false },
};

static void set_order(struct program *program, bool worst)
{
	struct abi_plan plan;

	memset(&plan, ABI_NONE, sizeof(plan));
	for (unsigned bucket = 0; bucket < ABI_BUCKETS; bucket++)
		for (unsigned i = 0; i < (worst ? ABI_MEMBERS : 1); i++)
			plan.order[bucket][i] = (__u8)(worst ? ABI_MEMBERS - 1 - i : i);
	program_set_plan(program, &plan);
}

static void bench_programs(struct program *program)
{
	for (unsigned i = 0; i < ARRAY_SIZE(runs); i++) {
		const struct run *run = &runs[i];
		double times[REPEATS];

		set_order(program, run->worst_order);
		for (unsigned k = 0; k < REPEATS; k++)
			times[k] = run->receive ? program_receive(program, &run->flow, TEST_RUNS)
						: program_send(program, &run->flow, TEST_RUNS);
		printf("%s: %.0f ns\n", run->what, median(times, REPEATS));
	}
}

struct rules_run {
	const char *what;
	uint32_t rules;
	bool sends;
	struct full_frame frame;
};

#define LEARN ABI_RULE_LEARN
#define HOMES (ABI_RULE_LEARN | ABI_RULE_HOMES)
#define INDEPENDENT ABI_RULE_INDEPENDENT
#define VM                                  \
	{                                   \
		{                           \
			2, 0xcc, 0, 0, 0, 1 \
		}                           \
	}

static const struct rules_run rules_runs[] = {
	{ "tx, hash into tunnels", ABI_RULE_INNER, true, { .source = VM } },
	{ "tx, homes", HOMES, true, { .source = VM } },
	{ "tx, flowlets", ABI_RULE_FLOWLETS, true, { .source = VM } },
	{ "tx, independent, hash", INDEPENDENT | LEARN, true, { .source = VM } },
	{ "tx, independent, homes", INDEPENDENT | HOMES, true, { .source = VM } },
	{ "tx, independent, flowlets",
	  INDEPENDENT | HOMES | ABI_RULE_FLOWLETS,
	  true,
	  { .source = VM } },
	{ "rx, homes", HOMES, false, { .source = { { 2, 0xdd } } } },
	{ "rx, independent, broadcast", INDEPENDENT | HOMES, false, { .source = { { 2, 0xdd } } } },
	{ "rx, independent, to a station",
	  INDEPENDENT | HOMES,
	  false,
	  { .source = { { 2, 0xdd } }, .destination = VM } },
	{ "rx, independent, reflected", INDEPENDENT | HOMES, false, { .source = VM } },
};

/* Of teams with rules, by the programs that only these have. */
static void bench_rules(const struct rules_run *run)
{
	const struct abi_station station = full_station_on(0);
	double times[REPEATS];
	struct full full;
	int flowlets;

	full_start(&full, run->rules);
	(void)full_map_loads(&full);
	flowlets = full_make_flowlets(&full, 1000000);
	full_put_station(&full, (struct mac)VM, &station);
	for (unsigned k = 0; k < REPEATS; k++)
		times[k] = full_time(&full, run->sends, &run->frame, TEST_RUNS);
	printf("%s: %.0f ns\n", run->what, median(times, REPEATS));
	(void)close(flowlets);
	full_stop(&full);
}

START_TEST(benchmark)
{
	struct program program;
	struct lab lab;
	struct err e;

	lab_start(&lab);
	bench_load();
	bench_adoption(&lab);
	bench_teams();
	program_start(&program, &lab);
	bench_memory(&program);
	bench_programs(&program);
	driver_must(rtnl_delete_device(lab.rtnl, (int)program.ifindex, &e), &e);
	program_stop(&program);
	lab_stop(&lab);
	for (unsigned i = 0; i < ARRAY_SIZE(rules_runs); i++)
		bench_rules(&rules_runs[i]);
	(void)fflush(stdout);
}
END_TEST

/* The lab's helpers speak up by Check's assertions, so this is a suite of one "test". */
int main(void)
{
	Suite *suite = suite_create("datapath");
	TCase *tcase = tcase_create("datapath");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, benchmark);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	if (failed)
		srunner_print(runner, CK_NORMAL);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
