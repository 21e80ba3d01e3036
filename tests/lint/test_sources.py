#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sources.py must find what it is there to find, and nothing else."""
import os
import sys

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import sources
import tap

SPDX = '/* SPDX-License-Identifier: Apache-2.0 */\n'

# path, line, part of what must be found; '' for nothing
CASES = [
    ('core/buf.c', '#include "core/buf.h"', ''),
    ('core/buf.c', '#include "store/commit.h"', 'core may not include'),
    ('parser/parser.c', '#include "ingest/server.h"', 'parser may not include'),
    ('ingest/server.c', '#include "store/commit.h"', 'ingest may not include'),
    ('store/commit.c', '#include "api/view.h"', 'store may not include'),
    ('api/view.c', '#include "store/commit.h"', ''),
    ('api/view.c', '#include "parser/parser.h"', 'api may not include'),
    ('app/main.c', '#include "parser/parser.h"', ''),
    ('core/buf.c', '#include "buf.h"', 'must be named with its folder'),
    ('core/buf.c', '/* #include "store/commit.h" */', ''),
    ('parser/mime.c', '#include <gmime/gmime.h>', ''),
    ('parser/parser.c', '#include <gmime/gmime.h>', 'belongs to parser/mime.c'),
    ('app/main.c', '#include <libpq-fe.h>', 'belongs to store/'),
    ('tests/unit/core_buf.c', '#include "api/view.h"', 'core may not include'),
    ('tests/db/store_commit.c', '#include "store/commit.h"', ''),
    ('app/main.c', 'int fd = connect(s, a, n);', 'no SMTP client'),
    ('app/demo.c', 'int fd = connect(s, a, n);', ''),
    ('app/main.c', 'on_connect(s); service->connect(s);', ''),
    ('app/main.c', 'execl("/usr/sbin/sendmail", "x");', 'looks like sending mail'),
    ('parser/readers/sendmail.c', 'static const char NAME[] = "Sendmail";', ''),
    ('core/buf.c', 'strcpy(a, b);', 'strcpy()'),
    ('core/buf.c', 'my_strcpy(a, b);', ''),
    ('core/buf.c', '/* strcpy() is banned */', ''),
    ('parser/parser.c', 'log_event(LOG_INFO, "x");', 'never log'),
    ('core/buf.c', 'int x; ', 'white space'),
]


def test_cases():
    for path, line, expected in CASES:
        found = [what for _, what in sources.file_findings(path, SPDX + line + '\n')]
        assert len(found) == bool(expected), (path, line, found)
        assert not expected or expected in found[0], (path, line, found)


def test_spdx_line():
    assert list(sources.file_findings('core/a.c', 'int x;\n')) == [(1, 'no SPDX line')]
    assert list(sources.file_findings('docs/a.md', 'text\n')) == []


def test_every_banned_call_is_found():
    for call in sources.BANNED_CALLS:
        found = list(sources.file_findings('core/a.c', SPDX + 'x = %s(y);\n' % call))
        assert len(found) == 1, call


tap.main(globals())
