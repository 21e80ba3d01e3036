#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up what the tests covered: lines and branches of each source file, worst first.

    coverage.py FOLDER      the build folder with its .gcno and .gcda files

The failing side of an assert() is not counted: it is there never to be taken.

A process that ends by a signal or in the sandbox writes no counts, so the parser child counts through
its unit tests only.
"""
import collections
import functools
import json
import os
import re
import subprocess
import sys

ASSERT = re.compile(r'\s*assert\(')
FOLDERS = ('core/', 'parser/', 'ingest/', 'store/', 'api/', 'app/')


def asserts(path):
    """Numbers of the lines that an assert() begins."""
    with open(path) as file:
        return {number for number, line in enumerate(file, 1) if ASSERT.match(line)}


def counts(folder):
    """(file, line) → times run; (file, line, n) → times the nth branch was taken."""
    lines, branches = collections.Counter(), collections.Counter()
    asserts_of = functools.lru_cache(maxsize=None)(asserts)
    for directory, _, names in os.walk(folder):
        for name in names:
            if not name.endswith('.gcda'):
                continue
            done = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities',
                                   os.path.join(directory, name)], capture_output=True, text=True)
            for text in done.stdout.splitlines():
                for file in json.loads(text)['files']:
                    path = os.path.relpath(file['file'])
                    if not path.startswith(FOLDERS):
                        continue
                    for line in file['lines']:
                        lines[path, line['line_number']] += line['count']
                        if line['line_number'] in asserts_of(path):
                            continue
                        for number, branch in enumerate(line['branches']):
                            branches[path, line['line_number'], number] += branch['count']
    return lines, branches


def share(counter, path=None):
    hits = [count > 0 for key, count in counter.items() if path in (None, key[0])]
    return 100 * sum(hits) / len(hits) if hits else 100.0


def main():
    lines, branches = counts(sys.argv[1])
    paths = {path for path, _ in lines}
    for path in sorted(paths, key=lambda path: share(lines, path)):
        print('%5.1f %% lines  %5.1f %% branches  %s' % (share(lines, path), share(branches, path), path))
    print('%5.1f %% lines  %5.1f %% branches  in all' % (share(lines), share(branches)))


if __name__ == '__main__':
    main()
