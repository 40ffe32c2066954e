// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// requireRedacted redacts text and checks the result and the laws for any text.
func requireRedacted(t *testing.T, r *redact.Redactor, want string, masks int, text string) {
	t.Helper()
	got, n := r.Redact(text)
	require.Equal(t, want, got, "of %s", text)
	require.Equal(t, masks, n, "masks of %s", text)
	requireLaws(t, r, text, got, n)
}

// requireLaws checks the laws for any text: JSON stays JSON, redacting twice gives the same result as redacting
// once, and without a mask nothing is changed.
func requireLaws(t *testing.T, r *redact.Redactor, text, got string, n int) {
	t.Helper()
	if json.Valid([]byte(text)) {
		require.True(t, json.Valid([]byte(got)), "%s\nbecame\n%s", text, got)
	}
	if n == 0 {
		require.Equal(t, text, got)
	} else {
		require.NotEqual(t, text, got)
	}
	again, n := r.Redact(got)
	require.Equal(t, got, again)
	require.Zero(t, n, "masks of what is redacted already: %s", got)
}

func TestKeys(t *testing.T) {
	r := redact.New([]string{"id_card", "密码", "x.pin", "Q", "--", ""})
	for _, key := range []string{
		"app_secret", "App-Secret", "appSecret", "APP SECRET", "APP_SECRET_2", "secret", "client_secret", "api_secret",
		"token", "access_token", "tenant_access_token", "app_access_token", "user_access_token", "refresh_token",
		"verification_token", "jwt_token", "id_token", "upload_token", "profile_token", "Token1", "X-Lark-Request-Token",
		"ticket", "app_ticket", "suite_ticket", "jsapiTicket",
		"password", "passwd", "pwd", "passphrase", "user_password", "newPassword", "passWord", "old-pwd",
		"authorization", "Authorization", "Proxy-Authorization", "bearer", "cookie", "Cookie", "set-cookie",
		"client_assertion", "encrypt_key", "encryptKey", "ENCRYPTION_KEY", "verification_key", "verify_key", "private_key",
		"secret_key", "access_key", "access_key_secret", "secret_access_key", "session_key", "signing_key", "signature_key",
		"sign_key", "EncodingAESKey", "tokens", "client_secrets", "passwords", "cookies", "token[]", "auth[token]",
		`app\u005fsecret`, `\u0061pp_secret`, `a\u0070p\u002dsecre\u0054`, "app%5Fsecret", "%61pp_secret", `toke\u006E`, "toke%6e",
		"code_verifier", "codeVerifier", "jwt", "id_jwt", "JWT",
		"user[id_card]", "id_card[]", "id_card[0]", "id_card[0][no]", "a[b][ID-Card]", "user%5Bid_card%5D", `user\u005bid_card\u005d`,
		"id_card", "ID-Card", "idCard", "密码", `\u5bc6\u7801`, "%E5%AF%86%E7%A0%81", "x.pin", `x\u002epin`, "q", "Q",
	} {
		t.Run("masked/"+key, func(t *testing.T) {
			requireRedacted(t, r, `{"`+key+`":"[REDACTED]","b":"v"}`, 1, `{"`+key+`":"v","b":"v"}`)
			requireRedacted(t, r, `{"a":[{"`+key+`": "[REDACTED]"}]}`, 1, `{"a":[{"`+key+`": "5x"}]}`)
			inner := `{"` + key + `":"v\"w","b":"v"}`
			outer := strings.Replace(quote(inner), `v\\\"w`, redact.Mask, 1)
			requireRedacted(t, r, `{"payload":`+outer+`}`, 1, `{"payload":`+quote(inner)+`}`)
			// The same, but not JSON.
			outer = strings.Replace(quote(inner+"}"), `v\\\"w`, redact.Mask, 1)
			requireRedacted(t, r, `{"payload":`+outer+`}`, 1, `{"payload":`+quote(inner+"}")+`}`)
		})
	}
	for _, key := range []string{
		"app_id", "user_id", "open_id", "union_id", "tenant_key", "code", "msg", "token_type", "access_token_type",
		"expires_in", "ticket_id", "event_id", "access_key_id", "secret_id", "tickets", "page_size", "has_more", "total",
		"file_key", "image_key", "key", "public_key", "author", "basic", "pass", "tokenizer", "secretary", "keyword",
		"my_id_card", "id_card_2", "user[my_id_card]", "id_card[", "id_card]x", "id_card[0]x", "[]", "]", "credential", "credentials", "jwt_id", "page_token", "file_token", "app_token", "密码2", "qq", "xpin", "[REDACTED]", "", "_", "0",
	} {
		t.Run("stays/"+key, func(t *testing.T) {
			for _, text := range []string{
				`{"` + key + `":"v","log_detail":{"` + key + `":5,"payload":` + quote(`{"`+key+`":true}`) + `}}`,
				`{"payload":` + quote(`{"`+key+`":"v","cut":"o`) + `,"query_param":` + quote(key+"=v") + `}`,
			} {
				requireRedacted(t, redact.New([]string{"id_card", "密码", "x.pin", "q"}), text, 0, text)
			}
		})
	}
}

func TestEntrysOwnAPIKeyStays(t *testing.T) {
	r := redact.New([]string{"api_key"})
	requireRedacted(t, r,
		`{"api_key":"POST/open-apis/x","log_detail":{"api_key":"[REDACTED]","payload":"{\"api_key\":\"[REDACTED]\"}"}}`, 2,
		`{"api_key":"POST/open-apis/x","log_detail":{"api_key":"k","payload":"{\"api_key\":\"k\"}"}}`)
	requireRedacted(t, r, `{"api_key":"k","log_detail":{"api_key":"GET/open-apis/x"}}`, 0, `{"api_key":"k","log_detail":{"api_key":"GET/open-apis/x"}}`)
}

func TestJSON(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		masks            int
	}{
		{"empty and null", `{"token":"","secret":null,"pwd":{},"ticket":[]}`, `{"token":"","secret":null,"pwd":{},"ticket":[]}`, 0},
		{"masked", `{"token":"[REDACTED]"}`, `{"token":"[REDACTED]"}`, 0},
		{
			"scalars", `{"token":1,"secret":true,"pwd":false,"ticket":-0.5E+7}`,
			`{"token":"[REDACTED]","secret":true,"pwd":false,"ticket":"[REDACTED]"}`, 2,
		},
		{
			"scalars, two levels down", `{"a":"{\"b\":\"{\\\"token\\\":12,\\\"x\\\":1}\"}"}`,
			`{"a":"{\"b\":\"{\\\"token\\\":\\\"[REDACTED]\\\",\\\"x\\\":1}\"}"}`, 1,
		},
		{
			"leaves", `{"token":{"a":[1,"x",null,"",{"app_id":"y","b":[[true]]}]},"b":"z"}`,
			`{"token":{"a":["[REDACTED]","[REDACTED]",null,"",{"app_id":"[REDACTED]","b":[[true]]}]},"b":"z"}`, 3,
		},
		{
			"query values", `{"query_param":{"access_token":["a","b"],"id":["c"]}}`,
			`{"query_param":{"access_token":["[REDACTED]","[REDACTED]"],"id":["c"]}}`, 2,
		},
		{"JSON as a credential", `{"token":"{\"a\":1}"}`, `{"token":"[REDACTED]"}`, 1},
		{"counts", `{"total_tokens":5,"tokens":["a",5]}`, `{"total_tokens":5,"tokens":["[REDACTED]",5]}`, 1},
		{"escapes", `{"a":"\u4e2d\ud83d\ude00\/{\b","token":"\ud800\"\\","z":"\\"}`, `{"a":"\u4e2d\ud83d\ude00\/{\b","token":"[REDACTED]","z":"\\"}`, 1},
		{"escaped JSON", `{"p":"\u007b\u0022token\u0022:\u0022\ud83d\ude00\u0022,\"a\":\u0031}"}`, `{"p":"\u007b\u0022token\u0022:\u0022[REDACTED]\u0022,\"a\":\u0031}"}`, 1},
		{"space", "{ \"token\" :\t\"x\" ,\n\"p\" : \" { \\\"token\\\" : 5 } \" }\r\n", "{ \"token\" :\t\"[REDACTED]\" ,\n\"p\" : \" { \\\"token\\\" : \\\"[REDACTED]\\\" } \" }\r\n", 2},
		{"JSON string in a string", `{"p":"\"token=abc\""}`, `{"p":"\"token=[REDACTED]\""}`, 1},
		{"a form taken for a key", `{"a=b&token=x":"","{\"token\":\"x\"}":1}`, `{"a=b&token=[REDACTED]":"","{\"token\":\"[REDACTED]\"}":1}`, 2},
		{"duplicate keys", `{"token":"a","token":"b"}`, `{"token":"[REDACTED]","token":"[REDACTED]"}`, 2},
		{"other roots", `[{"token":"a"},"token=b"]`, `[{"token":"[REDACTED]"},"token=[REDACTED]"]`, 2},
		{"a string", `"token=b"`, `"token=[REDACTED]"`, 1},
		{"names as values", `{"a":"access_token","b":["token","secret"],"c":"token"}`, `{"a":"access_token","b":["token","secret"],"c":"token"}`, 0},
		{
			"paths", `{"api_key":"POST/open-apis/auth/v3/tenant_access_token/internal","path":"/x/token"}`,
			`{"api_key":"POST/open-apis/auth/v3/tenant_access_token/internal","path":"/x/token"}`, 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requireRedacted(t, redact.New(nil), tt.want, tt.masks, tt.text)
		})
	}
}

// TestText is about payloads, query_params and responses that are not JSON.
func TestText(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		masks            int
	}{
		{"form", "a=b&app_secret=x&c=d", "a=b&app_secret=[REDACTED]&c=d", 1},
		{"form, first and last", "token=x&c=d&secret=y", "token=[REDACTED]&c=d&secret=[REDACTED]", 2},
		{"form, empty", "token=&secret=&a=b", "token=&secret=&a=b", 0},
		{"form, null", "token=null&a=b", "token=null&a=b", 0},
		{"form, escaped key", "app%5fsecre%74=x&a%5Bpwd%5D=y", "app%5fsecre%74=[REDACTED]&a%5Bpwd%5D=[REDACTED]", 2},
		{"form, escaped value", "password=a%26b%3Dc+d%22e&x=y", "password=[REDACTED]&x=y", 1},
		{"form, odd values", "password=a,b;c}d]e'f\"g&x=y", "password=[REDACTED]&x=y", 1},
		{"form, space", "app+secret=x&private%20key=y&z=1", "app+secret=[REDACTED]&private%20key=[REDACTED]&z=1", 2},
		{"form, authorization", "authorization=Bearer+x&a=b", "authorization=[REDACTED]&a=b", 1},
		{"form, authorization with spaces and quotes", `authorization=Digest user="a&b", response="c"&d=e`, `authorization=[REDACTED]&d=e`, 1},
		{
			"cut off, authorization in a URL before a token", `{"c":"{\"u\":\"https://h/?x=y&authorization=v#f\",\"app_id\":\"a\",\"token\":\"s&t\"`,
			`{"c":"{\"u\":\"https://h/?x=y&authorization=[REDACTED]\",\"app_id\":\"a\",\"token\":\"[REDACTED]\"`, 2,
		},
		{
			"form, JSON", "d=%7B%22token%22%3A%22a%5C%22b%22%2C%22n_token%22%3A1%2C%22c%22%3A2%7D",
			`d=%7B%22token%22%3A%22[REDACTED]%22%2C%22n_token%22%3A%22[REDACTED]%22%2C%22c%22%3A2%7D`, 2,
		},
		{"form, JSON with spaces", "d=%7B%22token%22%3A+%5B%22a%2522b%22%5D%2C+%22c%22%3A+2%7D", "d=%7B%22token%22%3A+%5B%22[REDACTED]%22%5D%2C+%22c%22%3A+2%7D", 1},
		{
			"objects in text", `x {"token":["a","b\"}"],"c":"{\"pwd\":5}"} y {"secret":{"a":1},"b":2}}`,
			`x {"token":["[REDACTED]","[REDACTED]"],"c":"{\"pwd\":\"[REDACTED]\"}"} y {"secret":{"a":"[REDACTED]"},"b":2}}`, 4,
		},
		{"form, JSON as it is", `d={"token":"a&b","c":2}&e=f`, `d={"token":"[REDACTED]","c":2}&e=f`, 1},
		{"form, escaped twice", "u=a%253Db%2526token%253Dx%2526c%253Dd", "u=a%253Db%2526token%253D[REDACTED]%2526c%253Dd", 1},
		{"all escaped", "%7B%22%74oken%22%3A%22x%22%7D", "%7B%22%74oken%22%3A%22[REDACTED]%22%7D", 1},
		{"URL", "https://u.example/p?access_token=x&y=1#frag", "https://u.example/p?access_token=[REDACTED]&y=1#frag", 1},
		{"URL in a URL", "/p?next=https%3A%2F%2Fh%2F%3Ftoken%3Dx%26y%3D1&z=2", "/p?next=https%3A%2F%2Fh%2F%3Ftoken%3D[REDACTED]%26y%3D1&z=2", 1},
		{"header lines", "Host: h\r\nAuthorization: Bearer x y\r\nCookie: a=b; c=d\r\nX: y", "Host: h\r\nAuthorization: [REDACTED]\r\nCookie: [REDACTED]\r\nX: y", 2},
		{"header, empty", "Authorization:\r\nHost: h", "Authorization:\r\nHost: h", 0},
		{"header, trailing space", "Authorization: x \nHost: h", "Authorization: [REDACTED] \nHost: h", 1},
		{"header, quoted whole", `curl -H "Authorization: Digest username=\"a\", response=\"b\"" -d x`, `curl -H "Authorization: [REDACTED]" -d x`, 1},
		{"header, quoted value", `'authorization': 'Bearer x', 'a': 'b'`, `'authorization': '[REDACTED]', 'a': 'b'`, 1},
		{"bearer", "sent with Bearer abc.def-g, refused", "sent with Bearer [REDACTED], refused", 1},
		{"bearer, escaped", "h=bearer%20abc&i=Bearer+def", "h=bearer%20[REDACTED]&i=Bearer+[REDACTED]", 2},
		{"bearer, part of a word", "forbearer abc; Bearer", "forbearer abc; Bearer", 0},
		{"basic", "Basic dXNlcjpwYXNz x", "Basic [REDACTED] x", 1},
		{"basic, padded", "Basic dTpw0OM==, x", "Basic [REDACTED], x", 1},
		{"basic, prose", "Basic information about the basic plan", "Basic information about the basic plan", 0},
		{"cut off in the value", `{"app_id":"a","app_secret":"x\"y`, `{"app_id":"a","app_secret":"[REDACTED]`, 1},
		{"cut off after an escape", `{"app_secret":"x\`, `{"app_secret":"[REDACTED]`, 1},
		{"cut off after the colon", `{"app_secret": `, `{"app_secret": `, 0},
		{"cut off later", `{"app_secret":"x","user_id":"u","text":"h`, `{"app_secret":"[REDACTED]","user_id":"u","text":"h`, 1},
		{"cut off, a level down", `{"a":"{\"token\":\"x\\\"y\",\"b\":1,\"n_token\":12}","c`, `{"a":"{\"token\":\"[REDACTED]\",\"b\":1,\"n_token\":\"[REDACTED]\"}","c`, 2},
		{"a list cut off, a level down", `{"a":"{\"token\":[\"x\",nul","secret":"b}c"`, `{"a":"{\"token\":[REDACTED]"`, 1},
		{"a list cut off, no quotes", `{"a":"token=[1,nul","secret":{"x":"b}c"}`, `{"a":"token=[REDACTED]`, 1},
		{"cut off, two levels down", `{"a":"{\"b\":\"{\\\"token\\\":\\\"x\\\\\\\"y\\\\\\\\\\\",\\\"z\\\":1`, `{"a":"{\"b\":\"{\\\"token\\\":\\\"[REDACTED]\\\",\\\"z\\\":1`, 1},
		{"cut off, object", `{"token":{"a":"}","b":[1]},"c":"d`, `{"token":"[REDACTED]","c":"d`, 1},
		{"cut off, in an object", `{"token":{"a":"x","b`, `{"token":"[REDACTED]"`, 1},
		{"cut off, nothing in it", `{"token":[ ],"secret":{},"pwd":"","ticket":null,"c":"d`, `{"token":[ ],"secret":{},"pwd":"","ticket":null,"c":"d`, 0},
		{"cut off, scalars", `{"token":12,"secret":true,"total_tokens":5,"c":"d`, `{"token":"[REDACTED]","secret":true,"total_tokens":5,"c":"d`, 1},
		{"cut off, escaped key", `{"app\u005fsecret":"x","a":"{\"app\\u005fsecret\":\"y\"}","c":"d`, `{"app\u005fsecret":"[REDACTED]","a":"{\"app\\u005fsecret\":\"[REDACTED]\"}","c":"d`, 2},
		{"cut off, escaped quotes", `{"a":"\u0022token\u0022:\u0022x\u0022","c`, `{"a":"\u0022token\u0022:\u0022[REDACTED]\u0022","c`, 1},
		{"quotes not escaped", `{"a":"{"token":"x","b":"c"}","d":1}`, `{"a":"{"token":"[REDACTED]","b":"c"}","d":1}`, 1},
		{"raw line ends", "{\"a\":\"b\nc\",\n \"token\" :\n \"x\"}", "{\"a\":\"b\nc\",\n \"token\" :\n \"[REDACTED]\"}", 1},
		{"two documents", `{"a":1}{"token":"x"}`, `{"a":1}{"token":"[REDACTED]"}`, 1},
		{"single quotes", `{'token': 'x\'y', 'a': 'b'}`, `{'token': '[REDACTED]', 'a': 'b'}`, 1},
		{"URL in quotes", `{"u":"h?token=x","user_id":"u","c`, `{"u":"h?token=[REDACTED]","user_id":"u","c`, 1},
		{"URL in escaped quotes", `{"u":"{\"v\":\"h?token=x\",\"w\":1}","c`, `{"u":"{\"v\":\"h?token=[REDACTED]\",\"w\":1}","c`, 1},
		{"Go's maps", `map[app_secret:x user:y Authorization:[Bearer z] a:b]`, `map[app_secret:[REDACTED] user:y Authorization:[REDACTED] a:b]`, 2},
		{
			"array in a form", "d=%5B%22%7B%5C%22pwd%5C%22%3A%5C%22x%5C%22%7D%22%2C%7B%22pwd%22%3A%5B%22y%22%5D%2C%22c%22%3A2%7D%5D",
			"d=%5B%22%7B%5C%22pwd%5C%22%3A%5C%22[REDACTED]%5C%22%7D%22%2C%7B%22pwd%22%3A%5B%22[REDACTED]%22%5D%2C%22c%22%3A2%7D%5D", 2,
		},
		{"indexes", `auth["token"] = x; ["pwd"]=>y z`, `auth["token"] = "[REDACTED]"; ["pwd"]=>"[REDACTED]" z`, 2},
		{"arrows", `[app_secret] => x [b] => y`, `[app_secret] => [REDACTED] [b] => y`, 1},
		{"prose", "the password: hunter2 and private key = x, total tokens: 5", "the password: [REDACTED] and private key = [REDACTED], total tokens: 5", 2},
		{"prose without a value", "invalid tenant_access_token, code: 99991663; token expired", "invalid tenant_access_token, code: 99991663; token expired", 0},
		{"lists", "token=a,b,c; user=d", "token=[REDACTED]; user=d", 1},
		{"pairs without space", "token=a,user=d;secret:b;c=e", "token=[REDACTED],user=d;secret:[REDACTED];c=e", 2},
		{"masked", "token=[REDACTED]&a=b Authorization: [REDACTED]", "token=[REDACTED]&a=b Authorization: [REDACTED]", 0},
		{"masked in part", "token=[REDACTED]x&a=b", "token=[REDACTED]&a=b", 1},
		{"reads otherwise once it is masked", "secret={]1", "secret=[REDACTED]", 2},
		{"far from its separator", "token" + strings.Repeat(" ", 300) + ": x", "token" + strings.Repeat(" ", 300) + ": [REDACTED]", 1},
		{"NUL and invalid UTF-8", "\xff\x00token=\xfe\x01\xc3(&a=\xff", "\xff\x00token=[REDACTED]\x01\xc3(&a=\xff", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := redact.New(nil)
			// encoding/json would replace invalid UTF-8.
			escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\x00", `\u0000`, "\x01", `\u0001`)
			text, want := `{"payload":"`+escape.Replace(tt.text)+`"}`, `{"payload":"`+escape.Replace(tt.want)+`"}`
			requireRedacted(t, r, want, tt.masks, text)
			text, want = `{"p":"{\"q\":\"`+escape.Replace(escape.Replace(tt.text))+`\"}"}`, `{"p":"{\"q\":\"`+escape.Replace(escape.Replace(tt.want))+`\"}"}`
			requireRedacted(t, r, want, tt.masks, text)
		})
	}
}

// TestDeepNesting: no depth of strings or objects leaks, crashes or breaks JSON.
func TestDeepNesting(t *testing.T) {
	t.Parallel()
	r := redact.New(nil)
	text := `{"app_secret":"canary","app_id":"kept"}`
	for level := range 12 {
		text = `{"a":` + quote(text) + `}`
		got, n := r.Redact(text)
		require.Equal(t, 1, n, "level %d", level)
		require.NotContains(t, got, "canary", "level %d", level)
		require.Equal(t, level < 9, strings.Contains(got, "kept"), "level %d", level)
		requireLaws(t, r, text, got, n)
	}

	text = "token=canary&app_id=kept"
	for range 12 {
		text = "a=" + strings.NewReplacer("%", "%25", "&", "%26", "=", "%3D").Replace(text)
		got, n := r.Redact(quote(text))
		require.Equal(t, 1, n)
		require.NotContains(t, got, "canary")
		requireLaws(t, r, quote(text), got, n)
	}

	for _, depth := range []int{9_999, 10_000, 10_001, 100_000} {
		text := strings.Repeat(`{"a":[`, depth/2) + strings.Repeat("[", depth%2) + `{"token":"canary"}` + strings.Repeat("]", depth%2) + strings.Repeat("]}", depth/2)
		got, n := r.Redact(text)
		require.Equal(t, 1, n)
		require.Equal(t, strings.Replace(text, "canary", redact.Mask, 1), got)
	}
}

func TestNothingToMask(t *testing.T) {
	r := redact.New([]string{"id_card"})
	for _, text := range []string{
		entry(sentMessage, answered),
		entry(sentMessage, `{"token_type":"Bearer","msg":"access token is valid, password unset"}`),
		entry("token", "a=b%20c&d=e"),
		`{"payload":"cut {\\\"token"}`,
		``, `x`, `{`,
	} {
		got, n := r.Redact(text)
		require.Zero(t, n)
		require.Equal(t, text, got)
		require.Same(t, unsafe.StringData(text), unsafe.StringData(got), "text itself is returned")
		if !raceEnabled {
			require.Zero(t, testing.AllocsPerRun(100, func() { r.Redact(text) }), "allocations for %s", text)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	r := redact.New(nil)
	text := entry(`{"app_secret":"x\"y","a":"token=z"}`, `{"ticket":5,"cut":"o`)
	want, masks := r.Redact(text)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				if got, n := r.Redact(text); got != want || n != masks {
					t.Errorf("%d masks: %s", n, got)
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, 3, masks)
}
