#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How well real reports are understood: the scorer of a corpus ($BOUNCED_CORPUS, a folder with messages/,
truth.jsonl and score.py) must count no less than what was reached before, and no false positive."""
import glob
import json
import os
import subprocess
import sys
import tempfile

import harness
import tap

# [right, scored], as of the last improvement: raise them with the next one, never lower them.
REACHED = {'rcpt': (666, 673), 'status': (464, 464), 'reason': (400, 410), 'hard': (396, 400),
           'feedback': (24, 24)}


def test_no_report_is_read_worse_than_before():
    folder = os.environ.get('BOUNCED_CORPUS')
    if not folder:
        raise tap.Skip('BOUNCED_CORPUS is not set')
    files = sorted(path for path in glob.glob(os.path.join(folder, 'messages', '**'), recursive=True)
                   if os.path.isfile(path))
    with tempfile.TemporaryDirectory() as scratch:
        results, score = os.path.join(scratch, 'results.jsonl'), os.path.join(scratch, 'score.json')
        with open(results, 'wb') as out:
            subprocess.run([harness.BOUNCED, 'parse', '--files-from', '-'], stdout=out, check=True,
                           input='\n'.join(files).encode(), timeout=300)
        subprocess.run([sys.executable, os.path.join(folder, 'score.py'), results, '--json', score],
                       stdout=subprocess.DEVNULL, check=True, timeout=300)
        with open(score, encoding='utf-8') as file:
            counted = json.load(file)['ALL']
    worse = {name: counted[name] for name, (right, _) in REACHED.items() if counted[name][0] < right}
    assert not worse, worse
    assert all(counted[name][1] == scored for name, (_, scored) in REACHED.items()), counted
    assert counted['falsepos'][0] == 0, counted


tap.main(globals())
