/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of readers. To add a dialect: write parser/readers/<name>.c, which defines
 * `const struct reader reader_<name>`, and name it here. Of readers with equal scores the earlier
 * one wins, so what is machine-readable stands before what is guessed from words.
 */
#ifndef BOUNCED_PARSER_READERS_H
#define BOUNCED_PARSER_READERS_H

#include "parser/reader.h"

#define READER_LIST(X)                    \
	/* machine-readable */            \
	X(arf)                            \
	X(rfc3464)                        \
	X(mdn)                            \
	X(jmrp)                           \
	X(aggregate)                      \
	/* free text, one dialect each */ \
	X(googleworkspace)                \
	X(googlegroups)                   \
	X(gmail)                          \
	X(postfix)                        \
	X(mailru)                         \
	X(exim)                           \
	X(einsundeins)                    \
	X(gmx)                            \
	X(mxlogic)                        \
	X(zoho)                           \
	X(qmail)                          \
	X(yahoo)                          \
	X(x2)                             \
	X(x4)                             \
	X(sina)                           \
	X(sendmail)                       \
	X(activehunter)                   \
	X(v5sendmail)                     \
	X(dragonfly)                      \
	X(opensmtpd)                      \
	X(exchange2007)                   \
	X(exchange2003)                   \
	X(domino)                         \
	X(notes)                          \
	X(amazonses)                      \
	X(amazonworkmail)                 \
	X(messagingserver)                \
	X(imailserver)                    \
	X(x1)                             \
	X(x3)                             \
	X(x6)                             \
	X(ezweb)                          \
	X(kddi)                           \
	X(mfilter)                        \
	X(biglobe)                        \
	X(fml)                            \
	X(courier)                        \
	X(surfcontrol)                    \
	X(messagelabs)                    \
	X(mailenable)                     \
	X(mdaemon)                        \
	X(intermail)                      \
	X(barracuda)                      \
	X(sendgrid)                       \
	X(mailfoundry)                    \
	X(mailmarshal)                    \
	X(mimecast)                       \
	X(mcafee)                         \
	X(trendmicro)                     \
	X(apachejames)                    \
	X(verizon)                        \
	X(aol)                            \
	X(smail)                          \
	X(smtpsvc)                        \
	X(communigate)                    \
	X(lsmtp)                          \
	X(ironport)                       \
	X(groupwise)                      \
	X(dovecot)                        \
	X(stalwart)                       \
	X(criticalpath)                   \
	X(powermta)                       \
	X(generic)                        \
	/* not a bounce */                \
	X(challenge)                      \
	X(unsubscribe)                    \
	X(autoreply)

/* All that the generic reader ever gives: where another read as much it need not be asked. */
#define READER_GENERIC_SCORE 20

#define X(name) extern const struct reader reader_##name;
READER_LIST(X)
#undef X

#endif
