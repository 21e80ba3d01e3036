/* SPDX-License-Identifier: Apache-2.0 */
#include "app/master_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/encoding.h"

/* Bytes read, or -1 with errno; EPERM when everybody may read the file. */
static ssize_t read_private(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	ssize_t len = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0) {
		if (status.st_mode & S_IRWXO)
			errno = EPERM;
		else
			len = read(fd, text, size);
	}

	int saved = errno;

	close(fd);
	errno = saved;
	return len;
}

bool master_key_load(const struct config *config, uint8_t ret_key[SECRETBOX_KEY_LEN], char *error,
		     size_t error_size)
{
	const char *path = config->master_key_file;
	char text[HEX_LEN(SECRETBOX_KEY_LEN) + 3];

	ssize_t len = read_private(path, text, sizeof(text));

	if (len < 0) {
		snprintf(error, error_size, "master key %s: %s", path,
			 errno == EPERM ? "everybody may read it; chmod 600" : strerror(errno));
		return false;
	}

	struct slice digits = slice_trim(slice_from(text, (size_t)len));
	bool valid = hex_decode(digits, ret_key, SECRETBOX_KEY_LEN) == SECRETBOX_KEY_LEN;

	explicit_bzero(text, sizeof(text));
	if (!valid)
		snprintf(error, error_size, "master key %s: not %d hexadecimal digits", path,
			 HEX_LEN(SECRETBOX_KEY_LEN));
	return valid;
}
