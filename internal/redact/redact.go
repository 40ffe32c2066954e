// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package redact masks credentials in the JSON text of audit log entries.
//
// An entry's query_param, payload and response are strings that contain whatever the caller sent: JSON again (to
// any depth), form encoding, URLs, header lines, configuration, commands, chat messages, or plain text, possibly
// cut off. Text that is JSON is read as JSON, so that escapes and quotes have their meaning; any other text is
// searched for keys and their values.
//
// # Credential keys
//
// Keys are compared without case (in any script), width, '_', '-', space and trailing digits: app_secret,
// App-Secret, appSecret and APP_SECRET_2 are one key. A key that ends in one of the names of names.go is a
// credential: tokens, tickets, secrets, passwords and one-time codes, authorization and cookies, keys that give
// access or sign, and their Chinese names. A form's user[token], token[] and token[0] are keys, too, and further
// keys are found among the names in brackets.
//
// Names with many other meanings (credential, auth, session, signature, sk) count only if the value looks like a
// credential, or if they are a URL's parameter.
//
// # What stays
//
// Tokens that name a resource, as Feishu's documentation lists them (file_token, node_token, a base's
// app_token), places in a list (page_token, sync_token) and a caller's own id (client_token): they show what was
// read, and give no access without a credential. token, ticket and code have the meaning of the entry's own API.
// [ResourceTokens] masks these, too. A token with an unknown name is masked. Booleans and counts (total_tokens)
// are not secrets. An entry's own api_key, and any value of the form METHOD/path, is the name of an API.
//
// # Text
//
// Separators, quotes, brackets and spaces of every script, full-width letters, HTML entities and invisible
// characters are read as their plain forms. Marks, tags, remarks and line ends may be between a key and its
// value. After "password:" the value may be several words; a sentence that only mentions a password is kept.
// Without a separator ("the password is x", a cell of a table) the value has to look like a credential, or be
// below its key in a table whose first line has names. Code that refers to a credential is kept: a name with a
// path, an index, a call, a type. Literals in it are masked. Masked without a key are: what follows Bearer or
// Basic, passwords in URLs and options of commands, a bot's hook, and the few forms of values in forms.go.
//
// # What is not recognised
//
//   - code outside of the authen APIs, which exchange an authorization code for a token:
//     elsewhere it is the code of a result, a country, a currency
//   - a plain word after "the password is": wrong, compromised and hunter are of one form. In
//     quotes, as code, with a digit or a sign in it, or after a colon, it is masked
//   - a password in Chinese characters after a colon: what people write there is
//     请联系管理员, and fields for passwords do not take them. In quotes, or as the value of
//     the key in JSON or a form, it is masked
//   - pin and sid: a pinned message in Feishu's own API, and the id of a sheet, an account or a
//     session. redaction::keys takes them where they are credentials; a Cookie is masked as a whole
//   - a value that has nothing but its own look, and is no form of forms.go
//   - a password that only its place in a command tells, except for those of command.go, place.go and account.go:
//     Oracle's exp and imp, whose names are words, and net user without /add
//   - names in languages other than those of names.go, which has those of Feishu's and Lark's user interface:
//     wachtwoord, hasło, şifre. In these others only the password has a name: not токен, mã xác nhận. A name in
//     ASCII that begins with one: senha_atual
//   - 恢复代码 and backup code before anything but a word of letters and digits: they are code, too. A pin in
//     lower case
//   - a cell of a card's table in JSON that is cut off: its columns have ids
//   - a plain word in the column of a card after the one that names a password: the next column's name may be it
//   - @x and %x% of lower-case letters, $x with a name that variables have, and {x} with the name of a credential:
//     they are taken for variables
//   - a password that reads as code, outside of JSON and forms: a call, or a path whose first
//     name is one that programs keep settings under, as config.prod
//
// # Values
//
// A masked string is [Mask]; a masked number becomes the string [Mask], so that JSON stays JSON on every level.
// In an object or array under a credential key every value is masked, but not its keys. Of tables within some ten tables
// the outer ones are masked as a whole, so that reading takes linear time. Empty strings, null and
// values that are masked already are unchanged and not counted. [Redactor.Redact] returns how many values it
// masked, [Redactor.Explain] where and why.
package redact

import (
	"slices"
	"strings"
)

// Mask replaces a credential.
const Mask = "[REDACTED]"

// maxPasses limits how often one text is read; one or two passes are usual.
const maxPasses = 4

// Redactor masks credentials in the JSON text of audit log entries. It is safe
// for concurrent use.
type Redactor struct {
	keys   *keySet
	filter *filter
}

// Option is a setting of a Redactor.
type Option func(*keySet)

// ResourceTokens also masks the tokens that name resources, and the others of the keep list: file_token, a
// base's app_token, page_token.
func ResourceTokens(masked bool) Option { return func(k *keySet) { k.keep = !masked } }

// New returns a Redactor for the built-in credential keys and the given ones.
// A further key is compared like a built-in one, in any script, but as a whole:
// id_card does not match my_id_card. It matches user[id_card] and id_card[0].
func New(extraKeys []string, options ...Option) *Redactor {
	keys := newKeySet(extraKeys)
	for _, option := range options {
		option(keys)
	}
	return &Redactor{keys: keys, filter: newFilter(keys)}
}

// Redact returns text with the value of every credential masked, and the number of masked values. All other
// bytes are unchanged. If there is nothing to mask, it returns text itself and does not allocate.
func (r *Redactor) Redact(text string) (string, int) {
	codes := mayHoldCodes(text)
	if !codes && clean(r.filter, text) {
		return text, 0
	}
	return r.redact(text, codes)
}

// RedactEntry is Redact for an entry whose api_key the caller knows, as text or as a JSON string.
func (r *Redactor) RedactEntry(text, apiKey string) (string, int) {
	codes := hasCodes(apiKey)
	if !codes && clean(r.filter, text) {
		return text, 0
	}
	return r.redact(text, codes)
}

// redact is Redact; codes reports whether a code may be a credential in this text.
func (r *Redactor) redact(text string, codes bool) (string, int) {
	w := walkers.Get().(*walker) // not released after a panic

	// A mask that was put into text which is not JSON may change how that text is read. A further pass makes
	// sure that redacting twice gives the same result as redacting once; the last pass masks such text as a
	// whole. JSON is read in the same way afterwards and needs no further pass.
	masked := 0
	for pass := 1; pass <= maxPasses; pass++ {
		spans, guessed := w.walk(r, text, codes, pass == maxPasses)
		if len(spans) == 0 {
			break
		}
		masked += len(spans)
		text = replace(text, spans)
		if !guessed {
			break
		}
	}
	w.release()
	return text, masked
}

// span is a value to be masked: text[start:end].
type span struct {
	start, end int
	// quote is the quotes that the mask adds, escaped as required by the text's levels; empty if the value is in
	// quotes already.
	quote string
	kind  Kind
	name  string // the key's, for Explain only
}

// replace returns text with its spans masked. Spans are in order and do not overlap.
func replace(text string, spans []span) string {
	size := len(text)
	for _, s := range spans {
		size += len(Mask) + 2*len(s.quote) - (s.end - s.start)
	}
	var b strings.Builder
	b.Grow(size)
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.start])
		b.WriteString(s.quote)
		b.WriteString(Mask)
		b.WriteString(s.quote)
		at = s.end
	}
	b.WriteString(text[at:])
	return b.String()
}

// merge puts spans in order and joins those that overlap.
func merge(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortStableFunc(spans, func(a, b span) int { return a.start - b.start })
	n := 0
	for _, s := range spans[1:] {
		last := &spans[n]
		switch {
		case s.start >= last.end:
			n++
			spans[n] = s
		case s.end <= last.end: // inside: the outer one decides
		case s.start == last.start:
			*last = s
		default:
			last.end, last.quote = s.end, ""
		}
	}
	return spans[:n+1]
}
