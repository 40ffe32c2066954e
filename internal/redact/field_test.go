// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// TestFieldCases: payloads from the field, and variations of them. Each has one secret, and none is left. Covers
// F70, F71, F72, F73.
func TestFieldCases(t *testing.T) {
	r := redact.New(nil)
	for _, c := range []struct{ name, payload string }{
		{"fullwidth colon, text msg", `{"receive_id":"ou_1","msg_type":"text","content":"{\"text\":\"测试环境 app_secret：S3CRETvalue，请勿外传\"}"}`},
		{"fullwidth colon, password", `{"content":"{\"text\":\"账号 root password：S3CRETvalue\"}"}`},
		{"fullwidth equals", `{"content":"{\"text\":\"token＝S3CRETvalue\"}"}`},
		{"ascii colon chinese key (configured)", `{"content":"{\"text\":\"密码: S3CRETvalue\"}"}`},
		{"fullwidth colon chinese key (configured)", `{"content":"{\"text\":\"密码：S3CRETvalue\"}"}`},
		{"markdown bold key", `{"content":"{\"elements\":[{\"tag\":\"markdown\",\"content\":\"**app_secret**: S3CRETvalue\\n\"}]}"}`},
		{"markdown bold incl colon", `{"content":"{\"elements\":[{\"tag\":\"markdown\",\"content\":\"**Token:** S3CRETvalue\\n\"}]}"}`},
		{"markdown backtick key", "{\"t\":\"`app_secret`: `S3CRETvalue`\"}"},
		{"markdown backtick value", "{\"t\":\"app_secret: `S3CRETvalue`\"}"},
		{"smart quotes", `{"t":"“app_secret”：“S3CRETvalue”"}`},
		{"smart quotes ascii colon", `{"t":"“app_secret”: “S3CRETvalue”"}`},
		{"html entity json", `{"t":"{&quot;app_secret&quot;:&quot;S3CRETvalue&quot;,&quot;a&quot;:1}"}`},
		{"html numeric entity json", `{"t":"{&#34;app_secret&#34;:&#34;S3CRETvalue&#34;}"}`},
		{"html bold", `{"t":"<b>password</b>: S3CRETvalue"}`},
		{"cli flag space", `{"t":"mysqldump --user root --password S3CRETvalue db"}`},
		{"cli flag eq", `{"t":"curl --token=S3CRETvalue x"}`},
		{"curl -u", `{"t":"curl -u admin:S3CRETvalue https://h"}`},
		{"bearer newline", `{"t":"Bearer\nS3CRETvalue"}`},
		{"Bearer colon", `{"t":"Authorization Bearer:S3CRETvalue"}`},
		{"Token scheme", `{"t":"Authorization=Token S3CRETvalue"}`},
		{"api_key", `{"api_key":"S3CRETvalue"}`},
		{"x-api-key", `{"headers":{"X-Api-Key":"S3CRETvalue"}}`},
		{"apikey form", `a=b&apikey=S3CRETvalue`},
		{"sk", `{"ak":"AKID","sk":"S3CRETvalue"}`},
		{"ak/sk Secret ID", `{"secretId":"AKID","secretKey":"S3CRETvalue"}`},
		{"sas sig", `{"u":"https://x.blob.core.windows.net/c/f?sv=2022&sig=S3CRETvalue&se=1"}`},
		{"aws presigned", `{"u":"https://b.s3.amazonaws.com/f?X-Amz-Credential=AK&X-Amz-Signature=S3CRETvalue"}`},
		{"oss presigned", `{"u":"https://b.oss-cn.aliyuncs.com/f?OSSAccessKeyId=AK&Expires=1&Signature=S3CRETvalue"}`},
		{"hook url in msg", `{"t":"https://open.feishu.cn/open-apis/bot/v2/hook/S3CRETvalue"}`},
		{"password_confirmation", `{"password_confirmation":"S3CRETvalue"}`},
		{"passwordHash", `{"password_hash":"S3CRETvalue"}`},
		{"token_v2", `{"token_v2":"S3CRETvalue"}`},
		{"access_token_v2", `access_token_v2=S3CRETvalue`},
		{"passcode", `{"passcode":"S3CRETvalue"}`},
		{"pem", `{"t":"-----BEGIN RSA PRIVATE KEY-----\nS3CRETvalue\n-----END RSA PRIVATE KEY-----"}`},
		{"privateKeyPem", `{"private_key_pem":"S3CRETvalue"}`},
		{"credentials obj", `{"credentials":"S3CRETvalue"}`},
		{"device_code", `{"grant_type":"x","device_code":"S3CRETvalue"}`},
		{"auth", `{"auth":"S3CRETvalue"}`},
		{"x-tt-token prefix in path", `{"t":"GET /x/t-S3CRETvalue"}`},
		{"encrypt", `{"encrypt":"S3CRETvalue"}`},
		{"webhook_url", `{"webhook_url":"https://open.feishu.cn/open-apis/bot/v2/hook/S3CRETvalue"}`},
		{"dsn", `{"t":"mysql://root:S3CRETvalue@10.0.0.1:3306/db"}`},
		{"dsn2", `{"t":"root:S3CRETvalue@tcp(10.0.0.1:3306)/db"}`},
		{"jdbc", `{"t":"jdbc:mysql://h/db?user=root&password=S3CRETvalue"}`},
		{"pwd is", `{"t":"密码是 S3CRETvalue"}`},
		{"env export", `{"t":"export APP_SECRET=S3CRETvalue"}`},
		{"yaml", `{"t":"app:\n  secret: S3CRETvalue\n"}`},
		{"yaml block", `{"t":"secret: |\n  S3CRETvalue\n"}`},
		{"yaml list", `{"t":"tokens:\n  - S3CRETvalue\n"}`},
		{"crlf header fold", `{"t":"Authorization:\r\n Bearer S3CRETvalue"}`},
		{"hdr list", `{"headers":[["Authorization","Digest S3CRETvalue"]]}`},
		{"post rich text split", `{"content":[[{"tag":"text","text":"app_secret: "},{"tag":"text","text":"S3CRETvalue"}]]}`},
		{"card fields title value", `{"fields":[{"text":{"tag":"lark_md","content":"**App Secret**\nS3CRETvalue"}}]}`},
		{"csv", `{"t":"user,password\nroot,S3CRETvalue"}`},
		{"sheet values", `{"valueRange":{"values":[["user","password"],["root","S3CRETvalue"]]}}`},
		{"bitable fields", `{"fields":{"Password":"S3CRETvalue","密码":"S3CRETvalue"}}`},
		{"token paren", `{"t":"token(S3CRETvalue)"}`},
		{"zero width", "{\"t\":\"app_secret\u200b: S3CRETvalue\"}"},
		{"nbsp", "{\"t\":\"app_secret\u00a0:\u00a0S3CRETvalue\"}"},
		{"fullwidth space", "{\"t\":\"app_secret　:　S3CRETvalue\"}"},
		{"nbsp after colon", "{\"t\":\"app_secret:\u00a0S3CRETvalue\"}"},
		{"pwd brackets", `{"t":"password【S3CRETvalue】"}`},
		{"paren note", `{"t":"app_secret (prod): S3CRETvalue"}`},
		{"paren note cn", `{"t":"app_secret（生产）: S3CRETvalue"}`},
		{"Bearer in json val under other key", `{"h":"Bearer S3CRETvalue"}`},
		{"Bearer nbsp", "{\"h\":\"Bearer\u00a0S3CRETvalue\"}"},
		{"base64 json", `{"b":"eyJhcHBfc2VjcmV0IjoiUzNDUkVUIn0="}`},
		{"form w/ semicolon", `a=b;app_secret=S3CRETvalue`},
		{"query_param json map", `{"access_token":["S3CRETvalue"]}`},
		{"fragment", `https://h/cb#access_token=S3CRETvalue&x=1`},
		{"matrix param", `https://h/cb;jsessionid=S3CRETvalue?x=1`},
		{"session", `{"session":"S3CRETvalue","sessionid":"S3CRETvalue"}`},
		{"cookie obj", `{"cookies":[{"name":"session","value":"S3CRETvalue"}]}`},
		{"set-cookie list", `{"set-cookie":["session=S3CRETvalue; Path=/"]}`},
		{"otp", `{"otp":"S3CRETvalue","verify_code":"S3CRETvalue","captcha":"S3CRETvalue"}`},
		{"sign", `{"timestamp":"1","sign":"S3CRETvalue","msg_type":"text"}`},
		{"table", `{"t":"| app_secret | S3CRETvalue |"}`},
		{"arrow", `{"t":"app_secret -> S3CRETvalue"}`},
		{"arrow cn", `{"t":"app_secret→S3CRETvalue"}`},
		{"newline after colon", `{"t":"app_secret:\nS3CRETvalue"}`},
		{"newline after colon list", `{"t":"Password:\n\nS3CRETvalue"}`},
		{"n8n log line", `{"content":"{\"text\":\"credentials.accessToken t-g104S3CRETvalue\"}"}`},
		{"tmp_download_url", `{"code":0,"data":{"tmp_download_urls":[{"file_token":"boxcn","tmp_download_url":"https://internal-api-drive-stream.feishu.cn/space/api/box/stream/download/authcode/?code=S3CRETvalue"}]}}`},
		{"lark_md bold key, value in code", "{\"elements\":[{\"tag\":\"div\",\"text\":{\"tag\":\"lark_md\",\"content\":\"**密码**：`S3CRETvalue`\\n**App Secret**: `S3CRETvalue`\"}}]}"},
		{"bold key ascii colon outside", `{"content":"**Password**: S3CRETvalue"}`},
		{"bold key colon inside", `{"content":"**Password:** S3CRETvalue"}`},
		{"italic", `{"content":"*Password*: S3CRETvalue"}`},
		{"underscore bold", `{"content":"__Password__: S3CRETvalue"}`},
		{"underscore bold inside", `{"content":"__Password:__ S3CRETvalue"}`},
		{"list bullet", `{"content":"- Password: S3CRETvalue"}`},
		{"value bold", `{"content":"Password: **S3CRETvalue**"}`},
		{"font tag", `{"content":"<font color='grey'>Password：</font><font color='red'>S3CRETvalue</font>"}`},
		{"font tag ascii", `{"content":"<font color='grey'>Password:</font> S3CRETvalue"}`},
		{"at tag", `{"content":"Password: <at id=ou_1></at> S3CRETvalue"}`},
		{"two words value", `{"content":"Password: S3CRETvalue S3CRETvalue"}`},
		{"passphrase words", `{"content":"passphrase: correct horse S3CRETvalue"}`},
		{"fullwidth colon token", `{"content":"{\"text\":\"token：S3CRETvalue\"}"}`},
		{"fullwidth colon escaped", `{"content":"{\"text\":\"token\\uff1aS3CRETvalue\"}"}`},
		{"fullwidth percent", `text=token%EF%BC%9AS3CRETvalue`},
		{"post content md", `{"content":"{\"zh_cn\":{\"content\":[[{\"tag\":\"md\",\"text\":\"**token**：S3CRETvalue\"}]]}}"}`},
		{"x-api-key hdr", `{"t":"curl -H 'x-api-key: S3CRETvalue' https://h"}`},
		{"sk-", `{"t":"OPENAI_API_KEY=sk-S3CRETvalue"}`},
		{"aliyun AK line", `{"t":"AccessKeyId: LTAI5t AccessKeySecret: S3CRETvalue"}`},
		{"ak sk cn", `{"t":"AK: AKLT SK: S3CRETvalue"}`},
		{"kv cell name/value card", `{"fields":[{"name":"password","value":"S3CRETvalue"}]}`},
		{"sql", `{"t":"ALTER USER root IDENTIFIED BY 'S3CRETvalue'"}`},
		{"netrc", `{"t":"machine h login u password S3CRETvalue"}`},
		{"sshpass", `{"t":"sshpass -p S3CRETvalue ssh h"}`},
		{"redis url", `{"t":"redis://:S3CRETvalue@10.0.0.1:6379/0"}`},
		{"webhook sign secret", `{"t":"加签密钥: SECS3CRETvalue"}`},
		{"jwt bare", `{"t":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTM0NSRVQifQ.S3CRETvalue"}`},
		{"private key pem json", `{"private_key":"-----BEGIN PRIVATE KEY-----\nS3CRETvalue\n"}`},
		{"pem in text", `{"t":"private_key: -----BEGIN PRIVATE KEY-----\nS3CRETvalue\n-----END PRIVATE KEY-----"}`},
		{"yaml pem", `{"t":"private_key: |\n  -----BEGIN PRIVATE KEY-----\n  S3CRETvalue\n"}`},
		{"cookie header in curl -b", `{"t":"curl -b 'session=S3CRETvalue' h"}`},
		{"basic in url", `{"t":"https://u:S3CRETvalue@h/"}`},
		{"password with space before fullwidth paren", `{"t":"password（root）：S3CRETvalue"}`},
		{"crlf", `{"t":"Password:\r\nS3CRETvalue"}`},
		{"tab", "{\"t\":\"Password\\tS3CRETvalue\"}"},
		{"multipart field", "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nS3CRETvalue\r\n--b--"},
		{"full-width colon", `{"text":"测试环境 app_secret：S3CRETvalue，请勿外传"}`},
		{"full-width equals", `{"text":"token＝S3CRETvalue"}`},
		{"bold key", `{"content":"**app_secret**: S3CRETvalue"}`},
		{"bold key and colon", `{"content":"**Token:** S3CRETvalue"}`},
		{"code key", "{\"content\":\"`app_secret`: S3CRETvalue\"}"},
		{"typographic quotes", `{"text":"“app_secret”: “S3CRETvalue”"}`},
		{"HTML entities", `{"t":"{&quot;app_secret&quot;:&quot;S3CRETvalue&quot;}"}`},
		{"value on the next line", `{"text":"Password:\nS3CRETvalue"}`},
		{"private key in text", `{"text":"private_key: -----BEGIN PRIVATE KEY-----\nS3CRETvalue\n-----END PRIVATE KEY-----"}`},
		{"private key in YAML", `{"text":"private_key: |\n  S3CRETvalue\n"}`},
		{"passphrase of words", `{"text":"passphrase: correct horse S3CRETvalue"}`},
		{"key behind a remark", `{"text":"app_secret (prod): S3CRETvalue"}`},
		{"no-break space", "{\"text\":\"app_secret\u00a0: S3CRETvalue\"}"},
		{"option and value", `{"text":"mysqldump --password S3CRETvalue db"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := entry(c.payload, `{"code":0}`)
			got, n := r.Redact(text)
			requireLaws(t, r, text, got, n)
			if reason, ok := leftOpen[c.name]; ok {
				assert.Contains(t, got, "S3CRETvalue", "no longer left open: %s", reason)
				return
			}
			assert.NotContains(t, got, "S3CRETvalue")
			assert.Positive(t, n)
		})
	}
}

// leftOpen are the cases that are not masked, and why.
var leftOpen = map[string]string{
	"x-tt-token prefix in path": "t- before eleven letters is no token: Feishu's have twenty and more",
	"encrypt":                   "Feishu's encrypt is the ciphertext of an event, which its key protects",
}

// TestFieldConfiguredKeys: the same with the names that users add. Covers F70.
func TestFieldConfiguredKeys(t *testing.T) {
	for _, keys := range [][]string{{"密码"}, {"密码", "密钥", "api_key"}} {
		r := redact.New(keys)
		for _, payload := range []string{
			`{"text":"密码：S3CRETvalue"}`, `{"content":"{\"text\":\"密码: S3CRETvalue\"}"}`, `{"content":"{\"text\":\"密码：S3CRETvalue\"}"}`,
			`{"fields":{"Password":"S3CRETvalue","密码":"S3CRETvalue"}}`,
		} {
			text := entry(payload, `{"code":0}`)
			got, n := r.Redact(text)
			requireLaws(t, r, text, got, n)
			assert.NotContains(t, got, "S3CRETvalue")
			assert.NotContains(t, got, "S3CRETvalue")
		}
	}
}
