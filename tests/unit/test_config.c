/* Configuration files of kept VMs: what they say, messages that name line and key, and changes to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/config.h"

static struct machine_config config;
static struct error e;

static int parse(const char *text) {
    machine_config_free(&config);
    e.text[0] = 0;
    return machine_config_parse(&config, "config", text, strlen(text), &e);
}

static int cleanup(void **state) {
    (void)state;
    machine_config_free(&config);
    return 0;
}

static void every_key(void **state) {
    (void)state;
    assert_int_equal(parse("# a machine\n"
                           "\n"
                           "  kernel = vmlinuz\r\n"
                           "initrd=initrd.img\n"
                           "append = console=ttyAMA0 root=/dev/vda  # no comment here\n"
                           "\tcpus\t=\t4\t\n"
                           "memory = 512M\n"
                           "disk = a.img\n"
                           "disk = b.img,ro\n"
                           "engine = soft,interp\n"
                           "gpu = 3d,window=4G\n"
                           "net = user,forward=tcp:8080-80,forward=udp:53-53,capture=a.pcap\n"
                           "resolution = 800x600\n"
                           "display = window\n"
                           "user = me\n"
                           "ssh = 2222"),
        0);
    assert_string_equal(config.vm.kernel, "vmlinuz");
    assert_string_equal(config.vm.initrd, "initrd.img");
    assert_string_equal(config.vm.append, "console=ttyAMA0 root=/dev/vda  # no comment here");
    assert_int_equal(config.vm.cpus, 4);
    assert_int_equal(config.vm.memory, 512 << 20);
    assert_int_equal(config.vm.disk_count, 2);
    assert_string_equal(config.vm.disks[0].path, "a.img");
    assert_false(config.vm.disks[0].read_only);
    assert_string_equal(config.vm.disks[1].path, "b.img");
    assert_true(config.vm.disks[1].read_only);
    assert_string_equal(config.vm.engine_options, "interp");
    assert_int_equal(config.vm.gpu, VM_GPU_3D);
    assert_int_equal(config.vm.gpu_window, 4ull << 30);
    assert_int_equal(config.vm.forward_count, 2);
    assert_string_equal(config.vm.forwards[1], "udp:53-53");
    assert_string_equal(config.vm.capture, "a.pcap");
    assert_int_equal(config.vm.width, 800);
    assert_int_equal(config.vm.height, 600);
    assert_true(config.window);
    assert_string_equal(config.user, "me");
    assert_int_equal(config.ssh, 2222);
}

static void defaults(void **state) {
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_int_equal(config.vm.cpus, 2);
    assert_int_equal(config.vm.memory, 1 << 30);
    assert_int_equal(config.vm.net, VM_NET_USER);
    assert_int_equal(config.vm.gpu, VM_GPU_AUTO);
    assert_null(config.vm.kernel);
    assert_int_equal(config.ssh, CONFIG_SSH_AUTO);
    assert_string_equal(config.user, "root");
}

static void messages_name_line_and_key(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {"cpus = 9\n", "config:1: cpus = 9: expected a number from 1 to 8"},
        {"\n# x\ncpu = 2\n", "config:3: cpu = 2: no such key (docs/vm.md lists them)"},
        {"cpus\n", "config:1: 'cpus': expected 'key = value'"},
        {"cpus = 2\nmemory = 1G\ncpus = 2\n", "config:3: cpus = 2: given a second time"},
        {"memory = 3\n", "config:1: memory = 3: expected a multiple of 2M, at least 64M"},
        {"net = user,backward=1\n",
            "config:1: net = user,backward=1: 'backward=1': expected forward=tcp:HOSTPORT-GUESTPORT or "
            "capture=FILE"},
        {"net = off,capture=a\n",
            "config:1: net = off,capture=a: 'capture=a': expected forward=tcp:HOSTPORT-GUESTPORT or "
            "capture=FILE"},
        {"net = bridge\n",
            "config:1: net = bridge: expected off, user or isolated, and options after commas"},
        {"gpu = 2d,window=1\n", "config:1: gpu = 2d,window=1: expected window=SIZE, from 64M to 256G"},
        {"disk =\n", "config:1: disk = : expected FILE[,format=raw|qcow2][,ro]"},
        {"user = -oProxyCommand=x\n", "config:1: user = -oProxyCommand=x: expected the name of a user"},
        {"ssh = 0\n", "config:1: ssh = 0: expected auto, off or a port from 1 to 65535"},
        {"kernel =\n", "config:1: kernel = : expected the name of a file"},
        {"= 2\n", "config:1:  = 2: no such key (docs/vm.md lists them)"},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(parse(wrong[i].text), -1);
        assert_string_equal(e.text, wrong[i].message);
    }
    machine_config_free(&config);
    assert_int_equal(machine_config_parse(&config, "config", "cpus = 2\0\n", 10, &e), -1);
    assert_string_equal(e.text, "config: not a text");
}

static void too_much(void **state) {
    (void)state;
    static char text[CONFIG_SIZE_MAX + 2];
    memset(text, '\n', sizeof text - 1);
    assert_int_equal(parse(text), -1);
    assert_non_null(strstr(e.text, "larger than"));
    text[0] = 0;
    for (unsigned i = 0; i < 17; i++)
        strcat(text, "disk = x\n");
    assert_int_equal(parse(text), -1);
    assert_string_equal(e.text, "config:17: disk = x: more than 16 disks");
}

static void assert_replaced(const char *text, const char *key, const char *value, const char *expected) {
    char *result = machine_config_replace(text, key, value);
    assert_string_equal(result, expected);
    free(result);
}

static void changes_keep_the_rest(void **state) {
    (void)state;
    assert_replaced("# c\ncpus = 2\nmemory = 1G\n", "cpus", "4", "# c\ncpus = 4\nmemory = 1G\n");
    assert_replaced("cpus = 2", "memory", "2G", "cpus = 2\nmemory = 2G\n");
    assert_replaced("cpus = 2\n  memory=1G\n", "memory", "", "cpus = 2\n");
    assert_replaced("disk = a\ncpus = 2\ndisk = b\n", "disk", "c", "disk = c\ncpus = 2\n");
    assert_replaced("#cpus = 2\ncpusx = 3\n", "cpus", "4", "#cpus = 2\ncpusx = 3\ncpus = 4\n");
    assert_replaced("", "cpus", "", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_key, cleanup),
        cmocka_unit_test_teardown(defaults, cleanup),
        cmocka_unit_test_teardown(messages_name_line_and_key, cleanup),
        cmocka_unit_test_teardown(too_much, cleanup),
        cmocka_unit_test(changes_keep_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
