// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// orderEvidence is about the order within one page. Only the best page counts, not several: if the order were
// random but always the same, several pages would seem to prove it.
type orderEvidence struct {
	entries   int     // with a readable time
	up, down  int     // neighbours that go up and down
	logChance float64 // logarithm of the probability that entries in random order look sorted
}

func (o *orderEvidence) observe(entries []entry.Facts) {
	page := orderEvidence{}
	same := map[int64]int{}
	var last int64
	for _, e := range entries {
		if !e.HasTime {
			continue
		}
		switch {
		case page.entries == 0 || e.Second == last:
		case e.Second > last:
			page.up++
		default:
			page.down++
		}
		page.entries++
		page.logChance -= math.Log(float64(page.entries)) // n! orders,
		same[e.Second]++
		page.logChance += math.Log(float64(same[e.Second])) // of which those that only swap equal times look the same
		last = e.Second
	}
	unordered, wasUnordered := page.up > 0 && page.down > 0, o.up > 0 && o.down > 0
	// One page that is not in order decides, however many others look sorted.
	if unordered && !wasUnordered || unordered == wasUnordered && page.logChance < o.logChance {
		*o = page
	}
}

// sureOrder is the largest accepted probability, as a logarithm, of taking a random order for a sorted one: one
// in a million.
var sureOrder = math.Log(1e-6)

func (o *orderEvidence) finding() Finding {
	f := Finding{Question: Order, Evidence: msg("%s of one page: %s the next one is later, %s it is earlier", count(o.entries, "entry", "entries"), count(o.up, "time", "times"), count(o.down, "time", "times"))}
	switch {
	case o.up > 0 && o.down > 0:
		f.Answer, f.Text = "unordered", msg("not in the order of event_time")
	case o.logChance > sureOrder:
		return unknown(Order, msg("no page with enough entries of different seconds to exclude chance (the best one has %s)", count(o.entries, "entry", "entries")))
	case o.up > 0:
		f.Answer, f.Text = "ascending", msg("oldest first")
	default:
		f.Answer, f.Text = "descending", msg("newest first")
	}
	return f
}

// rateEvidence is about headers and refusals of the rate limit.
type rateEvidence struct {
	successes, with int // answers with a page, and those of them with a rate header
	limit           int // x-ogw-ratelimit-limit, 0: not seen
	refusals        int
	hint            string // header of the last refusal with a hint to wait
	readable        bool   // whether the hint was in seconds
	status          int    // HTTP status of the last refusal
	quota           bool   // the month's calls are used up
}

const (
	headerLimit = "X-Ogw-Ratelimit-Limit"
	headerReset = "X-Ogw-Ratelimit-Reset"
)

func (r *rateEvidence) observe(a *listing, err error) {
	if n, parseErr := strconv.Atoi(a.Header.Get(headerLimit)); parseErr == nil && n > 0 {
		r.limit = n
	}
	if a.Page != nil {
		r.successes++
		if a.Header.Get(headerLimit) != "" || a.Header.Get(headerReset) != "" {
			r.with++
		}
		return
	}
	var failed *openapi.Error
	if !errors.As(err, &failed) {
		return
	}
	switch failed.Class {
	case cause.ClassQuota:
		r.quota = true
	case cause.ClassRateLimited:
		r.refusals++
		r.status, r.hint = a.Status, ""
		for _, name := range []string{headerReset, "Retry-After"} {
			if value := a.Header.Get(name); value != "" && r.hint == "" {
				seconds, parseErr := strconv.Atoi(value)
				r.hint, r.readable = strings.ToLower(name), parseErr == nil && seconds >= 0
			}
		}
	}
}

func (r *rateEvidence) finding() Finding {
	if r.successes == 0 {
		return unknown(RateHeaders, msg("no page was received"))
	}
	f := Finding{Question: RateHeaders, Answer: "not with successes", Text: msg("successful answers have no x-ogw-ratelimit headers")}
	f.Evidence = msg("%s, %d with such a header", count(r.successes, "successful answer", "successful answers"), r.with)
	if r.with > 0 {
		f.Answer, f.Text = "always", msg("successful answers have x-ogw-ratelimit headers")
		if r.with < r.successes {
			f.Answer, f.Text = "sometimes", msg("some successful answers have x-ogw-ratelimit headers")
		}
	}
	if r.limit > 0 {
		f.Text = f.Text.and(msg("the limit is %d", r.limit))
	}
	switch {
	case r.refusals == 0:
		f.Text = f.Text.and(msg("what a refusal looks like is unknown"))
		f.Evidence = f.Evidence.and(msg("none of the calls was limited"))
	case r.hint != "" && !r.readable:
		f.Text = f.Text.and(msg("a refusal is HTTP %d with %s, which is not a whole number of seconds", r.status, r.hint))
	case r.hint == "":
		f.Text = f.Text.and(msg("a refusal is HTTP %d and does not say how long to wait", r.status))
	default:
		f.Text = f.Text.and(msg("a refusal is HTTP %d and says how long to wait in %s", r.status, r.hint))
	}
	if r.refusals > 0 {
		refusals := msg("%s with code 99991400", count(r.refusals, "refusal", "refusals"))
		reason := msg("does another program use this app?")
		if r.limit > 0 && r.limit < CallsPerMinute {
			reason = msg("the examination itself reaches a limit of %d", r.limit)
		}
		f.Evidence = f.Evidence.and(join(": ", refusals, reason))
	}
	return f
}

// shapeEvidence counts the forms of fields. From entries it keeps only small numbers and the names of documented
// members.
type shapeEvidence struct {
	entries  map[string]bool // ids: an entry counts once
	id       map[string]int
	status   map[string]int
	response map[string]int
	members  map[string]int
	zeroBad  int // status_code 0 with a response code other than 0
	bad      int // entries with a response code that is not 0
}

// responseMembers are the documented ones.
var responseMembers = []string{"code", "msg", "error", "data"}

// observe reports whether the entry was not seen before.
func (s *shapeEvidence) observe(e *entry.Facts) (fresh bool) {
	if s.entries == nil {
		s.entries = map[string]bool{}
		s.id, s.status, s.response, s.members = map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	}
	if s.entries[e.ID] {
		return false
	}
	s.entries[e.ID] = true
	s.id[kindOf(e.IDText)]++
	status := kindOf(e.StatusCode)
	if status == "number" {
		status = "another number"
		if n, err := strconv.Atoi(e.StatusCode); err == nil && n >= 0 && n < 1000 {
			status = strconv.Itoa(n)
		}
	}
	s.status[status]++

	var text string
	if json.Unmarshal([]byte(e.Response), &text) != nil || text == "" {
		s.response[kindOf(e.Response)]++
		return true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil {
		s.response[brokenResponse(text)]++
		return true
	}
	s.response["a JSON object in a string"]++
	for name := range members {
		if !slices.Contains(responseMembers, name) {
			name = "others"
		}
		s.members[name]++
	}
	if code, err := strconv.Atoi(string(members["code"])); err == nil && code != 0 {
		s.bad++
		if e.StatusCode == "0" {
			s.zeroBad++
		}
	}
	return true
}

// brokenResponse names the form of a response without a JSON object.
func brokenResponse(text string) string {
	var any json.RawMessage
	err := json.NewDecoder(strings.NewReader(text)).Decode(&any)
	switch {
	case json.Valid([]byte(text)):
		return "JSON other than an object, in a string"
	case strings.HasPrefix(strings.TrimSpace(text), "{") && errors.Is(err, io.ErrUnexpectedEOF):
		return "a JSON object in a string, cut off"
	}
	return "a string without JSON"
}

// kindOf names the type of a JSON text.
func kindOf(text string) string {
	switch {
	case text == "":
		return "absent"
	case text == "null":
		return "null"
	case text == `""`:
		return "an empty string"
	case text[0] == '"':
		return "string"
	case text[0] == '{':
		return "an object"
	case text[0] == '[':
		return "an array"
	case text == "true" || text == "false":
		return "a boolean"
	}
	return "number"
}

func (s *shapeEvidence) findings() []Finding {
	n := len(s.entries)
	if n == 0 {
		var out []Finding
		for _, q := range []Question{IDShape, StatusShape, ResponseShape} {
			out = append(out, unknown(q, msg("no entry was seen")))
		}
		return out
	}
	of := func(counts map[string]int) Message {
		return msg("in %s: %s", count(n, "entry", "entries"), tally(counts))
	}
	id := Finding{Question: IDShape, Answer: most(s.id), Evidence: of(s.id)}
	id.Text = msg("a %s", known(id.Answer))
	if len(s.id) > 1 {
		id.Text = msg("mostly %s", id.Text)
	}
	status := Finding{Question: StatusShape, Answer: most(s.status), Evidence: of(s.status)}
	status.Text = msg("mostly %s", known(status.Answer))
	if len(s.status) == 1 {
		status.Text = msg("always %s", known(status.Answer))
	}
	switch {
	case s.zeroBad > 0:
		status.Text = status.Text.and(msg("no sign of success: it is also 0 in failed calls"))
		status.Evidence = status.Evidence.and(msg("0 in %d of %s whose response has another code", s.zeroBad, count(s.bad, "entry", "entries")))
	case s.bad == 0:
		status.Evidence = status.Evidence.and(msg("no failed call among them"))
	}
	response := Finding{Question: ResponseShape, Answer: most(s.response), Evidence: of(s.response)}
	response.Text = known(response.Answer)
	if len(s.members) > 0 {
		response.Evidence = response.Evidence.and(msg("its members: %s", tally(s.members)))
	}
	return []Finding{id, status, response}
}

// ranked returns the keys, the most frequent first.
func ranked(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
}

func most(counts map[string]int) string { return ranked(counts)[0] }

// tally lists counts, the largest first, five at most.
func tally(counts map[string]int) Message {
	var parts []Message
	for i, key := range ranked(counts) {
		if i == 5 {
			parts = append(parts, verbatim("..."))
			break
		}
		parts = append(parts, msg("%s (%d)", known(key), counts[key]))
	}
	return join(", ", parts...)
}
