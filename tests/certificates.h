/* SPDX-License-Identifier: Apache-2.0 */
/* Self-signed certificates and their keys, for tests only, valid for a hundred years. The first is
 * for mx.example and *.wild.example, the second for other.example. */
#ifndef BOUNCED_TESTS_CERTIFICATES_H
#define BOUNCED_TESTS_CERTIFICATES_H

#define TEST_CERTIFICATE_1                                                   \
	"-----BEGIN CERTIFICATE-----\n"                                      \
	"MIIBpzCCAU6gAwIBAgIUI0VZ/03L5WzkULt8/yY1JRkQfN8wCgYIKoZIzj0EAwIw\n" \
	"FTETMBEGA1UEAwwKbXguZXhhbXBsZTAgFw0yNjExMjIwNzE1NTJaGA8yMTI2MTAy\n" \
	"OTA3MTU1MlowFTETMBEGA1UEAwwKbXguZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG\n" \
	"SM49AwEHA0IABB06LPo78OODvMuqRiawAXTo6yNAcB0WCaaZyvMo0i2HrWJliI1T\n" \
	"ulZ5tp5yCFQnxVeMD9zdGtPnd1v8SEaVTM+jejB4MB0GA1UdDgQWBBQ79ttBi42v\n" \
	"QZNKSau74NgzjaqsCDAfBgNVHSMEGDAWgBQ79ttBi42vQZNKSau74NgzjaqsCDAP\n" \
	"BgNVHRMBAf8EBTADAQH/MCUGA1UdEQQeMByCCm14LmV4YW1wbGWCDioud2lsZC5l\n" \
	"eGFtcGxlMAoGCCqGSM49BAMCA0cAMEQCIGu2fueWrfw880QFskrSZ+xyr6etsXLd\n" \
	"ZPRSTNW6N2WUAiA7IP7ilXX0oxgWWW3Vq/XFPGkLoFK2ZwQIHEyC1LCWAA==\n"     \
	"-----END CERTIFICATE-----\n"

#define TEST_KEY_1                                                           \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgH1vYzJy9SUeCqcLN\n" \
	"tUe0WGb+VRyAJvdw6iIydXyGBGShRANCAAQdOiz6O/Djg7zLqkYmsAF06OsjQHAd\n" \
	"FgmmmcrzKNIth61iZYiNU7pWebaecghUJ8VXjA/c3RrT53db/EhGlUzP\n"         \
	"-----END PRIVATE KEY-----\n"

#define TEST_CERTIFICATE_2                                                   \
	"-----BEGIN CERTIFICATE-----\n"                                      \
	"MIIBoDCCAUegAwIBAgIUcl4rqCB1bHpiV5iyNGoi0vnijaMwCgYIKoZIzj0EAwIw\n" \
	"GDEWMBQGA1UEAwwNb3RoZXIuZXhhbXBsZTAgFw0yNjExMjIwNzE1NTJaGA8yMTI2\n" \
	"MTAyOTA3MTU1MlowGDEWMBQGA1UEAwwNb3RoZXIuZXhhbXBsZTBZMBMGByqGSM49\n" \
	"AgEGCCqGSM49AwEHA0IABBM5Ba2ZTmJHIm1F0Z4BN+3x6LQHjQ/+Hlzt6PGr/2yR\n" \
	"LapbJceUpfSU5GeUKY27Y7kv5pGvWVCSEjg7/1nKU8ejbTBrMB0GA1UdDgQWBBQC\n" \
	"II1EjSba2wGa8i2A4HqBwH0ZbDAfBgNVHSMEGDAWgBQCII1EjSba2wGa8i2A4HqB\n" \
	"wH0ZbDAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDW90aGVyLmV4YW1wbGUw\n" \
	"CgYIKoZIzj0EAwIDRwAwRAIgLIF/9lnrHXyzfMVHn6DZZWuGGG5T76t7/YmtXac3\n" \
	"1ygCIBZ8pCrGn4A3QsEIKBGUKyu+JoOBCKisYpFfQr2bG0fN\n"                 \
	"-----END CERTIFICATE-----\n"

#define TEST_KEY_2                                                           \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSdQs8bv+iS/OJO42\n" \
	"v+f+bLacYkvjx58AzzwZgL+w/2+hRANCAAQTOQWtmU5iRyJtRdGeATft8ei0B40P\n" \
	"/h5c7ejxq/9skS2qWyXHlKX0lORnlCmNu2O5L+aRr1lQkhI4O/9ZylPH\n"         \
	"-----END PRIVATE KEY-----\n"

#endif
