# SPDX-License-Identifier: Apache-2.0
"""Debian's Postfix with a configuration, queue and ports of its own, and a next hop that refuses."""
import os
import shutil
import socket
import threading

import harness
import tap

DAEMONS = '/usr/lib/postfix/sbin'

MAIN = '''
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mta.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtpd_tls_security_level = none
'''

# service type private unpriv chroot wakeup maxproc command
MASTER = '''
{port} inet n - n - 100 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
'''

# queue folder → owner, group, mode
QUEUE = {name: ('postfix', 'root', 0o700) for name in (
    'active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private', 'saved',
    'trace')}
QUEUE.update({'maildrop': ('postfix', 'postdrop', 0o730), 'public': ('postfix', 'postdrop', 0o710),
              'pid': ('root', 'root', 0o755)})


def require():
    if os.geteuid() != 0:
        raise tap.Skip('Postfix needs root')
    if not os.path.exists(os.path.join(DAEMONS, 'master')):
        raise tap.Skip('Postfix is not installed')


class Postfix:
    """routes: domain → a port on the loopback interface, or transport:nexthop; every other domain is
    undeliverable."""

    def __init__(self, routes, settings=()):
        require()
        self.folder = harness.temporary_folder()
        self.log = os.path.join(self.folder, 'log')
        self.port, = harness.free_ports(1)
        self.make_folders()
        with open(os.path.join(self.folder, 'main.cf'), 'w') as file:
            file.write(MAIN.format(folder=self.folder, daemons=DAEMONS))
            file.write('default_transport = error:no route in this test\n')
            file.write('transport_maps = inline:{ %s }\n' % ', '.join(
                '{ %s = %s }' % (domain, to if isinstance(to, str) else 'smtp:[127.0.0.1]:%d' % to)
                for domain, to in routes.items()))
            file.write(''.join(line + '\n' for line in settings))
        with open(os.path.join(self.folder, 'master.cf'), 'w') as file:
            file.write(MASTER.format(port=self.port))
        self.process = harness.start_process([os.path.join(DAEMONS, 'master'), '-c', self.folder, '-d'],
                                             os.path.join(self.folder, 'master.log'))
        harness.atexit.register(self.stop)
        harness.wait_for(self.greets, 'Postfix answers', 30)

    def make_folders(self):
        data = os.path.join(self.folder, 'data')
        queue = os.path.join(self.folder, 'queue')
        os.mkdir(data, 0o700)
        shutil.chown(data, 'postfix')
        os.mkdir(queue, 0o755)
        for name, (owner, group, mode) in QUEUE.items():
            path = os.path.join(queue, name)
            os.mkdir(path)
            shutil.chown(path, owner, group)
            os.chmod(path, mode)

    def greets(self):
        if self.process.poll() is not None:
            raise AssertionError('Postfix ended: ' + self.said())
        try:
            with socket.create_connection(('127.0.0.1', self.port), 30) as s:
                return s.recv(3) == b'220'
        except OSError:
            return False

    def said(self):
        names = [name for name in ('log', 'master.log') if os.path.exists(os.path.join(self.folder, name))]
        return ''.join(harness.tail(os.path.join(self.folder, name)) for name in names)

    def queued(self):
        """Messages in the queue."""
        return sum(len(names) for name in ('incoming', 'active', 'deferred', 'hold', 'maildrop')
                   for _, _, names in os.walk(os.path.join(self.folder, 'queue', name)))

    def stop(self):
        """SIGTERM to the master ends the daemons that it started."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


class RefusingServer:
    """A next hop that answers every RCPT with one reply, and takes nothing."""

    def __init__(self, reply='550 5.1.1 <%s>: Recipient address rejected: User unknown'):
        self.reply = reply
        self.server = socket.create_server(('127.0.0.1', 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(client,), daemon=True).start()

    def session(self, client):
        with client, client.makefile('rb') as commands:
            client.sendall(b'220 mx.refused.example ESMTP\r\n')
            for line in commands:
                client.sendall(self.answer(line.decode().strip()).encode() + b'\r\n')
                if line.upper().startswith(b'QUIT'):
                    return

    def answer(self, command):
        verb = command[:4].upper()
        if verb == 'EHLO':
            return '250-mx.refused.example\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES'
        if verb == 'RCPT':
            address = command[command.index('<') + 1:command.rindex('>')]
            return self.reply % address if '%s' in self.reply else self.reply
        if verb == 'DATA':
            return '554 5.5.1 no valid recipients'
        return '221 2.0.0 bye' if verb == 'QUIT' else '250 2.0.0 ok'

    def close(self):
        self.server.close()
