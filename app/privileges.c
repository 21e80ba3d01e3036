/* SPDX-License-Identifier: Apache-2.0 */
#include "app/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static bool become(const struct passwd *user)
{
	return initgroups(user->pw_name, user->pw_gid) == 0 &&
	       setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	       setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0;
}

bool privileges_drop(const char *user, char *error, size_t error_size)
{
	if (geteuid() == 0 && user[0]) {
		const struct passwd *entry = getpwnam(user);

		if (!entry) {
			snprintf(error, error_size, "user: there is no user \"%s\"", user);
			return false;
		}
		if (!become(entry)) {
			snprintf(error, error_size, "cannot become user \"%s\": %s", user,
				 strerror(errno));
			return false;
		}
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		snprintf(error, error_size, "no_new_privs: %s", strerror(errno));
		return false;
	}
	return true;
}

void privileges_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}
