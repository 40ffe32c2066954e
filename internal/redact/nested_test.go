// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// spelled returns text as a JSON string whose quotes and backslashes are written in one of the ways that JSON
// has for them, drawn for each.
func spelled(draw *rand.Rand, text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		if c != '"' && c != '\\' {
			b.WriteRune(c)
			continue
		}
		switch draw.IntN(4) {
		default:
			b.WriteString(`\` + string(c))
		case 0:
			fmt.Fprintf(&b, `\u%04x`, c)
		case 1:
			fmt.Fprintf(&b, `\u%04X`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// TestBrokenInside: a broken object or array under a credential's key, within any number of strings and with any
// spelling of its quotes, hides no credential after it. Covers F70.
func TestBrokenInside(t *testing.T) {
	t.Parallel()
	r := redact.New(nil)
	draw := rand.New(rand.NewPCG(20, 70))
	for _, broken := range []string{
		`{"token":["Sa"]`, `{"token":["Sa",nul`, `{"token":{"a":["Sa"]},"b":1}%\`, `{"token":{"a":["Sa"]},"b":1}}`, `{"token":{"a":"Sa`, `{"token":["Sa\`, `{"token":"Sa`,
		`{"token":{"a":"Sa\\"`, `{"token":{"a":"S\"a","b`, `{"token":[{"a":["Sa"],"b":"]}\"`, `["Authorization",{"token":[["Sa"`, `token={"a":"Sa"`, `{"token":{"a":"Sa"]}`,
		`{"token":[ "Sa" , {"b":[`, `{"secret":{"a":{"b":{"c":["Sa\"}]}`,
	} {
		for levels := range 5 {
			for i := range 15 {
				text := broken
				for range levels {
					text = spelled(draw, text)
					if draw.IntN(2) == 0 {
						text = `{"n":` + text + `,"password":` + spelled(draw, `Sb"}Sc\`) + `}`
					} else {
						text = `["x",` + text + `,{"password":` + spelled(draw, `Sd"}Se`) + `,"id":"y"}]`
					}
					text = text[:len(text)-draw.IntN(2)] // cut off
				}
				if draw.IntN(2) == 0 {
					text = `{"d":` + spelled(draw, text) + `,"c":[` + spelled(draw, `{"e":"f"}`) + `,{"password":` + spelled(draw, `Sf"}Sg\"]Sh`) + `,"id":"y"`
				}
				if i%2 == 0 {
					text = entry(text, text)
				}
				got, n := r.Redact(text)
				require.NotZero(t, n)
				for _, s := range "abcdefgh" {
					require.NotContains(t, got, "S"+string(s), "of %s", text)
				}
				requireLaws(t, r, text, got, n)
			}
		}
	}
}

// TestNestedEnds: a value ends where JSON says so, on its own level, also in text that is cut off.
func TestNestedEnds(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`{"a":"{\"token\":\"x\u0022,\"b\":\"c\"","d`, `{"a":"{\"token\":\"[REDACTED]\u0022,\"b\":\"c\"","d`},
		{`{"a":"{\"token\":[\"x\u0022],\"b\":\"c\"}","d`, `{"a":"{\"token\":\"[REDACTED]\",\"b\":\"c\"}","d`},
		{`{"a":"{\"token\":{\"x\":\"}\u005c\u0022}\\\"}\u0022},\"b\":1}","d`, `{"a":"{\"token\":\"[REDACTED]\",\"b\":1}","d`},
		{`{"a":"{\"b\":\"{\\\"token\\\":\\\"x\\\\\\\u0022y\\u0022,\\\"c\\\":1}\"}","d`, `{"a":"{\"b\":\"{\\\"token\\\":\\\"[REDACTED]\\u0022,\\\"c\\\":1}\"}","d`},
		{`{"a":"{\"b\":\"{\\\"token\\\":{\\u0022x\u005c\u0022:\\u007b\\\\u007d}\\u007d,\\\"c\\\":1}\"}","d`, `{"a":"{\"b\":\"{\\\"token\\\":\\\"[REDACTED]\\\",\\\"c\\\":1}\"}","d`},
		{`{"a":"{\"token\":\"x\u00","b":1,"d`, `{"a":"{\"token\":\"[REDACTED]","b":1,"d`},
		{`{"a":"{\"token\":\"\u4e2d\ud83d\ude00\/x\qy\u00zz\",\"b\":1}","d`, `{"a":"{\"token\":\"[REDACTED]\",\"b\":1}","d`},
		{`{"token":["x",nul","secret":"y]z w","b":1`, `{"token":[REDACTED]","b":1`},
	} {
		requireRedacted(t, redact.New(nil), tt.want, 1, tt.text)
	}
}
