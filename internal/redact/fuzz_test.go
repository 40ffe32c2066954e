// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// FuzzRedact plants secrets and ids in an entry that its input describes, and
// checks that no secret is left and no id is lost. Covers F70.
func FuzzRedact(f *testing.F) {
	for _, seed := range []string{"", "\x00\x01\x02\x03", "\x05\x04\x03\x02\x01\x00\xff\xfe", strings.Repeat("\x07\x03", 40)} {
		f.Add([]byte(seed))
	}
	for layer := range byte(layers) {
		f.Add([]byte{2, layer, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
		f.Add([]byte{3, layer, 200, 100, 50, layer, 25, 12, 6, 3, 1, 0, 11, 7, 5, 3, 2, 1})
	}
	r := redact.New([]string{"id_card"})
	f.Fuzz(func(t *testing.T, recipe []byte) {
		p := &planter{recipe: recipe, structured: true, levels: 1}
		payload := p.text(1 + p.pick(5))
		text := entry(payload, p.object(`"code":0`))
		if p.pick(4) == 0 {
			text = strings.Replace(text, `"payload":`, `"more":[`+p.object(`"a":1`)+`,null],"payload":`, 1)
		}
		require.True(t, json.Valid([]byte(text)), "the planter is wrong: %s", text)

		got, n := r.Redact(text)
		for _, s := range p.secrets {
			require.NotContains(t, got, s, "of %s", text)
		}
		require.NotZero(t, n)
		if p.structured && p.levels <= 8 { // deeper strings are masked as a whole
			for _, s := range p.kept {
				require.Contains(t, got, s, "of %s", text)
			}
		}
		requireLaws(t, r, text, got, n)
	})
}

// planter makes text with secrets and ids in it. The next byte of its recipe decides what it does next.
type planter struct {
	recipe     []byte
	secrets    []string // must not be in the output
	kept       []string // must be, if structured
	structured bool     // every text so far is JSON or a form
	levels     int      // at most so many levels of escapes, the payload's string included
}

func (p *planter) pick(n int) int {
	if len(p.recipe) == 0 {
		return 0
	}
	c := p.recipe[0]
	p.recipe = p.recipe[1:]
	return int(c) % n
}

var (
	secretKeys = []string{
		"app_secret", "app_ticket", "tenant_access_token", "token", "refresh_token", "ticket", "secret", "client_secret",
		"password", "passwd", "pwd", "passphrase", "encrypt_key", "verification_token", "private_key", "access_key_secret",
		"session_key", "client_assertion", "id_card", "user[id_card]", "id_card[]", "jwt", "authorization", "cookie", "set_cookie", "token2",
	}
	idKeys = []string{
		"app_id", "user_id", "open_id", "union_id", "tenant_key", "code", "msg", "token_type", "ticket_id", "access_key_id",
		"expires_in", "event_id", "file_key", "my_id_card_no", "total", "name",
	}
	// specials are texts that a parser may misread inside a value. None ends a value in a form once it is
	// escaped.
	specials = []string{
		"", `"`, `\`, `\"`, `\\`, `'`, "&", "=", "%", "%22", "+", "}", "]", ",", ";", "{", "[", "中文", "\u2028", "😀", "/", "#", "?", ":",
		`","a":"`, "&a=b", `"}`, " ", "\t",
	}
)

// secret returns a new secret in two parts with an unusual text between them.
func (p *planter) secret(between []string) string {
	a, b := fmt.Sprintf("Sx%dq", len(p.secrets)), fmt.Sprintf("Sy%dq", len(p.secrets))
	p.secrets = append(p.secrets, a, b)
	return a + between[p.pick(len(between))] + b
}

func (p *planter) id() string {
	id := fmt.Sprintf("Kx%dq", len(p.kept))
	p.kept = append(p.kept, id)
	return id
}

// secretKey returns a credential key in one of its spellings.
func (p *planter) secretKey() string {
	key := secretKeys[p.pick(len(secretKeys))]
	switch p.pick(6) {
	case 1:
		return strings.ToUpper(key)
	case 2:
		return strings.ReplaceAll(key, "_", "-")
	case 3:
		words := strings.Split(key, "_")
		for i := range words {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
		return strings.Join(words, "")
	case 4:
		return strings.ReplaceAll(key, "_", " ")
	}
	return key
}

// jsonText returns text as a JSON string, with some punctuation escaped. Letters and digits are not, so that
// planted values can be found again.
func (p *planter) jsonText(text string) string {
	every := p.pick(8)
	return jsonEscape(text, func(i int, r rune) bool { return every > 4 && i%every == 0 && !isAlphanumeric(r) })
}

// jsonKey returns a key as a JSON string, with some of it escaped.
func (p *planter) jsonKey(key string) string {
	every := p.pick(8)
	return jsonEscape(key, func(i int, _ rune) bool { return every > 4 && i%every == 0 })
}

func jsonEscape(text string, extra func(i int, r rune) bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range text {
		switch {
		case r < ' ' || r < 0x80 && extra(i, r):
			fmt.Fprintf(&b, `\u%04x`, r)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			fallthrough
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// formKey returns a key for a form, with one letter more escaped than needed.
func (p *planter) formKey(key string) string {
	i := p.pick(2 * len(key))
	if i >= len(key) {
		return url.QueryEscape(key)
	}
	return url.QueryEscape(key[:i]) + fmt.Sprintf("%%%02X", key[i]) + url.QueryEscape(key[i+1:])
}

// object returns a JSON object of a secret, an id, and more.
func (p *planter) object(more string) string {
	secret := p.secretKey()
	value := p.jsonText(p.secret(specials))
	switch p.pick(6) {
	case 1:
		value = "[" + value + ",null]"
	case 2:
		value = `{"a":[` + value + `]}`
	case 3:
		n := fmt.Sprintf("98765%d4321", len(p.secrets))
		p.secrets = append(p.secrets, n)
		value = `{"n":` + n + `,"s":` + value + `}`
	}
	members := []string{p.jsonKey(secret) + ":" + value, p.jsonKey(idKeys[p.pick(len(idKeys))]) + ":" + p.jsonText(p.id()), more}
	first := p.pick(3)
	members[0], members[first] = members[first], members[0]
	comma := []string{",", ", ", ",\n\t"}[p.pick(3)]
	return "{" + strings.Join(members, comma) + "}"
}

// layers is the number of cases in text.
const layers = 9

// text returns text with at least one secret in it, of that many layers.
func (p *planter) text(depth int) string {
	if depth == 0 {
		return p.object(`"a":1`)
	}
	layer := p.pick(layers)
	switch layer {
	case 1:
		p.levels += 2 // percent escapes, and the backslashes of a value
	case 2:
		p.levels += 3 // these in a string
	default:
		p.levels++
	}
	switch layer {
	default:
		return p.object(`"content":` + p.jsonText(p.text(depth-1)))
	case 1: // a form around it
		inner := p.text(depth - 1)
		if strings.HasPrefix(inner, `"`) {
			p.structured = false // JSON in a form is read as such if it is an object
		}
		return "a=b&" + p.formKey(p.secretKey()) + "=" + url.QueryEscape(p.secret(specials)) +
			"&" + idKeys[p.pick(len(idKeys))] + "=" + p.id() + "&d=" + url.QueryEscape(inner)
	case 2: // a URL in JSON
		return p.object(`"url":` + p.jsonText("https://h.example/p?x=y&"+p.formKey(p.secretKey())+"="+url.QueryEscape(p.secret(specials))+"#f"))
	case 3: // cut off somewhere after the last secret
		p.structured = false
		text := p.object(`"content":` + p.jsonText(p.text(depth-1)))
		return text[:len(text)-1-p.pick(4)]
	case 4: // something after it
		p.structured = false
		return p.text(depth-1) + []string{"}", "\n", " trailing", "\x00", `"`, "\\", "%"}[p.pick(7)]
	case 5: // something before
		p.structured = false
		return []string{"body: ", "data=", "{", "\\", "\xff", "// "}[p.pick(6)] + p.text(depth-1)
	case 6: // header lines
		p.structured = false
		return "Host: h\r\n" + []string{"Authorization: Bearer ", "Cookie: a=", "X-Lark-Token: ", "proxy-authorization:Basic "}[p.pick(4)] +
			p.secret([]string{"", ".", "-", "_", "/", "=", "~"}) + "\r\nX: " + p.id() + "\r\n\r\n" + p.text(depth-1)
	case 7: // in a list
		return "[" + p.value(depth-1) + "," + p.object(`"b":[]`) + "]"
	case 8: // a string
		return p.jsonText(p.text(depth - 1))
	}
}

// value is text as a JSON value.
func (p *planter) value(depth int) string {
	text := p.text(depth)
	if json.Valid([]byte(text)) {
		return text
	}
	return p.jsonText(text)
}

// FuzzText: any text, on any level, is read without a crash and satisfies requireLaws.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		`{"app_secret":"x"}`, `a=b&token=x%26y`, "Authorization: Bearer x\r\nCookie: y", `{"a":"{\"token\":\"x\\\"y\"`, `{'pwd': 'x'}`,
		`{"token":[{"a":1},"b"],"c":`, `token=[REDACTED]x`, `Basic dXNlcjpwYXNz`, `{"a":"token=\u0026\ud800"}`, "\xff\x00token=\xfe",
		`d=%7B%22token%22%3A%22x%22%7D`, `map[token:x y:[z]]`, `token="x`, `token: 'a`, `{"a":"\u005cu0074oken=x"}`, `"token=x"`,
		`subjectToken = \n%q\n want`, "net use z: \\\\a\\b\n /user:bob x", `{"rows":[{"a":"x"}],"columns":[{"name":"a","display_name":"token"}]}`,
	} {
		f.Add(seed)
	}
	r := redact.New([]string{"id_card", "密码"})
	f.Fuzz(func(t *testing.T, text string) {
		got, n := r.Redact(text)
		requireLaws(t, r, text, got, n)

		inEntry := entry(text, text)
		got, n = r.Redact(inEntry)
		requireLaws(t, r, inEntry, got, n)
		require.Zero(t, n%2, "payload and response are the same")
	})
}
