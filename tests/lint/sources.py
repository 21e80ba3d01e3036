#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the sources to the layers of docs/architecture.md and to the rules that no compiler knows.

    sources.py [ROOT]        prints "file:line: what is wrong" for each finding, exit 1 if any

Checked: includes go down the layers only, each library is used where it belongs, banned functions,
no way to send mail, SPDX line in each source file, no white space at line ends.
"""
import os
import re
import sys

# folder → folders it may include
LAYERS = {
    'core': {'core'},
    'parser': {'core', 'parser'},
    'ingest': {'core', 'ingest'},
    'store': {'core', 'store'},
    'api': {'core', 'store', 'api'},
    'app': {'core', 'parser', 'ingest', 'store', 'api', 'app'},
    'bench': {'core', 'store', 'bench'},
}

# A header of a library (by how its name begins) → the files or folders that may include it.
LIBRARIES = {
    'gmime/': ['parser/mime.c', 'bench/bare_gmime.c'],
    'glib': ['parser/mime.c', 'bench/bare_gmime.c'],
    'pcre2': ['parser/'],
    'seccomp': ['parser/'],
    'event2/': ['ingest/', 'app/'],
    'openssl/': ['core/', 'ingest/', 'tests/signer.h', 'tests/e2e/faults.c'],
    'dkim.h': ['ingest/dkim.c', 'tests/signer.h'],
    'unbound.h': ['ingest/resolver.c'],
    'libpsl.h': ['ingest/dmarc.c'],
    'idn2': ['core/'],
    'libpq': ['store/', 'bench/bare_insert.c', 'tests/db/', 'tests/e2e/faults.c'],
    'microhttpd': ['api/'],
    'json-c/': ['api/', 'tests/db/'],
    'json.h': ['api/'],
}

LOCALE = 'depends on the locale; use ascii_…() and slice_…_nocase()'
# A call → why not.
BANNED_CALLS = {
    'strcpy': 'unbounded', 'strcat': 'unbounded', 'sprintf': 'unbounded', 'vsprintf': 'unbounded',
    'gets': 'unbounded', 'alloca': 'unbounded',
    'strtok': 'keeps hidden state', 'atoi': 'cannot fail', 'atol': 'cannot fail',
    'setlocale': LOCALE, 'tolower': LOCALE, 'toupper': LOCALE, 'isalpha': LOCALE, 'isalnum': LOCALE,
    'isspace': LOCALE, 'strcasecmp': LOCALE, 'strncasecmp': LOCALE,
    'system': 'starts a shell', 'popen': 'starts a shell',
}

# The service never sends mail: what a call or a text would need to do so, and the one file where it
# is allowed (it speaks SMTP to the loopback interface).
CONNECTS = re.compile(r'(?<![\w.>])(?:connect|bufferevent_socket_connect\w*)\s*\(')
MAY_CONNECT = {'app/demo.c'}
SENDS_MAIL = re.compile(r'sbin/sendmail|htons\(25\)|CURLPROTO_SMTP')

PROGRAM = ('core/', 'parser/', 'ingest/', 'store/', 'api/', 'app/')
SOURCE_ENDINGS = ('.c', '.h', '.py', '.sh', '.pl', '.sql', '.rules', '.css', '.js')
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
CALL = re.compile(r'(?<![\w.>])(%s)\s*\(' % '|'.join(BANNED_CALLS))
LOG_CALL = re.compile(r'(?<!\w)log_(?:event|write)\s*\(')


def listed(root):
    """Files below root that are the project's own."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in ('.git', 'build', 'var', '__pycache__')]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def without_comments(text):
    """The C source with comments blanked, line numbers kept; strings stay."""
    def blank(match):
        piece = match.group(0)
        return piece if piece[0] in '"\'' else re.sub(r'[^\n]', ' ', piece)
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', blank, text,
                  flags=re.S)


def layer_of(path):
    """The folder whose rights a file has: tests/unit/store_commit.c has those of store."""
    parts = path.split('/')
    if parts[0] == 'tests' and len(parts) == 3:
        return parts[2].split('_')[0].split('.')[0]
    return parts[0]


def include_findings(path, number, quote, target):
    if quote == '<':
        for library, places in LIBRARIES.items():
            if target.startswith(library) and not any(path.startswith(p) for p in places):
                yield number, '<%s> belongs to %s alone' % (target, ', '.join(places))
        return
    allowed = LAYERS.get(layer_of(path))
    folder = target.split('/')[0]
    if '/' not in target:
        yield number, '"%s" must be named with its folder' % target
    elif path.startswith('tests/') and folder == 'tests':
        return
    elif allowed is not None and folder not in allowed:
        yield number, '%s may not include "%s" (it may use %s)' % (
            layer_of(path), target, ', '.join(sorted(allowed)))


def c_findings(path, text):
    for number, line in enumerate(without_comments(text).split('\n'), 1):
        include = INCLUDE.match(line)
        if include:
            yield from include_findings(path, number, include.group(1), include.group(2))
        for call in CALL.finditer(line):
            yield number, '%s(): %s' % (call.group(1), BANNED_CALLS[call.group(1)])
        if not path.startswith(PROGRAM):
            continue
        if CONNECTS.search(line) and path not in MAY_CONNECT:
            yield number, 'opens a connection; bounced has no SMTP client'
        if SENDS_MAIL.search(line):
            yield number, 'looks like sending mail'
        if LOG_CALL.search(line) and path.startswith(('core/', 'parser/')) \
                and path not in ('core/log.c', 'core/log.h'):
            yield number, 'core and parser never log'


def is_source(path, text):
    if path.startswith(('tests/fixtures/', 'tests/fuzz/seeds/')):
        return False
    name = os.path.basename(path)
    return path.endswith(SOURCE_ENDINGS) or name == 'Makefile' or text.startswith('#!')


def file_findings(path, text):
    if not is_source(path, text):
        return
    if 'SPDX-License-Identifier: Apache-2.0' not in '\n'.join(text.split('\n')[:3]):
        yield 1, 'no SPDX line'
    for number, line in enumerate(text.split('\n'), 1):
        if line != line.rstrip():
            yield number, 'white space at the end of the line'
    if path.endswith(('.c', '.h')):
        yield from c_findings(path, text)


def findings(root):
    for path in listed(root):
        with open(os.path.join(root, path), 'rb') as file:
            text = file.read().decode('utf-8', 'replace')
        for number, what in file_findings(path, text):
            yield '%s:%d: %s' % (path, number, what)


def main():
    found = list(findings(sys.argv[1] if len(sys.argv) > 1 else '.'))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
