#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`bounced parse`: files in, a JSON object a line out, in order, whatever the files are."""
import glob
import json
import os
import subprocess
import tempfile

import harness
import tap

FIXTURES = sorted(glob.glob(os.path.join(os.path.dirname(__file__), '../fixtures/*/*.eml')))


def run(*arguments, stdin=b''):
    done = subprocess.run([harness.BOUNCED, 'parse', *arguments], input=stdin, capture_output=True,
                          timeout=120)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_reports_come_in_the_order_of_the_files():
    files = FIXTURES * 20
    code, reports, err = run('--files-from', '-', stdin='\n'.join(files).encode())
    assert (code, err) == (0, ''), (code, err)
    assert [report['file'] for report in reports] == files
    for file, report in zip(files, reports):
        with open(file[:-len('eml')] + 'json', encoding='utf-8') as expected:
            assert report == {'file': file, **json.load(expected)}, file


def test_operands_and_standard_input():
    with open(FIXTURES[0], 'rb') as fixture:
        message = fixture.read()
    code, (report, again), _ = run(FIXTURES[0], '-', stdin=message)
    assert code == 0 and report['file'] == FIXTURES[0] and again['file'] == '-'
    assert {**report, 'file': ''} == {**again, 'file': ''}


def test_a_file_that_cannot_be_read_does_not_stop_the_others():
    code, reports, err = run(FIXTURES[0], '/nonexistent/file', FIXTURES[1])
    assert code == 1 and '/nonexistent/file: No such file or directory' in err, (code, err)
    assert [report['file'] for report in reports] == FIXTURES[:2], reports
    code, reports, err = run('/')
    assert code == 1 and reports == [] and 'Is a directory' in err, (code, err)


def test_explain_says_how_the_verdict_came_about():
    file = next(name for name in FIXTURES if name.endswith('rfc3464/several.eml'))
    _, (plain,), _ = run(file)
    _, (explained,), _ = run('--explain', file)
    trail = explained.pop('trail')
    assert explained == plain
    assert trail[0].startswith('reader rfc3464: bounce, 4 recipients'), trail
    assert any('second@two.example: userunknown by ' in line for line in trail), trail


def test_rules_and_vocabulary():
    file = next(name for name in FIXTURES if name.endswith('rfc3464/several.eml'))
    _, (plain,), _ = run(file)
    _, (worded,), _ = run('--vocabulary', 'ses', file)
    words = [(r['reason'], r.pop('ses_class'), r.pop('ses_detail')) for r in worded['recipients']]
    assert words[:3] == [('delivered', '', ''), ('userunknown', 'Permanent', 'General'),
                         ('mailboxfull', 'Transient', 'MailboxFull')], words
    assert worded == plain
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, '10-ours.rules'), 'w') as rules:
            rules.write('rule ours/all\n\treason hasmoved\n\tstatus 5.1.1\n\texample 550 5.1.1 gone\n')
        _, (ours,), _ = run('--rules', folder, file)
        with open(os.path.join(folder, '20-broken.rules'), 'w') as rules:
            rules.write('rule broken\n\traeson blocked\n')
        code, reports, err = run('--rules', folder, file)
    assert (code, reports) == (1, []) and '20-broken.rules:2: ' in err, (code, err)
    assert 'ours/all' in {r.get('rule') for r in ours['recipients']}, ours


def test_sizes():
    with tempfile.TemporaryDirectory() as folder:
        empty, large = os.path.join(folder, 'empty'), os.path.join(folder, 'large')
        open(empty, 'wb').close()
        with open(large, 'wb') as out:
            out.write(b'Subject: large\n\n' + b'x' * (33 << 20))
        code, (first, second, last), _ = run(empty, large, FIXTURES[0])
        assert code == 0 and first['kind'] == 'none', first
        assert (second['kind'], second['quarantine']) == ('quarantined', 'message too large'), second
        assert last['kind'] != 'quarantined', last


def test_usage():
    for arguments in ([], ['--files-from', '-', 'file'], ['--nonesuch'], ['--vocabulary', 'SES', 'file']):
        code, reports, err = run(*arguments)
        assert code == 2 and reports == [] and err != '', (arguments, code, err)
    code, _, err = run('--files-from', '/nonexistent/list')
    assert code == 1 and 'No such file' in err, (code, err)


tap.main(globals())
