#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data files as a C header.

    embed.py sql FILE…     each file as `static const char SQL_<NAME>[]`
    embed.py files FILE…   all as `static const struct embedded_file { name, data, size } EMBEDDED[]`
"""
import os
import sys


def c_string(data):
    out = []
    for line in data.split(b'\n'):
        text = ''.join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else '\\%03o' % b for b in line)
        out.append('\t"%s\\n"' % text)
    return '\n'.join(out)


def main():
    mode, paths = sys.argv[1], sorted(sys.argv[2:])
    print('/* Made by deploy/embed.py; do not edit. */')
    # Strings longer than ISO C promises to take are fine with our compilers.
    print('#pragma GCC system_header')
    if mode == 'sql':
        for path in paths:
            name = os.path.splitext(os.path.basename(path))[0].upper()
            with open(path, 'rb') as file:
                print('__attribute__((unused)) static const char SQL_%s[] =\n%s;' % (name, c_string(file.read())))
        return
    print('#include <stddef.h>')
    print('static const struct embedded_file { const char *name; const char *data; size_t size; } EMBEDDED[] = {')
    for path in paths:
        with open(path, 'rb') as file:
            data = file.read()
        print('\t{ "%s",\n%s, %d },' % (os.path.basename(path), c_string(data), len(data)))
    print('\t{ NULL, NULL, 0 },\n};')


if __name__ == '__main__':
    main()
