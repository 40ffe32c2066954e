// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks tokens of other services, which people paste in chats with a bot. Each form is a rule of
// gitleaks (github-pat, github-fine-grained-pat, gitlab-pat, slack-*-token, npm-access-token, gcp-api-key, vault-service-token, openai-api-key, stripe-access-token, telegram-bot-api-token), or documented:
// DingTalk's signing secrets begin with SEC. They have a prefix and a length that nothing else has.

// minIssued is the minimum length of the random part of one of them.
const minIssued = 20

// issued are such prefixes, and how long what follows is at least. Those with a hyphen are in isTokenPrefix.
var issued = []struct {
	prefix string
	least  int
}{
	{"ghp_", 36},
	{"github_pat_", 60},
	{"npm_", 36},
	{"AIza", 35},
	{"hvs.", 20},
	{"SEC", 64},
	{"sk_live_", 16},
	{"sk_test_", 16},
	{"rk_live_", 16},
	{"rk_test_", 16},
}

// issuedStarts are their prefixes.
var issuedStarts = func() (starts []string) {
	for _, i := range issued {
		starts = append(starts, i.prefix)
	}
	return starts
}()

// issuedEnd returns the end of such a token at text[at], or 0.
func issuedEnd(text []byte, at, from int) int {
	if at < from {
		return 0
	}
	for _, i := range issued {
		if hasPrefixAt(text, at, i.prefix) && isRandom(text, at+len(i.prefix), i.least) {
			return tokenEnd(text, at+len(i.prefix))
		}
	}
	return 0
}

// maxTelegramID is how many digits the id of a bot of Telegram may have.
const maxTelegramID = 16

// telegramEnd returns the end of the token of a bot of Telegram whose colon is text[at], or 0: its id, a colon, and A
// with 34 letters, digits, underscores and hyphens.
func telegramEnd(text []byte, at int) int {
	id := at
	for id > 0 && at-id <= maxTelegramID && isDigit(text[id-1]) {
		id--
	}
	end := tokenEnd(text, at+1)
	if n := at - id; n < 5 || n > maxTelegramID || end-at-1 != 35 || byteAt(text, at+1) != 'A' {
		return 0
	}
	return end
}

// isRandom reports whether at least so many letters, digits, underscores and hyphens follow at text[at], and
// among them a digit.
func isRandom[T string | []byte](text T, at, least int) bool {
	if at+least > len(text) {
		return false
	}
	digits := 0
	for i := at; i < at+least; i++ {
		switch c := text[i]; {
		case isDigit(c):
			digits++
		case !isLetter(c) && c != '_' && c != '-':
			return false
		}
	}
	return digits > 0
}

// isIssuedBefore reports whether the hyphen text[at] is that of a token of GitLab or Slack: glpat-, xoxb-.
func isIssuedBefore[T string | []byte](text T, at int) bool {
	if at < 4 {
		return false
	}
	size := 0
	switch text[at-2] {
	case 'x':
		if hasPrefixAt(text, at-4, "xox") && (text[at-1] == 'a' || text[at-1] == 'b' || text[at-1] == 'p' || text[at-1] == 'r' || text[at-1] == 's') {
			size = 4
		}
	case 'a':
		if at >= 5 && hasPrefixAt(text, at-5, "glpat") {
			size = 5
		}
	case 'p':
		if hasPrefixAt(text, at-4, "xapp") {
			size = 4
		}
	}
	start := at - size
	return size > 0 && (start == 0 || !isLetter(text[start-1]) && !isDigit(text[start-1])) && isRandom(text, at+1, minIssued)
}

// client masks the app's secret in a call of the vendor's SDKs: lark.NewClient("cli_1", "secret").
func (w *walker) client(text []byte, word span) int {
	name := text[word.start:word.end]
	if string(name) != "NewClient" && string(name) != "newBuilder" {
		return 0
	}
	at := word.end
	for at < len(text) && at < word.end+maxRemark && text[at] != '(' && text[at] > ' ' { // Client.newBuilder, and a type
		at++
	}
	first := skipBlanks(text, at+1)
	first += backslashesAt(text, first)
	if at >= len(text) || text[at] != '(' || first >= len(text) || !isQuoteMark(text[first]) || !bytes.HasPrefix(text[first+1:], []byte("cli_")) {
		return 0
	}
	return w.secondArgument(text, at)
}

// secondArgument masks the second string after the parenthesis text[at]: of ("user", "password").
func (w *walker) secondArgument(text []byte, at int) int {
	i := at + 1
	for n := range 2 {
		for i < len(text) && (text[i] <= ' ' || text[i] == ',' && n == 1) {
			i++
		}
		slashes := backslashesAt(text, i)
		q := i + slashes
		if q >= len(text) || !isQuoteMark(text[q]) {
			return 0
		}
		end := quotedEnd(text, q+1, quotation{mark: text[q], levels: levelsOf(slashes)})
		if n == 1 {
			if content := text[q+1 : end]; isPlaceholder(content) {
				return 0
			}
			return w.mask(text, q+1, end, "")
		}
		i = end + backslashesAt(text, end) + 1
	}
	return 0
}

const (
	minSeed = 12 // words of a wallet: 12 to 24
	maxSeed = 24
)

// seed masks the words of a wallet at text[at].
func (w *walker) seed(text []byte, at int) int {
	if at < len(text) && isQuoteMark(text[at]) {
		at++
	}
	if end := seedEnd(text, at); end > 0 {
		return w.mask(text, at, end, "")
	}
	return 0
}

// seedEnd returns the end of the words of a wallet (BIP-39: 3 to 8 lower-case letters each) at text[at], or 0.
func seedEnd(text []byte, at int) int {
	words, end := 0, at
	for i := at; words < maxSeed; words++ {
		start := i
		for i < len(text) && 'a' <= text[i] && text[i] <= 'z' {
			i++
		}
		if n := i - start; n < 3 || n > 8 {
			break
		}
		end = i
		for i < len(text) && (isBlank(text[i]) || text[i] == ',') {
			i++
		}
	}
	if words < minSeed {
		return 0
	}
	return end
}
