/* What the files of this room share. */
#pragma once

#include "image/image.h"

/* The path of a file in the cache, $PEARVISOR_CACHE/images or $XDG_CACHE_HOME/pearvisor/images
 * (~/.cache/...); the directories are made. out has PATH_MAX bytes. */
int image_cache_file(const char *file, char *out, struct error *e);
