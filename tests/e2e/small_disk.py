# SPDX-License-Identifier: Apache-2.0
"""Disks that are small enough to fill: tmpfs, mounted where only this test and what it starts can see it."""
import atexit
import contextlib
import ctypes
import functools
import os
import pwd
import subprocess

import harness
import tap

CLONE_NEWNS = 0x00020000


@functools.cache
def private_mounts():
    """What is mounted from now on ends with this process."""
    if os.geteuid() != 0:
        raise tap.Skip('only root can mount')
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise tap.Skip('no mount namespace: ' + os.strerror(ctypes.get_errno()))
    subprocess.run(['mount', '--make-rprivate', '/'], check=True, stdin=subprocess.DEVNULL)


class SmallDisk:
    """path: a folder of `owner` with room for `size` bytes. Begin a test with it: only what is started later
    sees it."""

    def __init__(self, size, owner='root'):
        private_mounts()
        self.path = harness.temporary_folder()
        self.ballast = os.path.join(self.path, 'ballast')
        options = 'size=%d,mode=755,uid=%s' % (size, pwd.getpwnam(owner).pw_uid)
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'small-disk', self.path],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise tap.Skip('cannot mount: ' + done.stderr.strip())
        atexit.register(subprocess.run, ['umount', '--lazy', self.path], stdin=subprocess.DEVNULL)

    def room(self):
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def fill(self, leave=0):
        """All but `leave` bytes are taken."""
        with open(self.ballast, 'ab', buffering=0) as file:
            while (room := self.room() - leave) > 0:
                # Others may be quicker to take the last of it.
                with contextlib.suppress(OSError):
                    file.write(b'\0' * min(room, 1024 * 1024))

    def free(self):
        os.unlink(self.ballast)
