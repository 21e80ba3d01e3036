# SPDX-License-Identifier: Apache-2.0
"""Programs and libraries of Debian's that a test wants and that must not be installed (Postfix and Exim exclude
each other): downloaded once and unpacked in build/debian."""
import glob
import os
import subprocess

import harness
import tap

FOLDER = os.path.join(harness.ROOT, 'build/debian')


def unpack(package):
    """Where the packages are unpacked, this one as well."""
    done = os.path.join(FOLDER, package + '.unpacked')
    if os.path.exists(done):
        return FOLDER
    os.makedirs(FOLDER, exist_ok=True)
    download = subprocess.run(['apt-get', 'download', '-o', 'APT::Sandbox::User=root', package], cwd=FOLDER,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    if download.returncode != 0:
        raise tap.Skip('%s cannot be downloaded: %s' % (package, download.stderr.decode('utf-8', 'replace')))
    file, = glob.glob(os.path.join(FOLDER, package + '_*.deb'))
    subprocess.run(['dpkg', '-x', file, FOLDER], check=True)
    os.rename(file, done)
    return FOLDER


def find(package, pattern):
    """The one file of the package that fits the pattern."""
    found, = glob.glob(os.path.join(unpack(package), pattern))
    return found
