// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"strings"
	"testing"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// TestFurtherKeysInForms: a configured key is found in the brackets of a form, like a built-in one.
func TestFurtherKeysInForms(t *testing.T) {
	r := redact.New([]string{"id_card", "mobile"})
	for _, tt := range []struct {
		text, want string
		masks      int
	}{
		{"user[id_card]=1101&x=1", "user[id_card]=[REDACTED]&x=1", 1},
		{"a=b&user%5Bid_card%5D=1101&x=1", "a=b&user%5Bid_card%5D=[REDACTED]&x=1", 1},
		{"user%5b%69d_card%5d%5b0%5d=1101&x=1", "user%5b%69d_card%5d%5b0%5d=[REDACTED]&x=1", 1},
		{"id_card[]=1101&id_card[]=1102&x=1", "id_card[]=[REDACTED]&id_card[]=[REDACTED]&x=1", 2},
		{"id_card[0]=1101&mobile[]=138", "id_card[0]=[REDACTED]&mobile[]=[REDACTED]", 2},
		{"body: user[id_card][no]=1101&x=1", "body: user[id_card][no]=[REDACTED]&x=1", 1},
		{"POST /x?to[mobile]=138 HTTP/1.1", "POST /x?to[mobile]=[REDACTED] HTTP/1.1", 1},
		{`{"user[id_card]":"1101","id_card[]":["1102"],"x":1}`, `{"user[id_card]":"[REDACTED]","id_card[]":["[REDACTED]"],"x":1}`, 2},
		{`{"user[id_card]":"1101","cut":"o`, `{"user[id_card]":"[REDACTED]","cut":"o`, 1},
		{"the id_card [of 7] code: 5", "the id_card [of 7] code: 5", 0},
		{"user[my_id_card]=1101&id_cards[0]=1", "user[my_id_card]=1101&id_cards[0]=1", 0},
	} {
		t.Run(tt.text, func(t *testing.T) {
			requireRedacted(t, r, `{"payload":`+quote(tt.want)+`}`, tt.masks, `{"payload":`+quote(tt.text)+`}`)
		})
	}
}

// TestNotRecognised: the values that the package's documentation lists as not recognised are kept.
func TestNotRecognised(t *testing.T) {
	for _, text := range []string{
		`{"payload":"{\"code\":\"S3CRET\"}"}`,
		`{"payload":"{\"pin\":\"1234\",\"sid\":\"S3CRET12345\"}"}`,
		`{"payload":"the password is hunter"}`,
		`{"payload":"密码是天王盖地虎"}`,
		`{"payload":"[\"login\",\"S3CRET12\"]"}`,
		`{"payload":"our wifi is S3CRET12"}`,
		`{"payload":"密码：天王盖地虎"}`,
	} {
		requireRedacted(t, redact.New(nil), text, 0, text)
	}
}

// TestIssuedTokens: tokens of other services are masked whatever is around them. The values are put together
// here, so that no scanner takes them for real ones. Covers F73.
func TestIssuedTokens(t *testing.T) {
	random := strings.Repeat("a1B2c3D4e5", 9)
	for _, tt := range []struct {
		prefix string
		size   int
	}{
		{"ghp_", 36},
		{"github_pat_", 82},
		{"glpat-", 20},
		{"xoxb-", 50},
		{"xoxp-", 50},
		{"xapp-", 50},
		{"npm_", 36},
		{"AIza", 35},
		{"hvs.", 24},
		{"sk-", 48},
		{"sk-proj-", 48},
		{"SEC", 64},
		{"sk_live_", 24},
		{"rk_test_", 24},
	} {
		token := tt.prefix + random[:tt.size]
		for _, around := range []string{"%", "用 % 试试", "see %, it works", `{"data":"%"}`, "a=1&x=%", "url/%?x"} {
			for _, pad := range []string{"", " "} { // on either side of the filter's pairs
				requireRedacted(t, redact.New(nil), `{"payload":`+quote(pad+strings.ReplaceAll(around, "%", redact.Mask))+`}`, 1,
					`{"payload":`+quote(pad+strings.ReplaceAll(around, "%", token))+`}`)
			}
		}
		short := tt.prefix + random[:6]
		requireRedacted(t, redact.New(nil), `{"payload":"`+short+`"}`, 0, `{"payload":"`+short+`"}`)
		requireRedacted(t, redact.New(nil), `{"payload":"x`+token+`"}`, 0, `{"payload":"x`+token+`"}`)
	}
}

// TestTelegram: of the token of a bot of Telegram, which is in each link to its API, the id of the bot stays.
func TestTelegram(t *testing.T) {
	random := strings.Repeat("a1B2c3D4e5", 9)
	token := "AA" + random[:33]
	for _, around := range []string{"123456789:%", "https://api.telegram.org/bot123456789:%/sendMessage", "机器人 123456789:%，已创建", " bot123456789:%"} {
		requireRedacted(t, redact.New(nil), `{"payload":`+quote(strings.ReplaceAll(around, "%", redact.Mask))+`}`, 1,
			`{"payload":`+quote(strings.ReplaceAll(around, "%", token))+`}`)
	}
	for _, text := range []string{"1234:" + token, "123456789:" + token[:34], "123456789:" + token + "x", "x:" + token} {
		requireRedacted(t, redact.New(nil), `{"payload":"`+text+`"}`, 0, `{"payload":"`+text+`"}`)
	}
}
