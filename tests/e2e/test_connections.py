#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many connections that say nothing: what each costs, and that mail goes on meanwhile. On the program as
it is shipped, since sanitizers have a memory of their own. BOUNCED_SOAK=1: ten times as many."""
import os
import resource

import harness
import mail
import tap

TIMES = 10 if os.environ.get('BOUNCED_SOAK') else 1
PLAIN, TLS = 1000 * TIMES, 200 * TIMES
PLAIN_MAX, TLS_MAX = 8 * 1024, 40 * 1024

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

certificate, key = harness.certificate(harness.temporary_folder())
service = harness.Service(harness.Cluster(), program=os.path.join(harness.ROOT, 'build/bounced'),
                          tls__certificates=certificate, tls__keys=key).start()


held = []


def memory():
    """Bytes of the ingest processes that are their own."""
    total = 0
    for pid in service.processes('ingest'):
        with open('/proc/%d/smaps_rollup' % pid) as file:
            total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith('Private_'))
    return total


def deliver(ref):
    token = service.token(ref=ref)
    return mail.report_id(mail.deliver(service.smtp_port, token, mail.dsn(token, 'a%s@b.example' % ref)))


def cost(count, limit, connect):
    before = memory()
    sessions = [connect() for _ in range(count)]
    each = (memory() - before) / count
    print('# %d connections, %d bytes each' % (count, each))
    assert each <= limit, each
    deliver(str(count))
    held.extend(sessions)  # closed ones would leave their memory to the next


def test_idle_connections_in_clear():
    if most < PLAIN + 1000:
        raise tap.Skip('no more than %d descriptors' % most)
    cost(PLAIN, PLAIN_MAX, lambda: mail.Smtp(service.smtp_port))


def test_idle_connections_over_tls():
    context = mail.any_tls()
    if most < PLAIN + TLS + 1000:
        raise tap.Skip('no more than %d descriptors' % most)
    cost(TLS, TLS_MAX, lambda: mail.Smtp(service.smtp_port).starttls(context))


def test_stops_cleanly():
    service.stop()


tap.main(globals())
