// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// units are what the texts of the tests below repeat.
var units = []string{
	`token:`, `token=`, `"token":`, `token: `, `\"`, `token:\\\"`, `[`, `{"token":[`, `token:[`, `k `, `k_`, `=`, ` :`, `\`, `%25`, `%5C`, `\\u0025`,
	`Authorization: `, `Bearer `, `b`, `,`, `token:,`, `"`, `'`, `token:'`, `id card `, `\u0074`, `token=a,`, "token:\n", `token `, `token (`, `token **`,
	`<token>`, `://u:p@`, `密码`, `密码：`, `t-`, `eyJ`, `AKIA`, `hook/`, `authcode/?code=`, `curl -u a:`, `&quot;`, `-----BEGIN PRIVATE KEY-----`,
	`token: |\n `, `password: a `, `name="token"`, `"name":"token",`, `{"text":"token"},`, `[["token"],["`, `token<b>`, `&amp;`, "\u200b", `＝`,
	`token={"`, `\"token\":{`, `[{"token":`, `%25token%253D`, `\\`, `'token':'`, `token[`, `{"a":"token=`, `{"a":[`, `bearer `, `basic a`, `\u0074oken=`,
	`token=\`, `{"token":"\"`, `id_card=`, "token= ", "token\\\\", `token="\`, `"token":"a" {"a"`, `[[`, `token={,`, `token=[ "a" `, `{"token" `,
	`%7B%22token%22%3A`, `authorization: `, `authorization=" `, "cookie:\"a", `"cookie:'a`, `(token,`, `token,`, `token("`, `variable "token" {`,
	`token = os.getenv(`, `token: str | `, `token=a.b[`, `パスワード`, `密碼`, "chpasswd <<\n", "a:chpasswd <<\nb:c\n", `echo a:b|chpasswd `, `WIFI:T:`,
	`WIFI:P:a;`, `sqlplus a/`, `net use /user:`, `PIN:`, `пароль: `, `1:AA`, `f(token=token,`, `password == a `, `пароль от почты `, `senha de `,
	`mật khẩu a `, `net user a `, `htpasswd -b `, `SecureString "`, `login a password `, `create user a IDENTIFIED BY b replace `, `验证码12 `, `验证码 1-`,
	`{"columns":["password","b"],"rows":[["a",`, `\u0022token\u0022:[\u0022`, `\\\"token\\\":{\u005c`, `"token":{"a`, `password [a`,
}

// repeated returns an entry of a unit over and over, and of something to mask.
func repeated(unit string, size int) string {
	return `{"token":"x","p":` + quote(strings.Repeat(unit, size/len(unit))) + `}`
}

// TestLinearTime: texts of the same unit over and over stay JSON.
func TestLinearTime(t *testing.T) {
	t.Parallel()
	for _, extra := range [][]string{nil, {"id_card"}} {
		r := redact.New(extra)
		for _, unit := range units {
			got, n := r.Redact(repeated(unit, 1<<12))
			require.NotZero(t, n)
			require.True(t, json.Valid([]byte(got)), "%q", unit)
		}
	}
}

// TestLongLinearTime: reading takes linear time. A text is compared with its eighth, eight times, right before: other
// load slows down both.
func TestLongLinearTime(t *testing.T) {
	const parts, least = 8, 5 * time.Millisecond
	size := 1 << 17
	if raceEnabled {
		size = 1 << 14
	}
	r := redact.New([]string{"id_card"})
	took := func(text string, times int) time.Duration {
		began := time.Now()
		for range times {
			r.Redact(text)
		}
		return time.Since(began)
	}
	for _, unit := range units {
		part, whole := repeated(unit, size/parts), repeated(unit, size)
		var few, all time.Duration
		for try := 0; try == 0 || all > parts/2*few+least && try < 5; try++ { // quadratic: as many times as there are parts
			few, all = took(part, parts), took(whole, 1)
		}
		require.LessOrEqual(t, all, parts/2*few+least, "%q", unit)
	}
}
