/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master key seals the token keys in the database, which never sees it. It is a file of 64
 * hexadecimal digits, named by master_key.file. A file that everybody may read is refused.
 */
#ifndef BOUNCED_APP_MASTER_KEY_H
#define BOUNCED_APP_MASTER_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/hash.h"

/* false: `error` says what is wrong and where. */
bool master_key_load(const struct config *config, uint8_t ret_key[SECRETBOX_KEY_LEN], char *error,
		     size_t error_size);

#endif
