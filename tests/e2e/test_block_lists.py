#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""DNS block lists: who is listed is noted or turned away, and lists that fail cost nobody anything."""
import ipaddress
import os
import socket
import subprocess
import time

import dns
import harness
import mail
import tap

PROXY = '127.0.0.2'
TIMEOUT = 1.0
TAG, DEFER, REFUSE = 'tag.dnsbl.example', 'defer.dnsbl.example', 'key0123.dnsbl.example'
ROLE = 'abuse@' + harness.DOMAIN
LMTP, = harness.free_ports(1)


def listing(client, zone, *answers):
    """The list's record for a client."""
    address = ipaddress.ip_address(client)
    name = address.reverse_pointer.replace('in-addr.arpa', zone).replace('ip6.arpa', zone)
    return {name: [dns.a(answer) for answer in answers]}


server = dns.Server({
    **listing('198.51.100.1', TAG, '127.0.0.2'),
    **listing('198.51.100.2', DEFER, '127.0.0.2'),
    **listing('198.51.100.3', REFUSE, '127.0.0.11'), **listing('198.51.100.3', TAG, '127.0.0.2'),
    **listing('198.51.100.4', REFUSE, '127.0.0.12'),  # does not count
    **listing('198.51.100.5', REFUSE, '127.255.255.254'),
    **listing('198.51.100.6', REFUSE, '127.0.0.2', '127.255.255.252'),
    **listing('2001:db8::bad', REFUSE, '127.0.0.2'),
    **{name: record for zone in (TAG, DEFER, REFUSE)
       for name, record in listing('198.51.100.7', zone, '127.0.0.2').items()},
    **listing('127.0.0.1', REFUSE, '127.0.0.2'),
    **{name: record for number in range(1, 255)
       for name, record in listing('203.0.113.%d' % number, REFUSE, '127.0.0.2').items()},
}, ttl=0)
fresh = iter('203.0.113.%d' % number for number in range(1, 255))
service = harness.Service(
    harness.Cluster(), ingest__processes=1, dns__server=server.address, smtp__proxy_networks=PROXY,
    smtp__error_delay_ms=0, lmtp__port=LMTP, lmtp__proxy_networks=PROXY,
    dnsbl__tag=TAG, dnsbl__defer=DEFER, dnsbl__refuse='hidden:%s=127.0.0.2-127.0.0.11' % REFUSE,
    dnsbl__timeout_ms=int(TIMEOUT * 1000)).start()


def session(client, port=None, **options):
    family = 'TCP6' if ':' in client else 'TCP4'
    header = 'PROXY %s %s %s 40000 25\r\n' % (family, client, '2001:db8::1' if ':' in client else '192.0.2.1')
    connection = socket.create_connection(('127.0.0.1', port or service.smtp_port), 30, source_address=(PROXY, 0))
    return mail.Smtp(connection, first=header.encode(), **options)


def rcpt(client, recipient=ROLE):
    """What RCPT answers."""
    with session(client) as smtp:
        assert smtp.command('MAIL FROM:<>')[0] == 250
        return smtp.command('RCPT TO:<%s>' % recipient)


def flags(client, number, port=None, **options):
    """What the API says of a report that the client brought to a valid token."""
    token = service.token(ref=str(number))
    with session(client, port, **options) as smtp:
        reply = smtp.deliver(token, mail.dsn(token, 'someone@recipient.example', number=number))
    assert reply[0] == 250, reply
    stored = service.http.get('/v1/reports/' + mail.report_id(reply))
    assert stored['trust'] == 'verified', stored
    return (stored['envelope']['flags'] or '').split()


def questions(client):
    """How often the lists were asked about it."""
    start = ipaddress.ip_address(client).reverse_pointer.rsplit('.', 2)[0] + '.'
    return sum(name.startswith(start) and name.endswith('dnsbl.example') for name in server.asked)


def failures():
    with open(service.log, errors='replace') as file:
        return sum('"block_list_failing"' in line for line in file)


def recover():
    """Nobody waits for a list that failed until it was heard again; each client is asked about once."""
    harness.wait_for(lambda: rcpt(next(fresh))[0] == 550 and rcpt(next(fresh))[0] == 550, 'the list is heard again', 60)


def test_a_tag_is_stored_and_nothing_else_changes():
    assert rcpt('198.51.100.1')[0] == 250
    # nobody waits for a tag; the second time at the latest it is remembered
    harness.wait_for(lambda: flags('198.51.100.1', time.monotonic_ns()) == ['listed:' + TAG], 'it is tagged')
    assert flags('198.51.100.9', 1) == []


def test_turned_away():
    before = service.refused()['listed']
    assert rcpt('198.51.100.2') == (451, '4.7.1 Client host is listed by ' + DEFER)
    # the zone holds a key, which is nobody's business
    assert rcpt('198.51.100.3') == (550, '5.7.1 Client host is listed by hidden')
    assert rcpt('198.51.100.3', 'nonsense@' + harness.DOMAIN)[0] == 550
    assert service.refused()['listed'] == before + 3


def test_what_proves_itself_comes_through():
    assert rcpt('198.51.100.3', service.token(ref='2'))[0] == 250
    assert set(flags('198.51.100.3', 3)) == {'listed:hidden', 'listed:' + TAG}
    # RFC 5321 4.5.1
    assert rcpt('198.51.100.3', 'postmaster')[0] == 250
    assert rcpt('198.51.100.3', 'Postmaster@' + harness.DOMAIN)[0] == 250


def test_ipv6():
    assert rcpt('2001:db8::bad')[0] == 550
    assert rcpt('2001:db8::900d')[0] == 250
    assert rcpt('::ffff:198.51.100.3')[0] == 550


def test_answers_that_do_not_count():
    assert rcpt('198.51.100.4')[0] == 250
    before = failures()
    assert rcpt('198.51.100.5')[0] == 250
    assert rcpt('198.51.100.6')[0] == 250
    assert failures() == before + 1, 'the log has it once'
    recover()


def test_it_is_asked_once():
    # nobody but the service itself may keep these answers
    for _ in range(3):
        assert rcpt('198.51.100.7')[0] == 550
    assert questions('198.51.100.7') == 3, 'one for each list'


def test_who_is_never_asked_about():
    # trusted, though the list has it
    with mail.Smtp(service.smtp_port) as smtp:
        assert smtp.command('MAIL FROM:<>')[0] == 250
        assert smtp.command('RCPT TO:<%s>' % ROLE)[0] == 250
    assert questions('127.0.0.1') == questions(PROXY) == 0
    # a mail server in front, even where it is a proxy's client and listed
    assert flags('198.51.100.3', 4, LMTP, verb='LHLO') == []
    assert flags('198.51.100.30', 5, LMTP, verb='LHLO') == []
    assert questions('198.51.100.30') == 0


def timed(call, *arguments):
    begin = time.monotonic()
    result = call(*arguments)
    return result, time.monotonic() - begin


def test_silence():
    """What proves itself waits for no list, others once; and the service is as fast as ever."""
    server.silent = True
    try:
        found, took = timed(flags, '198.51.100.40', 6)
        assert found == [] and took < TIMEOUT, took
        (code, _), took = timed(rcpt, '198.51.100.41')
        assert code == 250 and took < TIMEOUT * 5, took
        harness.wait_for(lambda: '"no answer' in open(service.log).read(), 'the log has it')
        for number in range(42, 47):
            (code, _), took = timed(rcpt, '198.51.100.%d' % number)
            assert code == 250 and took < TIMEOUT, took
        # known before
        assert rcpt('198.51.100.3')[0] == 550
    finally:
        server.silent = False
    recover()


def test_wrong_lists_are_refused():
    text = open(service.configuration).read()
    for line, expected in (('dnsbl.tag = a..example', 'dnsbl.tag: a..example is no'),
                           ('dnsbl.refuse = bl.example=127.255.255.1', 'dnsbl.refuse: bl.example='),
                           ('dnsbl.defer = ' + ' '.join('l%d.example' % i for i in range(9)), 'one too many')):
        path = os.path.join(service.folder, 'wrong.conf')
        with open(path, 'w') as file:
            file.write('\n'.join(l for l in text.splitlines() if not l.startswith('dnsbl.')) + '\n' + line + '\n')
        done = subprocess.run([service.program, '-c', path, 'check-config', '-q'], capture_output=True,
                                      timeout=60)
        assert done.returncode != 0 and expected in done.stderr.decode(), done.stderr


def test_stops_cleanly():
    service.stop()


tap.main(globals())
