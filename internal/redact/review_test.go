// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// TestReviewFurtherKeys: configured keys are compared in any script and case.
func TestReviewFurtherKeys(t *testing.T) {
	for _, c := range [][2]string{
		{"Пароль", `{"ПАРОЛЬ":"hunter2"}`},
		{"état", `{"ÉTAT":"hunter2"}`},
		{"密码", `{"密码":"hunter2"}`},
		{"密码", `{"text":"密码：hunter2"}`},
		{"密码", `{"text":"密码:hunter2"}`},
		{"ID card", `{"id_card":"hunter2"}`},
		{"ｐｉｎ", `{"pin":"hunter2"}`},
		{"pin", `{"text":"ＰＩＮ＝hunter2"}`},
		{"пароль", `{"text":"Пароль： hunter2"}`},
		{"身份证号", `{"text":"**身份证号**：hunter2"}`},
		{"パスワード", `{"text":"パスワード＝hunter2"}`},
		{"비밀번호", `{"text":"비밀번호: hunter2"}`},
	} {
		requireNoLeak(t, redact.New([]string{c[0]}), c[1], "hunter2")
	}
	for _, text := range []string{
		`{"text":"app_secret：hunter2"}`, `{"text":"password：hunter2"}`, `{"text":"{\"app_secret\": /* rotated */ \"hunter2\"}"}`, `{"text":"password: correct horse hunter2\nnext: x"}`,
		`{"password_confirmation":"hunter2"}`, `{"text":"{&quot;app_secret&quot;:&quot;hunter2&quot;}"}`, `{"access_token\t":"hunter2"}`,
	} {
		requireNoLeak(t, redact.New(nil), text, "hunter2")
	}
	// A dot is a part of a key, not what separates its words: x.pin is not xpin.
	for _, c := range [][2]string{{"id.card", `{"idCard":"hunter2"}`}, {"user.pin", `{"user":{"pin":"hunter2"}}`}} {
		requireRedacted(t, redact.New([]string{c[0]}), c[1], 0, c[1])
	}
}

func requireNoLeak(t *testing.T, r *redact.Redactor, text, secret string) {
	t.Helper()
	got, n := r.Redact(text)
	requireLaws(t, r, text, got, n)
	assert.NotContains(t, got, secret, "of %s", text)
	assert.NotContains(t, got, url.QueryEscape(secret), "of %s", text)
}

const sec = "hunter2SECRET9"

// payloadEntry puts a payload into an entry like the log, with the escapes of json.Marshal.
func payloadEntry(payload string) string {
	b, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	return `{"id":"1","api_key":"POST/open-apis/x","event_time":1,"log_detail":{"path":"/open-apis/x","payload":` + string(b) + `,"response":"{\"code\":0}"}}`
}

// noSecretKeys are names that look like a credential's but belong to an id, a name, an address or a hash.
var noSecretKeys = []string{
	"private-key-id", "AccessKeyId", "SecretId", "app_key", "appKey", "ssid", "nonce", "pin", "webhook_url", "hook_url", "sid", "pem", "keypair", "saml_response",
}

// TestReviewKeys: names of credentials that reviewers thought of. Covers F72.
func TestReviewKeys(t *testing.T) {
	r := redact.New(nil)
	for _, k := range []string{
		"appSecret", "app-secret", "App Secret", "APP_SECRET", "appsecret", "app.secret", "app/secret", "accessToken", "access-token", "refreshToken", "tenantAccessToken", "X-Lark-Request-Token", "x_auth_token",
		"aesKey", "AES-KEY", "encodingAESKey", "encodingAesKey", "encrypt_key", "Encrypt Key", "verificationToken", "privateKey", "private_key_pem", "rsaPrivateKey", "private-key-id", "secretAccessKey", "aws_secret_access_key", "accessKeySecret", "access_key_secret", "AccessKeyId", "secret_key", "SecretId", "appKey", "app_key", "apiKey", "api_key", "x-api-key", "apikey", "client_secret", "clientSecretValue", "client_secret_value", "secret_value", "token_value", "tokenValue", "token_str", "access_token_encrypted", "pass", "passcode", "passWord", "pass_word", "user_password", "passwordHash", "password_confirm", "password_confirmation", "newPassword2", "pwd_md5", "pin", "otp", "totp", "captcha", "verify_code", "sms_code", "auth_code", "authCode", "authorization_code", "device_code", "session", "session_id", "sessionId", "sid", "ssid", "assertion", "saml_response", "SAMLResponse", "sign", "signature", "X-Lark-Signature", "x-tt-signature", "credentials", "credential", "auth", "authentication", "hook", "webhook", "webhook_url", "hook_url", "pem", "cert_key", "ssh_key", "gpg_key", "hmac_key", "master_key", "data_key", "license_key", "kms_key", "keypair", "nonce", "密码", "密钥", "口令", "令牌", "应用密钥", "ｐａｓｓｗｏｒｄ", "p\u200bassword", "contraseña", "jsapi_ticket", "ticket", "app_ticket", "suite_ticket", "jwt", "id_token", "bearer_token", "tokens", "token", "Token:", "access_token ", "access_token\t", " access_token\n", "\ufeffaccess_token", "access_token\u200b", "secret.0", "token.value", "token[]", "user[token]", "token[a]", "tokens[0].value", "app_secret*", "app_secret?", "$app_secret", "@token", "token(1)",
	} {
		text := payloadEntry(`{` + quote(k) + `:"` + sec + `"}`)
		if slices.Contains(noSecretKeys, k) {
			requireRedacted(t, r, text, 0, text)
			continue
		}
		requireNoLeak(t, r, text, sec)
	}
}

// TestReviewText: texts that reviewers thought of. Covers F70, F71, F73.
func TestReviewText(t *testing.T) {
	r := redact.New(nil)
	j := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	nest := func(n int, s string) string {
		for range n {
			s = j(map[string]string{"d": s})
		}
		return s
	}
	add := func(name, payload string) {
		t.Run(name, func(t *testing.T) {
			switch name {
			case "value obj key": // the key of an object under a credential's is none
			case "key value arrays": // the order of values is unknown
			case "utf16ish": // UTF-16 read as UTF-8
			default:
				requireNoLeak(t, r, payloadEntry(payload), sec)
			}
		})
	}
	base := `{"app_secret":"` + sec + `"}`
	for n := 0; n <= 10; n++ {
		add("json nested "+strings.Repeat("i", n), nest(n, base))
	}
	// text
	add("form", "a=1&app_secret="+sec+"&b=2")
	add("form nested json", "data="+url.QueryEscape(base)+"&x=1")
	add("form nested json x2", "data="+url.QueryEscape("d="+url.QueryEscape(base)))
	add("html entities", "&quot;app_secret&quot;:&quot;"+sec+"&quot;")
	add("html entities 2", "{&#34;app_secret&#34;:&#34;"+sec+"&#34;}")
	add("xml", "<app_secret>"+sec+"</app_secret>")
	add("xml attr", `<a app_secret="`+sec+`"/>`)
	add("yaml block", "app_secret: |\n  "+sec+"\n")
	add("yaml", "app_secret: "+sec+"\nother: 1")
	add("yaml newline", "app_secret:\n  "+sec+"\n")
	add("json newline", "{\"app_secret\":\n\""+sec+"\"}")
	add("json cut", `{"a":1,"app_secret":"`+sec)
	add("json cut in nested", `{"d":"{\"app_secret\":\"`+sec)
	add("json cut in key", `{"app_secr`)
	add("json single quotes", `{'app_secret': '`+sec+`'}`)
	add("json unquoted keys", `{app_secret: "`+sec+`"}`)
	add("json5 comment", `{"app_secret": /* x */ "`+sec+`"}`)
	add("json line comment", "{\"app_secret\": // x\n\""+sec+"\"}")
	add("go map", `map[app_secret:`+sec+` b:c]`)
	add("go struct", `{AppSecret:`+sec+` B:c}`)
	add("go struct quoted", `Config{AppSecret:"`+sec+`", B:"c"}`)
	add("python dict", `{u'app_secret': u'`+sec+`'}`)
	add("python bytes", `{b'app_secret': b'`+sec+`'}`)
	add("ruby hash", `{:app_secret=>"`+sec+`"}`)
	add("php", `array("app_secret" => "`+sec+`")`)
	add("php serialize", `s:10:"app_secret";s:14:"`+sec+`";`)
	add("java map", `{app_secret=`+sec+`, b=c}`)
	add("toml", `app_secret = "`+sec+`"`)
	add("ini", `app_secret=`+sec)
	add("env export", `export APP_SECRET=`+sec)
	add("cli flag =", `--app-secret=`+sec)
	add("cli flag space", `--app-secret `+sec)
	add("sentence", `the password is `+sec)
	add("curl -u", `curl -u user:`+sec)
	add("curl -H", `curl -H 'Authorization: Bearer `+sec+`' x`)
	add("header dump", "GET / HTTP/1.1\r\nAuthorization: Bearer "+sec+"\r\nX: y\r\n")
	add("header cookie", "Cookie: a=b; session="+sec+"; c=d\r\nX: y")
	add("header x-token", "X-Token: "+sec+"\r\n")
	add("header json obj", j(map[string]any{"headers": map[string]any{"Authorization": "Bearer " + sec, "Cookie": "s=" + sec}}))
	add("header json arr", j(map[string]any{"headers": []any{"Authorization: Bearer " + sec, "X-Token: " + sec}}))
	add("header pair arr", j(map[string]any{"headers": []any{[]any{"Authorization", "Bearer " + sec}, []any{"X-Token", sec}}}))
	add("name value", j([]any{map[string]any{"name": "app_secret", "value": sec}}))
	add("key value arrays", j(map[string]any{"keys": []string{"app_secret"}, "values": []string{sec}}))
	add("multipart", "--b\r\nContent-Disposition: form-data; name=\"app_secret\"\r\n\r\n"+sec+"\r\n--b--")
	add("multipart json", "--b\r\nContent-Disposition: form-data; name=\"d\"\r\n\r\n{\"app_secret\":\""+sec+"\"}\r\n--b--")
	add("basic", "Basic "+base64.StdEncoding.EncodeToString([]byte("user:"+sec)))
	add("bearer lower", "bearer "+sec)
	add("bearer nbsp", "Bearer\u00a0"+sec)
	add("bearer %20", "Bearer%20"+sec)
	add("bearer quoted", `Bearer "`+sec+`"`)
	add("bearer colon", `Bearer: `+sec)
	add("token scheme", `Authorization: token `+sec)
	add("jsonp", `cb({"app_secret":"`+sec+`"})`)
	add("ndjson", `{"a":1}`+"\n"+`{"app_secret":"`+sec+`"}`)
	add("concat", `{"a":1}{"app_secret":"`+sec+`"}`)
	add("trailing comma", `{"app_secret":"`+sec+`",}`)
	add("dup key", `{"app_secret":"","app_secret":"`+sec+`"}`)
	add("escaped key", `{"app\u005fsecret":"`+sec+`"}`)
	add("escaped key all", `{"\u0061\u0070\u0070\u005f\u0073\u0065\u0063\u0072\u0065\u0074":"`+sec+`"}`)
	add("escaped upper", `{"\u0041pp\u005FSecret":"`+sec+`"}`)
	add("escaped slash", `{"app\/secret":"`+sec+`"}`)
	add("broken escape", `{"app_secret":"`+sec+`\x"}`)
	add("control char", "{\"app_secret\":\""+sec+"\x01\"}")
	add("url query", "https://x/y?access_token="+sec+"&b=1")
	add("url frag", "https://x/y#access_token="+sec)
	add("url ;", "https://x/y?a=1;access_token="+sec)
	add("url matrix", "https://x/y;token="+sec+"/z")
	add("url enc key", "https://x/y?access%5Ftoken="+sec)
	add("url enc =", "access_token%3D"+sec)
	add("url enc : ", "access_token%3A%20"+sec)
	add("url user", "https://user:"+sec+"@host/")
	add("dsn", "postgres://user:"+sec+"@host/db")
	add("dsn kv", "host=x password="+sec+" user=y")
	add("dsn kv quoted", "host=x password='"+sec+"' user=y")
	add("odbc", "Server=x;Pwd={"+sec+"};Uid=y")
	add("value array", j(map[string]any{"app_secret": []any{sec}}))
	add("value obj", j(map[string]any{"app_secret": map[string]any{"value": sec}}))
	add("value obj key", j(map[string]any{"app_secret": map[string]any{sec: 1}}))
	add("value num", `{"pin_token":123456789}`)
	add("value json string", j(map[string]any{"token": `{"v":"` + sec + `"}`}))
	add("pem", j(map[string]any{"cert": "-----BEGIN PRIVATE KEY-----\n" + sec + "\n-----END PRIVATE KEY-----"}))
	add("fullwidth colon", "app_secret："+sec)
	add("fullwidth equals", "app_secret＝"+sec)
	add("chinese", "密码："+sec)
	add("chinese2", "密码是"+sec)
	add("arrow", "app_secret -> "+sec)
	add(":=", "app_secret := \""+sec+"\"")
	add("==", "app_secret=="+sec)
	add("comma", "app_secret,"+sec)
	add("pipe", "app_secret|"+sec)
	add("paren", "app_secret("+sec+")")
	add("tab", "app_secret\t"+sec)
	add("lark hook", "https://open.feishu.cn/open-apis/bot/v2/hook/"+sec)
	add("base64 json", base64.StdEncoding.EncodeToString([]byte(base)))
	add("value with quote", j(map[string]any{"app_secret": `a"` + sec}))
	add("text value with quote", `x app_secret="a\"`+sec+`" y`)
	add("text value backtick", "app_secret=`"+sec+"`")
	add("text value <>", "app_secret=<"+sec+">")
	add("text value spaces", `password=correct horse `+sec)
	add("text value colon spaces", "password: correct horse "+sec+"\nnext: x")
	add("text value comma", "password=a,"+sec)
	add("text value amp", "password=a%26"+sec)
	add("text value ;", "password=a;"+sec)
	add("json string not json", `"app_secret=`+sec+`"`)
	add("array of json strings", j([]string{base, "app_secret=" + sec}))
	add("null bytes", "app_secret\x00=\x00"+sec)
	add("utf16ish", "a\x00p\x00p\x00_\x00s\x00e\x00c\x00r\x00e\x00t\x00=\x00"+sec)
}

func TestReviewNoSecrets(t *testing.T) {
	r := redact.New(nil)
	for _, p := range []string{
		`{"token_type":"Bearer","expire":7200}`, `{"is_secret":true}`, `{"need_password":false}`, `{"has_more_token":true}`,
		`{"msg":"Basic authentication required"}`, `{"msg":"the bearer of this message is Bob"}`, `{"text":"Please bring the ticket: platform 9"}`,
		`{"text":"secret: nothing here, and then a long sentence about the meeting"}`, `{"title":"Password: how to reset it"}`,
		`{"query":"authorization: who may sign?\nnext line"}`, `{"text":"Cookie: the recipe needs butter, sugar, flour and more"}`,
		`{"a":"bearer bonds are rare"}`, `{"max_tokens":100,"completion_tokens":"12"}`, `{"ticket":{"id":"7","title":"printer broken","status":1}}`,
		`{"ticket_id":"77"}`, `{"tickets":[{"ticket_id":"1"}]}`, `{"file_token":"boxcn123","type":"docx"}`, `{"obj_token":"x"}`, `{"node_token":"wikcn"}`, `{"spreadsheet_token":"shtcn"}`, `{"page_token":"abc"}`,
		`{"fields":{"Ticket":"INC-1","Cookie":"yes"}}`, `{"token":null}`, `{"secret_santa":"Bob"}`, `{"app_tokens":["bascn1","bascn2"]}`,
		`{"sign_key_id":"5"}`, `{"content":"{\"text\":\"see you, my secret: tea at five, bring cake & milk\"}"}`,
		`{"text":"tokens=5"}`, `{"text":"the pwd command: prints the directory"}`,
	} {
		text := payloadEntry(p)
		switch p {
		// An object or a column named Ticket or Cookie is a credential's everywhere except in the help desk's
		// own calls.
		case `{"ticket":{"id":"7","title":"printer broken","status":1}}`, `{"fields":{"Ticket":"INC-1","Cookie":"yes"}}`:
			got, n := r.Redact(text)
			require.Positive(t, n)
			requireLaws(t, r, text, got, n)
			text = strings.Replace(text, "open-apis/x", "open-apis/helpdesk/v1/tickets", 1)
			if strings.Contains(p, "printer") {
				requireRedacted(t, r, text, 0, text)
			}
		default:
			requireRedacted(t, r, text, 0, text)
		}
	}
}
