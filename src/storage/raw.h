/* Raw images: files and block devices whose bytes are the disk's. */
#pragma once

#include "storage/storage.h"

struct storage *storage_raw_open(const struct storage_config *config, struct error *e);
