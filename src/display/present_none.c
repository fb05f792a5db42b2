/* A build without SDL3 has no window. */
#include "display/present.h"

struct present *present_create(const struct present_config *config, struct error *e) {
    (void)config;
    error_set(e, "this PearVisor was built without SDL3; use --display none");
    return NULL;
}

void present_run(struct present *present) {
    (void)present;
}

void present_destroy(struct present *present) {
    (void)present;
}

void present_quit(void) {}

bool present_available(void) {
    return false;
}
