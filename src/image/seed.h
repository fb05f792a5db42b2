/* The disk that tells a new machine who it is: ISO 9660 with Joliet, labelled CIDATA, with the files of
 * cloud-init's NoCloud (meta-data, user-data) and "pearvisor", the same as lines of KEY=VALUE for the images
 * that `image build` makes. */
#pragma once

#include "util/error.h"

struct seed {
    const char *name; /* of the machine; the guest's name is made of it */
    const char *user; /* with sudo, unless it is root */
    const char *keys; /* of ssh, a line each; "": none */
};

/* Makes or replaces the file; a guest that has seen another one before sets itself up anew. */
int seed_write(const char *path, const struct seed *seed, struct error *e);
