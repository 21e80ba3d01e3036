/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager how the service is (the protocol of sd_notify(3)). */
#ifndef BOUNCED_APP_NOTIFY_H
#define BOUNCED_APP_NOTIFY_H

/* state: "READY=1", "STOPPING=1". Does nothing where $NOTIFY_SOCKET is not set; failures are
 * ignored, since the service works without its manager knowing. */
void notify_manager(const char *state);

#endif
