/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailbox provider behind a domain or a host name, as a short word for roll-ups and dashboards:
 * a closed set, so that no outsider can make up values.
 */
#ifndef BOUNCED_CORE_PROVIDER_H
#define BOUNCED_CORE_PROVIDER_H

#include "core/slice.h"

/*
 * domain: the recipient's, normal form. host: who answered or reported for it, any case; decides
 * for domains that are hosted elsewhere. Either may be empty. "other" where nothing fits.
 */
struct slice provider_of(struct slice domain, struct slice host);

#endif
