/* SPDX-License-Identifier: Apache-2.0 */
/* The api process: the HTTP API, with what it needs of the other layers wired in. */
#ifndef BOUNCED_APP_API_PROCESS_H
#define BOUNCED_APP_API_PROCESS_H

#include "app/process.h"

process_main api_process_main;

#endif
