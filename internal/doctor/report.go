// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"
)

// Report is the result of the doctor's examination.
type Report struct {
	Endpoint string    `json:"endpoint"`
	AppID    string    `json:"app_id"`
	Began    time.Time `json:"began"`
	Took     Seconds   `json:"took_seconds"`
	// The calls that were made, and the limit for list_data.
	TokenCalls int `json:"token_calls"`
	ListCalls  int `json:"list_calls"`
	MaxCalls   int `json:"max_list_calls"`
	// How far the server's clock is ahead of ours, within these bounds; absent if it
	// is not known.
	AheadAtLeast *Seconds  `json:"server_clock_ahead_at_least_seconds,omitempty"`
	AheadAtMost  *Seconds  `json:"server_clock_ahead_at_most_seconds,omitempty"`
	Checks       []Check   `json:"checks"`
	Findings     []Finding `json:"findings"`
	// Config is a collector configuration, empty while a check has a problem that prevents reading the log.
	Config Message `json:"recommended_config,omitzero"`
	// Next are the steps to use it.
	Next []Step `json:"next_steps,omitempty"`
	// ConfigFile is where Config was written, empty if it was not.
	ConfigFile string `json:"config_file,omitempty"`
}

// Status is the outcome of a check.
type Status string

// Outcomes of checks.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, but somebody should know
	Problem Status = "problem" // the log cannot be read until it is solved
	Unknown Status = "unknown"
)

// Check is a requirement for reading the log.
type Check struct {
	Name   string  `json:"name"`
	Status Status  `json:"status"`
	Text   Message `json:"text"`
	Advice Message `json:"advice,omitzero"` // what to do
}

// Finding is a question that the API's documentation leaves open.
type Finding struct {
	Question Question `json:"question"`
	// Answer is a word for programs, empty if it is not known.
	Answer string `json:"answer"`
	// AtLeast and LessThan are the bounds that were measured, if the answer is a time.
	AtLeast  *Seconds `json:"at_least_seconds,omitempty"`
	LessThan *Seconds `json:"less_than_seconds,omitempty"`
	Text     Message  `json:"text"`
	Evidence Message  `json:"evidence"` // what was seen
}

// Question names what a finding is about, for programs.
type Question string

// Questions, in the order of the report.
const (
	Order         Question = "order"
	StartBound    Question = "start_time"
	EndBound      Question = "end_time"
	FutureEnd     Question = "future_end_time"
	Lateness      Question = "late_entries"
	PageTokenLife Question = "page_token_life"
	LongestWindow Question = "longest_window"
	Retention     Question = "retention"
	RateHeaders   Question = "rate_limit_headers"
	OwnCalls      Question = "own_calls"
	RefusedCalls  Question = "refused_calls"
	TokenCalls    Question = "token_calls"
	IDShape       Question = "id"
	StatusShape   Question = "status_code"
	ResponseShape Question = "response"
)

// labels are the questions for people, if they differ.
var labels = map[Question]string{
	Order: "order of entries", FutureEnd: "end_time in the future", Lateness: "late entries", PageTokenLife: "life of page tokens",
	LongestWindow: "longest window", RateHeaders: "rate limit", OwnCalls: "own calls in the log",
	RefusedCalls: "refused calls", TokenCalls: "requests for tokens",
}

var questions = []Question{
	Order, StartBound, EndBound, FutureEnd, Lateness, PageTokenLife, LongestWindow, Retention,
	RateHeaders, OwnCalls, RefusedCalls, TokenCalls, IDShape, StatusShape, ResponseShape,
}

// Seconds is a duration that is a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON writes seconds with three decimals at most.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Round(time.Millisecond).Seconds())
}

func bound(d time.Duration) *Seconds {
	s := Seconds(d)
	return &s
}

// unknown is a finding without an answer, and why there is none.
func unknown(q Question, why Message) Finding {
	return Finding{Question: q, Text: msg("could not tell"), Evidence: why}
}

// Finding returns the answer to a question.
func (r *Report) Finding(q Question) Finding {
	for _, f := range r.Findings {
		if f.Question == q {
			return f
		}
	}
	return unknown(q, msg("the log could not be read"))
}

// Healthy reports whether the log can be read.
func (r *Report) Healthy() bool {
	for _, c := range r.Checks {
		if c.Status == Problem {
			return false
		}
	}
	return true
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// mark is the text for a status.
func (s Status) mark() Message {
	switch s {
	case OK:
		return msg("ok")
	case Warning:
		return msg("WARNING")
	case Problem:
		return msg("PROBLEM")
	}
	return verbatim("?")
}

// markWidth is the width of a status.
const markWidth = 9

// Text writes the report for people, problems first, in lines of at most this many columns.
func (r *Report) Text(w io.Writer, columns int, language Language) error {
	b := page{columns: min(max(columns, leastColumns), mostColumns), language: language}
	b.text(msg("feishu-audit doctor on %s as app %s, %s", r.Endpoint, r.AppID, r.Began.UTC().Format("2006-01-02 15:04:05 UTC")))
	b.text(msg("%s of list_data (at most %d), %s, in %s. Nothing was changed.",
		count(r.ListCalls, "call", "calls"), r.MaxCalls, count(r.TokenCalls, "token call", "token calls"), short(time.Duration(r.Took))))
	b.WriteString("\n")
	order := msg("Is everything in order?")
	if n := r.counted(Problem); n > 0 {
		order = msg("Is everything in order? No: %s.", count(n, "problem", "problems"))
	}
	b.text(order)
	b.WriteString("\n")
	for _, c := range r.sorted() {
		b.paragraph("  "+padded(c.Status.mark().In(language), markWidth)+known(c.Name).In(language), c.Text)
		if c.Advice != none {
			for line := range strings.SplitSeq(msg("What to do: %s", c.Advice).In(language), "\n") {
				b.paragraph("", verbatim(line))
			}
		}
	}
	switch {
	case r.Healthy() && len(r.Findings) == 0:
		b.WriteString("\n")
		b.text(msg("How this API behaves was not examined. The receiver works correctly in any case; the configuration below has the defaults."))
		r.writeConfig(&b)
	case r.Healthy():
		b.WriteString("\n")
		b.text(msg("How does this API behave? The documentation does not say. Nothing here requires action: the receiver works correctly in any case, and the configuration below has the settings that suit these answers."))
		b.WriteString("\n")
		for _, f := range r.Findings {
			b.paragraph("  "+known(cmp.Or(labels[f.Question], string(f.Question))).In(language), f.Text)
			b.paragraph("", msg("Seen: %s", f.Evidence))
		}
		b.paragraph("  "+msg("paging").In(language), msg("not examined: whether the pages of a query shift when entries appear between its calls (live) or not (snapshot); the receiver reads every time range more than once, so it works with both"))
		r.writeConfig(&b)
	default:
		b.WriteString("\n")
		b.text(msg("Solve what is marked PROBLEM, then run the doctor again: it will find out how the API behaves, and recommend a configuration."))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// counted is how many checks have a status.
func (r *Report) counted(s Status) int {
	n := 0
	for _, c := range r.Checks {
		if c.Status == s {
			n++
		}
	}
	return n
}

// sorted returns the checks, those with something to do first.
func (r *Report) sorted() []Check {
	urgency := map[Status]int{Problem: 0, Warning: 1, Unknown: 2, OK: 3}
	return slices.SortedStableFunc(slices.Values(r.Checks), func(a, b Check) int { return cmp.Compare(urgency[a.Status], urgency[b.Status]) })
}

func (r *Report) writeConfig(b *page) {
	head := msg("Recommended configuration, to be saved as config.yaml:")
	if r.ConfigFile != "" {
		head = msg("Recommended configuration, written to %s:", r.ConfigFile)
	}
	b.WriteString("\n")
	b.raw(head)
	b.WriteString("\n\n")
	b.raw(r.Config)
	writeSteps(b, r.Next)
}
