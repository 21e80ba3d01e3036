/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of admin.h share. */
#ifndef BOUNCED_STORE_ADMIN_ERROR_H
#define BOUNCED_STORE_ADMIN_ERROR_H

#include "store/admin.h"

/* Of a statement that failed: the database's own words. */
enum err admin_failed(struct admin *admin, enum pg_outcome outcome, struct slice *ret_error);

#endif
