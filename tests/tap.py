# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of a Python file and says how they ended in TAP, as the unit tests do.

A test file is a script whose functions test_…() are tests; its last line is `tap.main(globals())`.
"""
import signal
import sys
import traceback


class Skip(Exception):
    """A test that cannot run here; its text says why."""


def main(names):
    """Runs every test_…() in the order written. Arguments choose tests by a part of their name."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = sys.argv[1:]
    tests = [(name[len('test_'):], test) for name, test in names.items() if name.startswith('test_')
             and (not chosen or any(word in name for word in chosen))]
    print('1..%d' % len(tests))
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print('ok %d - %s' % (number, name), flush=True)
        except Skip as why:
            print('ok %d - %s # SKIP %s' % (number, name, why), flush=True)
        except Exception:
            failed += 1
            print('not ok %d - %s' % (number, name))
            for line in traceback.format_exc().rstrip().split('\n'):
                print('# ' + line, flush=True)
    sys.exit(1 if failed else 0)
