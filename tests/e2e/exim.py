# SPDX-License-Identifier: Apache-2.0
"""Debian's Exim with a configuration, queue and port of its own. Postfix and Exim cannot both be installed,
so it is unpacked in build/debian."""
import glob
import os
import pwd
import socket
import subprocess

import debian
import harness
import tap

PROGRAM = os.path.join(debian.FOLDER, 'usr/sbin/exim4')
# Libraries of the program that may be missing, and their packages.
LIBRARIES = {'libidn.so': 'libidn12', 'libdb-5.3.so': 'libdb5.3', 'libnsl.so': 'libnsl2',
             'libgnutls-dane.so': 'libgnutls-dane0'}

CONFIGURATION = '''
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path = {folder}/pid
primary_hostname = exim.mta.example
keep_environment = ^LD_ : ^NSS_WRAPPER_
deliver_drop_privilege
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
smtp_accept_max_per_connection = 0
host_lookup =
rfc1413_query_timeout = 0s
acl_smtp_rcpt = accept
{settings}
begin routers
{routers}
begin transports
{transports}
begin retry
* * F,1h,1s
begin authenticators
{authenticators}
'''

ROUTER = '''
route{number}:
  driver = manualroute
  domains = {domain}
  route_data = 127.0.0.1
  self = send
  transport = transport{number}
'''


def environment():
    """The program runs as a user that its package would create; the wrapper lets it find that user."""
    wrapper = debian.find('libnss-wrapper', 'usr/lib/*/libnss_wrapper.so')
    return dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(wrapper), LD_PRELOAD=wrapper)


def missing_libraries():
    said = subprocess.run(['ldd', PROGRAM], env=environment(), check=True, capture_output=True, text=True)
    return [line.split()[0] for line in said.stdout.splitlines() if line.endswith('not found')]


def require():
    """Downloads what is not there yet."""
    debian.unpack('exim4-daemon-light')
    if os.stat(PROGRAM).st_mode & 0o4000:
        os.chmod(PROGRAM, 0o755)  # a set-user-ID program would ignore where its libraries are
    for library in missing_libraries():
        name = library.rstrip('.0123456789')
        if name not in LIBRARIES:
            raise tap.Skip('Exim needs ' + library)
        debian.unpack(LIBRARIES[name])


class Exim:
    """routes: domain → the lines of its transport; every other domain is undeliverable."""

    def __init__(self, routes, settings='', authenticators=''):
        require()
        self.folder = harness.temporary_folder()
        self.log = os.path.join(self.folder, 'log/main')
        self.port, = harness.free_ports(1)
        self.environment = environment()
        self.make_user()
        configuration = os.path.join(self.folder, 'conf')
        numbered = list(enumerate(routes.items()))
        with open(configuration, 'w') as file:
            file.write(CONFIGURATION.format(
                program=PROGRAM, folder=self.folder, port=self.port, settings=settings,
                authenticators=authenticators,
                routers=''.join(ROUTER.format(number=n, domain=domain) for n, (domain, _) in numbered),
                transports=''.join('transport%d:\n  %s\n' % (n, lines.replace('\n', '\n  '))
                                   for n, (_, lines) in numbered)))
        self.process = harness.start_process([PROGRAM, '-C', configuration, '-bdf', '-q1s'],
                                             os.path.join(self.folder, 'daemon.log'), env=self.environment)
        harness.atexit.register(self.stop)
        harness.wait_for(self.greets, 'Exim answers', 30)

    def make_user(self):
        user = pwd.getpwnam('nobody') if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        for name in ('spool', 'log'):
            os.mkdir(os.path.join(self.folder, name))
            os.chown(os.path.join(self.folder, name), user.pw_uid, user.pw_gid)
        for kind, entry in (('passwd', 'Debian-exim:x:%d:%d::/nonexistent:/bin/false\n' %
                             (user.pw_uid, user.pw_gid)), ('group', 'Debian-exim:x:%d:\n' % user.pw_gid)):
            path = os.path.join(self.folder, kind)
            with open(os.path.join('/etc', kind)) as ours, open(path, 'w') as file:
                file.write(ours.read() + entry)
            self.environment['NSS_WRAPPER_' + kind.upper()] = path

    def greets(self):
        if self.process.poll() is not None:
            raise AssertionError('Exim ended: ' + self.said())
        try:
            with socket.create_connection(('127.0.0.1', self.port), 30) as s:
                return s.recv(3) == b'220'
        except OSError:
            return False

    def said(self):
        names = [os.path.join(self.folder, name) for name in ('daemon.log', 'log/main', 'log/panic')]
        return ''.join(harness.tail(name) for name in names if os.path.exists(name))

    def queued(self):
        """Messages in the queue."""
        return len(glob.glob(os.path.join(self.folder, 'spool/input/*-H')))

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
