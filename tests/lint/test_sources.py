#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sources.py must find what it is there to find, and nothing else."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sources

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


class Sources(unittest.TestCase):
    def test_cases(self):
        for path, line, expected in CASES:
            found = [what for _, what in sources.file_findings(path, SPDX + line + '\n')]
            with self.subTest(path=path, line=line):
                if expected:
                    self.assertEqual(len(found), 1, found)
                    self.assertIn(expected, found[0])
                else:
                    self.assertEqual(found, [])

    def test_spdx_line(self):
        self.assertEqual(list(sources.file_findings('core/a.c', 'int x;\n')), [(1, 'no SPDX line')])
        self.assertEqual(list(sources.file_findings('docs/a.md', 'text\n')), [])

    def test_every_banned_call_is_found(self):
        for call in sources.BANNED_CALLS:
            found = list(sources.file_findings('core/a.c', SPDX + 'x = %s(y);\n' % call))
            self.assertEqual(len(found), 1, call)


if __name__ == '__main__':
    unittest.main()
