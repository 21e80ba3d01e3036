/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files and folders of seeds where there is no libFuzzer: each seed whole,
 * and each of its beginnings up to a bound, since truncated input is what finds most. Speaks TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SEED_MAX    (1024 * 1024)
#define TRUNCATIONS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t run_count;

/* A copy of exactly that size, so that AddressSanitizer sees a read past its end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	run_count++;
}

static void run_file(const char *path)
{
	static uint8_t data[SEED_MAX];
	FILE *file = fopen(path, "rb");
	if (!file) {
		printf("Bail out! %s cannot be read\n", path);
		exit(1);
	}
	size_t size = fread(data, 1, sizeof(data), file);
	fclose(file);
	for (size_t i = 0; i < TRUNCATIONS; i++)
		run(data, size * i / TRUNCATIONS);
	run(data, size);
}

static void run_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char name[4096];
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			run_file(name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	printf("1..1\n");
	run((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		struct stat status;
		if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
			run_folder(argv[i]);
		else if (stat(argv[i], &status) == 0)
			run_file(argv[i]);
	}
	printf("ok 1 - %zu inputs\n", run_count);
	return 0;
}
