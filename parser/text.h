/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools for readers of free text: who sent the notice, where the notice ends and the returned
 * message begins, addresses and hosts in running text, list of failed recipients, and what a quoted
 * SMTP reply says. Text is UTF-8 with LF or CRLF; all results point into it unless said otherwise.
 *
 * Lists of words are arrays of C strings that end with NULL; matching ignores ASCII case.
 */
#ifndef BOUNCED_PARSER_TEXT_H
#define BOUNCED_PARSER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "parser/message.h"
#include "parser/reader.h"

/* What a banner is looked for in: notices say what they are in their first lines. */
#define TEXT_BANNER_BYTES 8192

/* Finds out, once the message is filled, what readers will ask again and again. */
void text_prepare(struct message *message);

/* The first of the words that text contains, or NULL. NULL words: NULL. */
const char *text_has(struct slice text, const char *const words[]);
/* text_has() in the beginning of the message's text; not in a line that is quoted with ">". */
const char *text_has_banner(const struct message *message, const char *const words[]);
/* text_has() in the decoded value of that header. */
const char *text_header_has(const struct message *message, const char *name,
			    const char *const words[]);

/*
 * Whether a mail system speaks: From is mailer-daemon, postmaster or the like, or the return path
 * is empty. Evidence, no proof: every dialect asks for its own banner too.
 */
bool text_from_daemon(const struct message *message);
/* Whether From alone says so: people's automatic replies have an empty return path, too. */
bool text_named_daemon(const struct message *message);

/*
 * The part of text before the first line that begins with one of the markers, white space and the
 * ornaments "-=*_#>|" in front of it aside. *ret_returned is what follows that line; empty where
 * there is no such line.
 */
struct slice text_split(struct slice text, const char *const markers[], struct slice *ret_returned);
/* Whether line begins with one of the markers in that sense; ret_rest is what follows it. */
bool text_line_starts(struct slice line, const char *const markers[], struct slice *ret_rest);
/* What follows the first of the words in text, up to the end; empty where there is none. */
struct slice text_after(struct slice text, const char *word);

/* What stands behind `label` on the first line that begins with it, white space aside; or empty. */
struct slice text_row(struct slice text, const char *label);

/* The first mail address in running text: bare, in <…>, or with a quoted local part. */
bool text_find_address(struct slice text, struct slice *ret_address);
/* The address that text is, white space, quotes, <…> and a type such as "rfc822;" aside. */
bool text_whole_address(struct slice text, struct slice *ret_address);
/* The address of a local user whom the notice names without his domain: that of its From. The name
 * itself where From has none. In the arena. */
struct slice text_complete(const struct message *message, struct slice name);
/* The host that text names as the other side: "host mx.example[192.0.2.1] said"; or empty. */
struct slice text_find_host(struct slice text);

/* How the line of a failed recipient looks. */
enum text_form {
	TEXT_ANY = 0,
	TEXT_ANGLE = 1 << 0,       /* the address stands in <…> */
	TEXT_COLON = 1 << 1,       /* a colon follows it */
	TEXT_ALONE = 1 << 2,       /* nothing else stands on the line */
	TEXT_LOCAL = 1 << 3,       /* a name without domain will do */
	TEXT_BLANK_ENDS = 1 << 4,  /* what is said about it ends at an empty line */
	TEXT_SAME_INDENT = 1 << 5, /* all stand as far to the right as the first */
	TEXT_ANYWHERE =
		1 << 6, /* somewhere in a line, which then belongs to what is said about it */
};

struct text_entry {
	struct slice address;
	struct slice original; /* of "(expanded from <…>)" and its kin */
	struct slice body; /* what is said about it: the rest of its line, and the lines below */
};

struct text_entries {
	struct slice rest;
	unsigned form;
	size_t indent; /* of the first entry; SIZE_MAX before it */
};

/* Walks the recipients listed in text. `form` is a set of enum text_form. */
void text_entries_init(struct text_entries *entries, struct slice text, unsigned form);
bool text_entries_next(struct text_entries *entries, struct text_entry *ret_entry);

/* One line: runs of white space become one space, and the codes that head each line of a long SMTP
 * reply ("550-5.1.1 …") are kept only once. In the arena, at most LIMIT_DIAGNOSTIC bytes. */
struct slice text_fold(struct arena *arena, struct slice text);

struct text_reply {
	struct slice code;   /* three digits, 4xx or 5xx */
	struct slice status; /* RFC 3463 */
};
/* The SMTP reply that text quotes. Numbers that merely look like a reply code do not count: one
 * must begin a line, be followed by a status, or stand where a reply is announced ("said: 550"). */
struct text_reply text_reply_find(struct slice text);

/* The SMTP step that was refused, where text says so: "CONN", "HELO", "MAIL", "RCPT", "DATA". */
struct slice text_find_command(struct slice text);

/* The name that follows `words` in text up to white space, without a dot or colon at its end: the
 * host of "This is the mail system at host mx.example." */
struct slice text_name_after(struct slice text, const char *words);

/* Sets the diagnostic, and with it the status, reply code, command and remote MTA that it names.
 * What is set already stays. Nothing happens where words is blank. */
void text_diagnose(struct arena *arena, struct slice words, struct report_recipient *recipient);

/*
 * Adds a recipient with what is said about it and the action that the reading's kind implies. An
 * address that the reading has already gets what it lacks. Returns the recipient, NULL past the
 * limit.
 */
struct report_recipient *text_add(const struct message *message, struct reading *reading,
				  struct slice address, struct slice words);
/*
 * For notices that name nobody: the one recipient that X-Failed-Recipients or the returned message
 * names (Delivered-To, To). Nothing where there are several or none. Returns whether one was added.
 */
bool text_add_returned(const struct message *message, struct reading *reading, struct slice words);

#endif
