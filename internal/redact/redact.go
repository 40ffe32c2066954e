// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package redact masks credentials in the JSON text of audit log entries.
//
// An entry's query_param, payload and response are strings which hold whatever
// the caller sent: JSON again (to any depth), form encoding, URLs, header
// lines, cut off or plain text. Text that is JSON is read as JSON, so that
// escapes and quotes are what they are; any other text is searched for pairs of
// key and value, where a doubt means masking more.
//
// # Credential keys
//
// Keys are compared without case, '_', '-', space and trailing digits:
// app_secret, App-Secret, appSecret and APP_SECRET_2 are one key. What ends in
// one of these is a credential:
//
//   - token, ticket, secret
//   - password, passwd, pwd, passphrase
//   - authorization, bearer, cookie
//   - client_assertion, code_verifier, jwt
//   - access_key, aes_key, encrypt_key, encryption_key, private_key,
//     secret_key, session_key, sign_key, signature_key, signing_key,
//     verification_key, verify_key
//   - the plurals tokens, secrets, passwords and cookies; a number under one
//     of these is a count and stays (total_tokens)
//
// So page_token, file_token and a bitable's app_token are masked too, and so is
// all of the ticket object of the help desk: a name does not tell what a token
// opens. Everything else stays, among it app_id, user_id, open_id, union_id,
// tenant_key, api_key, ticket_id, access_key_id, token_type, expires_in, code
// and msg. An entry's own api_key is the name of an API and stays even if it is
// configured as a further key.
//
// What follows "Bearer" is masked wherever it stands in a string, and so is
// what follows "Basic" if it decodes to user:password (RFC 7617).
//
// A form's user[token], token[] and token[0] are keys, too, and further keys are found
// among the names in brackets.
//
// # What is not recognised
//
// What a value is, only its key and the words Bearer and Basic tell. So these stay:
//
//   - user and password in a URL (https://user:password@host)
//   - a name and its value apart: {"key":"app_secret","value":"..."}, a part of a
//     multipart form (name="app_secret"), an XML element
//   - a path that is a secret itself, as a bot's hook
//   - credential and credentials: as names they are of objects whose other members say
//     which credential it is
//   - code, which is an authorization code in few calls and the result in all
//
// # Values
//
// A masked string is [Mask]; a masked number or boolean becomes the string
// [Mask], so that JSON stays JSON on every level. In an object or array under a
// credential key every value is masked, its keys are not. Empty strings, null
// and what is masked already stay and are not counted.
package redact

import (
	"slices"
	"strings"
)

// Mask stands where a credential was.
const Mask = "[REDACTED]"

// maxPasses bounds how often one text is read; one or two passes are usual.
const maxPasses = 4

// Redactor masks credentials in the JSON text of audit log entries. It is safe
// for concurrent use.
type Redactor struct {
	keys   *keySet
	filter *filter
}

// New returns a Redactor for the built-in credential keys and the given ones.
// A further key is compared like a built-in one, but as a whole: id_card does
// not match my_id_card. It matches user[id_card] and id_card[0].
func New(extraKeys []string) *Redactor {
	keys := newKeySet(extraKeys)
	return &Redactor{keys: keys, filter: newFilter(keys)}
}

// Redact returns text with the value of every credential masked, and how many
// values that were. All other bytes stay as they are. With nothing to mask it
// returns text itself and does not allocate.
func (r *Redactor) Redact(text string) (string, int) {
	if clean(r.filter, text) {
		return text, 0
	}
	w := walkers.Get().(*walker)
	defer w.release()

	// A mask that was put into text which is not JSON may change how that text
	// reads. A further pass makes sure that redacting twice is redacting once; the
	// last one masks such text as a whole. JSON reads the same afterwards and
	// needs no further pass.
	masked := 0
	for pass := 1; pass <= maxPasses; pass++ {
		spans, guessed := w.walk(r, text, pass == maxPasses)
		if len(spans) == 0 {
			break
		}
		masked += len(spans)
		text = replace(text, spans)
		if !guessed {
			break
		}
	}
	return text, masked
}

// span is a value to be masked: text[start:end].
type span struct {
	start, end int
	// quote is the quotes that the mask brings along, escaped as the text's levels
	// need it; empty if the value is in quotes already.
	quote string
}

// replace returns text with its spans masked. Spans are in order and apart.
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
