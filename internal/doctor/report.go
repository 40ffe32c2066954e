// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Report is what the doctor has to say.
type Report struct {
	Endpoint string    `json:"endpoint"`
	AppID    string    `json:"app_id"`
	Began    time.Time `json:"began"`
	Took     Seconds   `json:"took_seconds"`
	// Calls made, and the most that would have been made of list_data.
	TokenCalls int `json:"token_calls"`
	ListCalls  int `json:"list_calls"`
	MaxCalls   int `json:"max_list_calls"`
	// How far the server's clock is ahead of ours, within these bounds; absent if it
	// is not known.
	AheadAtLeast *Seconds  `json:"server_clock_ahead_at_least_seconds,omitempty"`
	AheadAtMost  *Seconds  `json:"server_clock_ahead_at_most_seconds,omitempty"`
	Checks       []Check   `json:"checks"`
	Findings     []Finding `json:"findings"`
	// Config is a collector configuration, empty as long as a check has a problem
	// that keeps the log from being read.
	Config string `json:"recommended_config,omitempty"`
	// Next is what to do with it.
	Next []Step `json:"next_steps,omitempty"`
	// ConfigFile is where Config was written, empty where it was not.
	ConfigFile string `json:"config_file,omitempty"`
}

// Status is the outcome of a check.
type Status string

// Outcomes of checks.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, and somebody should know
	Problem Status = "problem" // the log cannot be read until it is solved
	Unknown Status = "unknown"
)

// Check is something that has to be in order.
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Text   string `json:"text"`
	Advice string `json:"advice,omitempty"` // what to do
}

// Finding is a question that the API's documentation leaves open.
type Finding struct {
	Question Question `json:"question"`
	// Answer is a word for programs, empty where it is not known.
	Answer string `json:"answer"`
	// AtLeast and LessThan bound what was measured, where it is a time.
	AtLeast  *Seconds `json:"at_least_seconds,omitempty"`
	LessThan *Seconds `json:"less_than_seconds,omitempty"`
	Text     string   `json:"text"`
	Evidence string   `json:"evidence"` // what was seen
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
	IDShape       Question = "id"
	StatusShape   Question = "status_code"
	ResponseShape Question = "response"
)

// labels are the questions for people, where they differ.
var labels = map[Question]string{
	Order: "order of entries", FutureEnd: "end_time in the future", Lateness: "late entries", PageTokenLife: "life of page tokens",
	LongestWindow: "longest window", RateHeaders: "rate limit", OwnCalls: "own calls in the log",
}

var questions = []Question{
	Order, StartBound, EndBound, FutureEnd, Lateness, PageTokenLife, LongestWindow, Retention,
	RateHeaders, OwnCalls, IDShape, StatusShape, ResponseShape,
}

// Seconds is a time that is a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON writes seconds with three decimals at most.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Round(time.Millisecond).Seconds())
}

func bound(d time.Duration) *Seconds {
	s := Seconds(d)
	return &s
}

// unknown is the answer to a question whose answer was not found, and why.
func unknown(q Question, why string, args ...any) Finding {
	return Finding{Question: q, Text: "could not tell", Evidence: fmt.Sprintf(why, args...)}
}

// Finding returns the answer to a question.
func (r *Report) Finding(q Question) Finding {
	for _, f := range r.Findings {
		if f.Question == q {
			return f
		}
	}
	return unknown(q, "the log could not be read")
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

// labelWidth is that of what stands beside the text.
const labelWidth = 24

// columns are the widths of a report: text is broken between words, and a configuration
// stays as it is.
const (
	DefaultColumns = 80
	leastColumns   = 60
	mostColumns    = 120
)

// Text writes the report for people, problems first, in lines of so many columns.
func (r *Report) Text(w io.Writer, columns int) error {
	b := page{columns: min(max(columns, leastColumns), mostColumns)}
	b.text(fmt.Sprintf("feishu-audit doctor on %s as app %s, %s", r.Endpoint, r.AppID, r.Began.UTC().Format("2006-01-02 15:04:05 UTC")))
	b.text(fmt.Sprintf("%s of list_data (at most %d), %s, in %s. Nothing was changed.",
		count(r.ListCalls, "call", "calls"), r.MaxCalls, count(r.TokenCalls, "token call", "token calls"), short(time.Duration(r.Took))))
	b.WriteString("\nIs everything in order?")
	if n := r.counted(Problem); n > 0 {
		b.WriteString(" No: " + count(n, "problem", "problems") + ".")
	}
	b.WriteString("\n\n")
	for _, c := range r.sorted() {
		mark := map[Status]string{OK: "ok", Warning: "WARNING", Problem: "PROBLEM", Unknown: "?"}[c.Status]
		b.paragraph(fmt.Sprintf("  %-9s%s", mark, c.Name), c.Text)
		if c.Advice != "" {
			for line := range strings.SplitSeq("What to do: "+c.Advice, "\n") {
				b.paragraph("", line)
			}
		}
	}
	switch {
	case r.Healthy() && len(r.Findings) == 0:
		b.WriteString("\n")
		b.text("How this API behaves was not examined. The receiver is right either way; what is worth a setting has its default below.")
		r.writeConfig(&b)
	case r.Healthy():
		b.WriteString("\n")
		b.text("How does this API behave? The documentation does not say. Nothing here asks for action: the receiver is right either way, and what is worth a setting is set in the configuration below.")
		b.WriteString("\n")
		for _, f := range r.Findings {
			b.paragraph("  "+cmp.Or(labels[f.Question], string(f.Question)), f.Text)
			b.paragraph("", "Seen: "+f.Evidence)
		}
		b.paragraph("  paging", "not examined: whether the pages of a query shift when entries appear between two of its calls (live) or not (snapshot); the receiver reads each time again, so it need not know")
		r.writeConfig(&b)
	default:
		b.WriteString("\n")
		b.text("Solve what is marked PROBLEM, then run the doctor again: it will measure how the API behaves, and recommend a configuration.")
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

// sorted are the checks, those that ask for something first.
func (r *Report) sorted() []Check {
	urgency := map[Status]int{Problem: 0, Warning: 1, Unknown: 2, OK: 3}
	return slices.SortedStableFunc(slices.Values(r.Checks), func(a, b Check) int { return cmp.Compare(urgency[a.Status], urgency[b.Status]) })
}

func (r *Report) writeConfig(b *page) {
	if r.ConfigFile == "" {
		b.WriteString("\nRecommended configuration, to be saved as config.yaml:\n\n")
	} else {
		b.WriteString("\nRecommended configuration, written to " + r.ConfigFile + ":\n\n")
	}
	b.WriteString(r.Config)
	writeSteps(b, r.Next)
}

// page is text of a width.
type page struct {
	strings.Builder
	columns int
}

// text writes a paragraph over the whole width.
func (b *page) text(text string) { b.column("", 0, text) }

// paragraph writes text in a column of its own, beside a label.
func (b *page) paragraph(label, text string) { b.column(label, labelWidth+2, text) }

// column writes text that starts in a column, beside a label. A word is never broken: a link
// must stay one.
func (b *page) column(label string, start int, text string) {
	indent := strings.Repeat(" ", start)
	line := label + strings.Repeat(" ", max(0, start-utf8.RuneCountInString(label)))
	if label != "" && strings.TrimRight(line, " ") == line {
		line += " "
	}
	empty := true
	for word := range strings.FieldsSeq(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > b.columns {
			b.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// short writes a time as people say it: two units at most.
func short(d time.Duration) string {
	switch {
	case d.Abs() < 50*time.Millisecond:
		return "0 s"
	case d < 0:
		return "-" + short(-d)
	case d < 10*time.Second:
		return trimZero(fmt.Sprintf("%.1f", d.Seconds())) + " s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return two(d, time.Minute, "min", time.Second, "s")
	case d < 48*time.Hour:
		return two(d, time.Hour, "h", time.Minute, "min")
	}
	return two(d, 24*time.Hour, "d", time.Hour, "h")
}

func trimZero(s string) string { return strings.TrimSuffix(s, ".0") }

func two(d, unit time.Duration, name string, part time.Duration, partName string) string {
	d = d.Truncate(part)
	if rest := d % unit; rest > 0 {
		return fmt.Sprintf("%d %s %d %s", d/unit, name, rest/part, partName)
	}
	return fmt.Sprintf("%d %s", d/unit, name)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
