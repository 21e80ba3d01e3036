/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOUNCED_APP_VERSION_H
#define BOUNCED_APP_VERSION_H

#define BOUNCED_VERSION "0.1.0"

#endif
