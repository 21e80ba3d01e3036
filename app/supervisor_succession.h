/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How processes are replaced while others serve on: by ones with new settings (SIGHUP), or by those
 * of a new program (SIGUSR2, app/upgrade.h).
 */
#ifndef BOUNCED_APP_SUPERVISOR_SUCCESSION_H
#define BOUNCED_APP_SUPERVISOR_SUCCESSION_H

#include "app/supervisor_state.h"

/* Bad settings change nothing; logs what is wrong with them. */
void succession_reload(struct supervisor *supervisor, int64_t now);

/* Asks the new program whether it would start; supervisor->upgrade_check is the process that does.
 */
void succession_begin_upgrade(struct supervisor *supervisor);
/* It has answered, by its status: does not return where it is executed. */
void succession_finish_upgrade(struct supervisor *supervisor, int status);
/* The processes of the program before this one have successors now. */
void succession_retire_legacy(struct supervisor *supervisor);

#endif
