// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/screen"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
)

// report is the description of a position.
type report struct {
	Receiver string            `json:"receiver,omitempty"`
	File     string            `json:"file"`
	Bytes    int64             `json:"file_bytes"`
	Fault    string            `json:"fault,omitempty"` // why a receiver could not resume from it
	Query    *checkpoint.Query `json:"query,omitempty"`
	Begin    *time.Time        `json:"begin,omitempty"`
	Passes   []pass            `json:"passes,omitempty"`
	IDs      int               `json:"remembered_ids"`
	IDBytes  int               `json:"remembered_bytes"` // as stored
	Pages    int               `json:"remembered_pages"`
	Window   float64           `json:"window_seconds,omitempty"`
	Calls    int               `json:"calls_noted"` // of the last minute before the receiver stopped
	Term     uint64            `json:"term,omitempty"`
	// GivenUp are the newest records that were given up after refusals.
	GivenUp      []checkpoint.GivenUp `json:"given_up,omitempty"`
	GivenUpTotal int64                `json:"given_up_total"`
}

// pass is the state of one pass over the timeline.
type pass struct {
	RecheckAfter float64   `json:"recheck_after_seconds"`
	ReadUpTo     time.Time `json:"read_up_to"`
	Lag          float64   `json:"lag_seconds"`
}

// examine reads a position.
func examine(ctx context.Context, t target, now time.Time) (*report, error) {
	values, err := t.read(ctx)
	if err != nil {
		return nil, err
	}
	r := &report{Receiver: t.receiver, File: t.path}
	if info, err := os.Stat(t.path); err == nil {
		r.Bytes = info.Size()
	}
	for key, value := range values {
		if strings.HasPrefix(key, checkpoint.KeySeen) {
			r.Pages++
			r.IDBytes += len(value)
			if keys, err := checkpoint.DecodeKeys(value); err == nil {
				r.IDs += len(keys)
			}
		}
	}
	for _, n := range checkpoint.DecodeCalls(values[checkpoint.KeyCalls]).Seconds {
		r.Calls += n
	}
	if list, err := checkpoint.DecodeGivenUp(values[checkpoint.KeyGivenUp]); err == nil {
		r.GivenUp, r.GivenUpTotal = list.Records, list.Total
	}
	if values[checkpoint.KeyPosition] == nil {
		r.Fault = "nothing is stored: a receiver starts at start_time or initial_lookback"
		return r, nil
	}
	if err := checkpoint.Fault(values); err != nil && !t.text {
		r.Fault = err.Error()
	}
	c, err := checkpoint.Decode(values[checkpoint.KeyPosition])
	if err != nil {
		r.Fault = err.Error()
		return r, nil
	}
	begin := time.Unix(c.Begin, 0).UTC()
	r.Query, r.Begin, r.Window, r.Term = &c.Query, &begin, float64(c.Length), c.Term
	for i, mark := range c.Marks {
		r.Passes = append(r.Passes, pass{float64(c.Recheck[i]), time.Unix(mark, 0).UTC(), float64(max(0, now.Unix()-mark))})
	}
	return r, nil
}

// JSON writes the report for programs.
func (r *report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Text writes the report for people, in lines of 80 columns unless names are longer.
func (r *report) Text(w io.Writer) {
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%-12s%s\n", label, fmt.Sprintf(format, args...))
	}
	if r.Fault != "" {
		line("PROBLEM", "%s", r.Fault)
	}
	if r.Receiver != "" {
		line("receiver", "%s", r.Receiver)
	}
	line("file", "%s (%s)", r.File, size(r.Bytes))
	if r.Query != nil {
		line("reads", "%s", r.Query.Endpoint)
		line("", "as %s", r.Query.AppID)
		if len(r.Query.APIKeys) > 0 {
			line("", "only the APIs %s", strings.Join(r.Query.APIKeys, ", "))
		}
		if r.Query.FilterID != "" {
			line("", "only calls of the app %s", r.Query.FilterID)
		}
		line("started at", "%s", stamp(*r.Begin))
	}
	for i, p := range r.Passes {
		what := "fresh entries"
		if i > 0 {
			what = "again after " + span(p.RecheckAfter)
		}
		line(fmt.Sprintf("pass %d", i), "%s, lag %-8s %s", stamp(p.ReadUpTo), span(p.Lag), what)
	}
	line("remembered", "%s in %s, %s", cli.Count(r.IDs, "id", "ids"), cli.Count(r.Pages, "page", "pages"), size(int64(r.IDBytes)))
	if r.Window > 0 {
		line("window", "%s, the next one", span(r.Window))
	}
	line("calls", "%d in the last minute that it ran", r.Calls)
	r.writeGivenUp(line)
	if r.Term > 0 {
		line("term", "%d, of replicas that share the storage", r.Term)
	}
}

// shownGivenUp is how many of the records given up are listed for people.
const shownGivenUp = 5

func (r *report) writeGivenUp(line func(label, format string, args ...any)) {
	line("given up", "%s, which the pipeline refused alone while it took others", cli.Count(r.GivenUpTotal, "record", "records"))
	listed := r.GivenUp[max(0, len(r.GivenUp)-shownGivenUp):]
	for _, g := range listed {
		when := "at an unknown time"
		if g.EventTime > 0 {
			when = "of " + stamp(time.Unix(g.EventTime, 0))
		}
		line("", "%s %s", screen.Clean(g.ID), when)
		line("", "  %s: %s", screen.Clean(g.Why), screen.Clean(g.Error))
	}
	if more := r.GivenUpTotal - int64(len(listed)); more > 0 {
		line("", "and %d before; --json lists the last %d", more, len(r.GivenUp))
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// span writes seconds, without zero parts.
func span(seconds float64) string {
	text := time.Duration(seconds * float64(time.Second)).String()
	text = strings.TrimSuffix(text, "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	if text == "" {
		return "0s"
	}
	if last := text[len(text)-1]; last >= '0' && last <= '9' { // of 10s
		text += "0s"
	}
	return text
}

func size(bytes int64) string {
	switch {
	case bytes < 1<<10:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	default:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
}
