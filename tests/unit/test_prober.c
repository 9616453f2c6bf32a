/* SPDX-License-Identifier: Apache-2.0 */
/* The prober's cgroup: which paths are refused, and what the kernel is told while the cgroup comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

/* The kernel side is one variable here. */
#define rf_datapath_prober    kernel_set
#define rf_datapath_prober_is kernel_has
#define rf_datapath_error     kernel_error
#define rf_agent_note         note

#include "agent/prober.c"

static struct rf_prober kernel;
static unsigned told, noted;
static int kernel_fails;

int kernel_set(struct rf_datapath *dp, uint64_t cgroup_id, uint32_t level)
{
	(void)dp;
	told++;
	if (!kernel_fails)
		kernel = (struct rf_prober){.cgroup_id = cgroup_id, .level = level};
	return kernel_fails;
}

int kernel_has(struct rf_datapath *dp, struct rf_prober *ret)
{
	(void)dp;
	*ret = kernel;
	return 0;
}

const char *kernel_error(const struct rf_datapath *dp)
{
	(void)dp;
	return "as the test wants it";
}

void note(struct rf_agent *agent, const char *kind, const char *format, ...)
{
	(void)agent;
	(void)kind;
	(void)format;
	noted++;
}

static const struct rf_instance instance = {
	.cgroup_mount = "/sys/fs/cgroup", .cgroup_dir = "/sys/fs/cgroup/rf", .pods_cgroup = "/sys/fs/cgroup/rf/pods"};

static int set_to(struct rf_prober_watch *p, const char *option)
{
	*p = (struct rf_prober_watch){.option = option};
	return rf_prober_set(p, &instance);
}

static void paths(void **state)
{
	struct rf_prober_watch p;

	(void)state;
	unsetenv("RINGFENCE_PROBER_CGROUP");
	assert_int_equal(set_to(&p, NULL), 0);
	assert_string_equal(p.path, "");
	assert_int_equal(set_to(&p, "/system.slice/kubelet.service"), 0);
	assert_string_equal(p.path, "/sys/fs/cgroup/system.slice/kubelet.service");
	assert_int_equal(p.level, 2);
	assert_int_equal(set_to(&p, "kubelet//"), 0);
	assert_string_equal(p.path, "/sys/fs/cgroup/kubelet");
	assert_int_equal(p.level, 1);
	assert_int_equal(set_to(&p, "/sys/fs/cgroup/system.slice/x"), 0);
	assert_string_equal(p.path, "/sys/fs/cgroup/system.slice/x");
	assert_int_equal(set_to(&p, "/sys/fs/cgroupx"), 0); /* not the mount: below it */
	assert_string_equal(p.path, "/sys/fs/cgroup/sys/fs/cgroupx");
	assert_int_equal(set_to(&p, "/rfnot"), 0);
}

static void paths_refused(void **state)
{
	static const char *const bad[] = {"/",
					  "/sys/fs/cgroup",
					  "//",
					  "..",
					  "/system.slice/../rf/pods",
					  "./kubelet",
					  "/rf",
					  "/rf/pods",
					  "rf/pods/ns_pod",
					  "/rf/sockd",
					  "/sys/fs/cgroup/rf//pods/"};
	static char longest[2 * PATH_MAX];
	struct rf_prober_watch p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (set_to(&p, bad[i]) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_string_equal(p.path, "");
	}
	memset(longest, 'a', sizeof(longest) - 1);
	assert_int_equal(set_to(&p, longest), -ENAMETOOLONG);
	assert_string_equal(p.path, "");
}

static void environment(void **state)
{
	struct rf_prober_watch p;

	(void)state;
	assert_int_equal(setenv("RINGFENCE_PROBER_CGROUP", "/a", 1), 0);
	assert_int_equal(set_to(&p, NULL), 0);
	assert_string_equal(p.path, "/sys/fs/cgroup/a");
	assert_int_equal(set_to(&p, "/b"), 0);
	assert_string_equal(p.path, "/sys/fs/cgroup/b");
	assert_int_equal(set_to(&p, ""), 0); /* said on the command line: nobody */
	assert_string_equal(p.path, "");
	assert_int_equal(setenv("RINGFENCE_PROBER_CGROUP", "/", 1), 0);
	assert_int_equal(set_to(&p, NULL), -EINVAL);
	unsetenv("RINGFENCE_PROBER_CGROUP");
}

/* What an earlier agent was told does not outlive its option. */
static void none_takes_the_old_one_back(void **state)
{
	static struct rf_agent agent;

	(void)state;
	kernel = (struct rf_prober){.cgroup_id = 77, .level = 3};
	rf_prober_look(&agent);
	assert_int_equal(kernel.cgroup_id, 0);
	assert_int_equal(kernel.level, 0);
	assert_false(agent.prober.found);
}

static uint64_t number_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* A service that is started again has another cgroup of the same name. */
static void comes_and_goes(void **state)
{
	static struct rf_agent agent;
	char name[64];
	const char *path = agent.prober.path;
	uint64_t first;
	unsigned before;

	(void)state;
	if (geteuid() != 0 || rf_instance_init(&agent.instance, "rfprober") < 0)
		skip();
	snprintf(name, sizeof(name), "/rfunit-prober-%d", (int)getpid());
	agent.prober.option = name;
	assert_int_equal(rf_prober_set(&agent.prober, &agent.instance), 0);
	kernel = (struct rf_prober){0};
	rf_prober_look(&agent);
	assert_false(agent.prober.found);
	assert_int_equal(kernel.cgroup_id, 0);

	assert_int_equal(mkdir(path, 0755), 0);
	first = number_of(path);
	noted = 0;
	rf_prober_look(&agent);
	assert_true(agent.prober.found);
	assert_true(kernel.cgroup_id == first);
	assert_int_equal(kernel.level, 1);
	assert_int_equal(noted, 1);
	before = told;
	rf_prober_look(&agent);
	assert_int_equal(told, before); /* nothing new, nothing said */
	assert_int_equal(noted, 1);
	kernel.cgroup_id = 1; /* somebody wrote into the table */
	rf_prober_look(&agent);
	assert_true(kernel.cgroup_id == first);

	assert_int_equal(rmdir(path), 0);
	rf_prober_look(&agent);
	assert_false(agent.prober.found);
	assert_int_equal(kernel.cgroup_id, 0);
	assert_int_equal(mkdir(path, 0755), 0);
	rf_prober_look(&agent);
	assert_true(kernel.cgroup_id == number_of(path));
	assert_true(kernel.cgroup_id != first);

	kernel = (struct rf_prober){0};
	kernel_fails = -EPERM; /* what the kernel does not have is not called found */
	rf_prober_look(&agent);
	assert_false(agent.prober.found);
	kernel_fails = 0;
	assert_int_equal(rmdir(path), 0);
}

/* A directory of another file system has a number, too, but not one of a cgroup. */
static void only_a_cgroup(void **state)
{
	static struct rf_agent agent;
	char dir[] = "/tmp/rfunit-prober-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(agent.prober.path, sizeof(agent.prober.path), "%s", dir);
	agent.prober.level = 2;
	kernel = (struct rf_prober){0};
	rf_prober_look(&agent);
	assert_false(agent.prober.found);
	assert_int_equal(kernel.cgroup_id, 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),          cmocka_unit_test(paths_refused),
		cmocka_unit_test(environment),    cmocka_unit_test(none_takes_the_old_one_back),
		cmocka_unit_test(comes_and_goes), cmocka_unit_test(only_a_cgroup),
	};

	return cmocka_run_group_tests_name("prober", tests, NULL, NULL);
}
