// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// Answers about refused calls and about requests for tokens:
const (
	inLog    = "logged"
	noneSeen = "none seen"
	noCodes  = "no codes"
)

// The gateway of the Open API has these codes; those of the APIs behind the gateway are shorter.
const firstGatewayCode, lastGatewayCode = 99990000, 99999999

// tokenCall is the api_key of an API that issues or refreshes tokens, as in detections/.
var tokenCall = regexp.MustCompile(`^[A-Z]+/open-apis/(auth|authen)/`)

// endEvidence counts the results of calls in the log: which detections can fire depends on whether it has
// refused calls. It keeps only codes from entries.
type endEvidence struct {
	entries         int
	coded           int            // with a response code that can be read
	gateway, others map[string]int // by code, other than 0
	failed          int            // with a status_code of 400 or more
	tokens          int            // requests for tokens
	refusedTokens   map[string]int // of these, by code
}

func (c *endEvidence) observe(e *entry.Facts) {
	if c.gateway == nil {
		c.gateway, c.others, c.refusedTokens = map[string]int{}, map[string]int{}, map[string]int{}
	}
	c.entries++
	if status, err := strconv.Atoi(strings.Trim(e.StatusCode, `"`)); err == nil && status >= 400 && status <= 599 {
		c.failed++
	}
	token := tokenCall.MatchString(e.APIKey)
	if token {
		c.tokens++
	}
	code, ok := codeOf(e.Response)
	if !ok {
		return
	}
	c.coded++
	name := strconv.FormatInt(code, 10)
	switch {
	case code == 0:
		return
	case code >= firstGatewayCode && code <= lastGatewayCode:
		c.gateway[name]++
	case code > 0 && code < firstGatewayCode:
		c.others[name]++
	default: // not a value of the vendor's: its meaning is unknown
		name = "another number"
		c.others[name]++
	}
	if token {
		c.refusedTokens[name]++
	}
}

// codeOf reads the code of a response, which may be an object or a text with one, possibly cut off after the
// code.
func codeOf(response string) (code int64, ok bool) {
	var text string
	if json.Unmarshal([]byte(response), &text) != nil {
		text = response
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return 0, false
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return 0, false
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil || int(dec.InputOffset()) == len(text) { // a number at the end may have lost digits
			return 0, false
		}
		if name == "code" {
			code, err = strconv.ParseInt(strings.Trim(string(value), `"`), 10, 64)
			return code, err == nil
		}
	}
	return 0, false
}

func sum(counts map[string]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

// ends reports the results of the calls in the log.
func (c *endEvidence) ends() Message {
	var parts []Message
	if n := sum(c.gateway); n > 0 {
		parts = append(parts, msg("a code of the gateway in %d: %s", n, tally(c.gateway)))
	}
	if n := sum(c.others); n > 0 {
		parts = append(parts, msg("a code other than 0 in %d: %s", n, tally(c.others)))
	}
	switch {
	case c.coded == 0:
		parts = append(parts, msg("a response code in none"))
	case len(parts) == 0:
		parts = append(parts, msg("the code 0 in all that have one (%d)", c.coded))
	}
	if c.failed > 0 {
		parts = append(parts, msg("a status_code of 400 or more in %d", c.failed))
	}
	return msg("in %s: %s", count(c.entries, "entry", "entries"), join("; ", parts...))
}

// findings report whether the log has refused calls and requests for tokens. "None seen" proves nothing about
// the log: there may have been none.
func (c *endEvidence) findings() []Finding {
	if c.entries == 0 {
		return []Finding{unknown(RefusedCalls, msg("no entry was seen")), unknown(TokenCalls, msg("no entry was seen"))}
	}
	refused := Finding{Question: RefusedCalls, Evidence: c.ends()}
	switch {
	case c.coded == 0:
		refused.Answer, refused.Text = noCodes, msg("no entry has a response code that can be read: the detections of refused calls cannot fire")
	case len(c.gateway) > 0:
		refused.Answer, refused.Text = inLog, msg("logged: the log has calls that the gateway refused, so the detections of refused tokens, scopes and addresses can fire")
	default:
		refused.Answer, refused.Text = noneSeen, msg("none seen: either there were none, or the log leaves out what the gateway refuses. In that case the detections of refused tokens, scopes and addresses cannot fire; docs/detections.md explains how to find out")
	}
	tokens := Finding{Question: TokenCalls, Answer: noneSeen}
	tokens.Text = msg("none seen: either there were none, or the log leaves them out. In that case the detections of guessed credentials cannot fire")
	tokens.Evidence = msg("in %s: %s", count(c.entries, "entry", "entries"), msg("none of an API below auth or authen"))
	if c.tokens > 0 {
		tokens.Answer, tokens.Text = inLog, msg("logged: the log has requests for tokens, which the detections of guessed credentials need")
		tokens.Evidence = msg("in %s: %s", count(c.entries, "entry", "entries"), msg("%d of an API below auth or authen", c.tokens))
		switch {
		case len(c.refusedTokens) > 0:
			tokens.Evidence = tokens.Evidence.and(msg("refused ones among them: %s", tally(c.refusedTokens)))
		case c.coded > 0:
			tokens.Text = tokens.Text.and(msg("whether refused ones are logged is unknown"))
			tokens.Evidence = tokens.Evidence.and(msg("no refused one among them"))
		}
	}
	return []Finding{refused, tokens}
}
