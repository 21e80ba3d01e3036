/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of routes.c, one resource a file. Each writes call->response. */
#ifndef BOUNCED_API_RESOURCES_H
#define BOUNCED_API_RESOURCES_H

#include "api/call.h"

/* suppressions.c */
void suppressions_list(struct call *call);
void suppressions_get(struct call *call);
void suppressions_put(struct call *call);
void suppressions_delete(struct call *call);

/* suppressions_check.c */
void suppressions_check(struct call *call);

/* events.c */
void events_list(struct call *call);
void events_get(struct call *call);

/* reports.c */
void reports_get(struct call *call);
void reports_raw(struct call *call);
void reports_post(struct call *call);

/* parse.c */
void parse_post(struct call *call);

/* tokens.c */
void tokens_mint(struct call *call);
void tokens_decode(struct call *call);

/* metrics.c */
void metrics_get(struct call *call);

/* health.c */
void health_live(struct call *call);
void health_ready(struct call *call);

#endif
