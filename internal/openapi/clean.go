// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"encoding/base64"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// minHeaderSecret is the least length, in bytes, from which the value of a configured header is hidden: a
// shorter one is no secret, and would match everywhere.
const minHeaderSecret = 6

// headerSecrets are the values of the configured headers, also without a scheme such as Basic.
func headerSecrets(headers configopaque.MapList) []string {
	var secrets []string
	for _, opaque := range headers.Iter {
		value := string(opaque)
		_, credential, _ := strings.Cut(value, " ")
		for _, s := range []string{value, credential} {
			if len(s) >= minHeaderSecret {
				secrets = append(secrets, s)
			}
		}
	}
	return secrets
}

// MaxReason limits how much of a server's text is logged, in runes: the messages are long, bilingual and full of
// links.
const MaxReason = 300

// cleanText makes a server's text safe for one log line: printable, short, and
// without the secrets that we sent, however the server writes them.
func cleanText(s string, secrets ...string) string {
	var hidden [][]byte
	limit := MaxReason + 1
	for _, spelling := range spellings(secrets) {
		h := printable(spelling, math.MaxInt, nil)
		hidden = append(hidden, h)
		// What is cut off may be the rest of a secret, so nothing is cut off before secrets are hidden.
		limit = max(limit, MaxReason+len(h))
	}
	return cut(string(printable(s, limit, hidden)), MaxReason)
}

// spellings are the forms in which the secrets may be quoted.
func spellings(secrets []string) []string {
	var out []string
	for _, s := range secrets {
		for _, spelling := range []string{s, url.QueryEscape(s), base64.RawStdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))} {
			if s != "" && !slices.Contains(out, spelling) {
				out = append(out, spelling)
			}
		}
	}
	return out
}

// printable returns the first runes of s, up to the limit, without unprintable ones, with one space for each
// white space, and with a mask for hidden text. Hidden text is searched for in the output, because dropping a
// rune may join its parts.
func printable(s string, limit int, hidden [][]byte) []byte {
	var out []byte
	space, runes := false, 0
	for _, r := range s {
		if runes >= limit {
			break
		}
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = space || unicode.IsSpace(r) && runes > 0
			continue
		}
		if space {
			out, space, runes = append(out, ' '), false, runes+1
		}
		out, runes = utf8.AppendRune(out, r), runes+1
		for _, h := range hidden {
			if bytes.HasSuffix(out, h) {
				out = append(out[:len(out)-len(h)], redact.Mask...)
				runes = utf8.RuneCount(out)
				break
			}
		}
	}
	return out
}
