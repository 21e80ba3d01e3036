# SPDX-License-Identifier: Apache-2.0
"""Signs messages with DKIM (RFC 6376), rsa-sha256 and simple/simple, by the openssl program."""
import base64
import hashlib
import os
import subprocess


class Signer:
    def __init__(self, folder, domain, selector):
        self.domain, self.selector = domain, selector
        self.key = os.path.join(folder, '%s.pem' % domain)
        subprocess.run(['openssl', 'genrsa', '-out', self.key, '2048'], check=True, capture_output=True)

    def record(self):
        """(name, text) of its key in DNS."""
        der = subprocess.run(['openssl', 'rsa', '-in', self.key, '-pubout', '-outform', 'DER'], check=True,
                             capture_output=True).stdout
        return ('%s._domainkey.%s' % (self.selector, self.domain),
                'v=DKIM1; k=rsa; p=' + base64.b64encode(der).decode())

    def sign(self, message, headers=('From', 'To', 'Subject', 'Content-Type')):
        """The message with a signature on top. It ends with one CRLF and has each header once."""
        head, body = message.split(b'\r\n\r\n', 1)
        signature = 'DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=%s; s=%s; h=%s; bh=%s; b=' % (
            self.domain, self.selector, ':'.join(headers),
            base64.b64encode(hashlib.sha256(body).digest()).decode())
        fields = head.replace(b'\r\n ', b'\0').split(b'\r\n')
        signed = b''
        for name in headers:
            field, = [f for f in fields if f.lower().startswith(name.lower().encode() + b':')]
            signed += field.replace(b'\0', b'\r\n ') + b'\r\n'
        made = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', self.key], check=True,
                              input=signed + signature.encode(), capture_output=True).stdout
        return signature.encode() + base64.b64encode(made) + b'\r\n' + message
