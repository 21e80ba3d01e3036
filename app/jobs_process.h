/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs process: what is to be done by the clock (app/jobs/), one thing after another. */
#ifndef BOUNCED_APP_JOBS_PROCESS_H
#define BOUNCED_APP_JOBS_PROCESS_H

#include "app/process.h"

process_main jobs_process_main;

#endif
