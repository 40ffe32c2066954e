// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap/zapcore"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/screen"
)

// snapshot is the progress of an export.
type snapshot struct {
	mark    time.Time // everything before has been read; zero: not known yet
	near    time.Time // the last entry that was written: past mark within a window
	records int64
	calls   int64   // of list_data and for access tokens
	skipped float64 // seconds that the API does not show
	waiting bool    // nothing is read, for a reason that was reported
}

// snapshot reads the receiver's own metrics.
func (e *engine) snapshot() snapshot {
	s := snapshot{records: e.out.records.Load(), near: time.Unix(e.out.last.Load(), 0)}
	e.mu.Lock()
	if len(e.marks) > 0 {
		s.mark = time.Unix(e.marks[len(e.marks)-1], 0)
	}
	s.waiting = e.reason != nil
	e.mu.Unlock()
	var all metricdata.ResourceMetrics
	if e.reader.Collect(context.Background(), &all) != nil {
		return s // shut down
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch m.Name {
			case "otelcol_receiver_feishu_audit_calls":
				s.calls = int64(sum(m.Data))
			case "otelcol_receiver_feishu_audit_skipped_time":
				s.skipped = sum(m.Data)
			}
		}
	}
	return s
}

// sum adds up the points of a counter.
func sum(data metricdata.Aggregation) float64 {
	var total float64
	switch d := data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			total += float64(p.Value)
		}
	case metricdata.Sum[float64]:
		for _, p := range d.DataPoints {
			total += p.Value
		}
	}
	return total
}

// meter shows progress: on a terminal in one line that is overwritten, otherwise in a new line every ten
// seconds.
type meter struct {
	out      io.Writer
	live     bool
	width    int
	from, to time.Time

	mu       sync.Mutex
	started  time.Time
	first    time.Time // the mark at the start
	shown    time.Time
	unbroken bool // the cursor is in the progress line
}

const everyQuietly = 10 * time.Second

// show writes a snapshot.
func (m *meter) show(s snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if s.near.Before(s.mark) || s.near.After(m.to) {
		s.near = s.mark
	}
	if m.started.IsZero() && !s.mark.IsZero() {
		m.started, m.first = now, s.mark
	}
	if m.shown.IsZero() {
		m.shown = now
	}
	if !m.live && now.Sub(m.shown) < everyQuietly {
		return
	}
	m.shown = now
	text := m.line(s, now)
	if m.live {
		fmt.Fprintf(m.out, "\r\x1b[K%s", screen.Head(text, m.width-1))
		m.unbroken = true
	} else {
		fmt.Fprintln(m.out, text)
	}
}

// line describes a snapshot.
func (m *meter) line(s snapshot, now time.Time) string {
	if s.mark.IsZero() {
		return "starting, " + cli.Count(s.calls, "call", "calls")
	}
	whole, lag := m.to.Sub(m.from), m.to.Sub(s.mark)
	text := fmt.Sprintf("read %3.0f%%, up to %s (lag %s), %s, %s", 100*float64(s.near.Sub(m.from))/float64(max(whole, 1)),
		s.mark.Local().Format("01-02 15:04:05"), short(lag), cli.Count(s.records, "record", "records"), cli.Count(s.calls, "call", "calls"))
	if done, rest := s.near.Sub(m.first), m.to.Sub(s.near); done > 0 && rest > 0 && !s.waiting {
		left := time.Duration(float64(now.Sub(m.started)) * float64(rest) / float64(done))
		text += ", " + short(left) + " left"
	}
	if s.waiting {
		text += ", waiting"
	}
	return text
}

// say writes a separate line.
func (m *meter) say(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	cli.Print(m.out, text)
}

// clear removes the progress line.
func (m *meter) clear() {
	if m.unbroken {
		fmt.Fprint(m.out, "\r\x1b[K")
		m.unbroken = false
	}
}

// short writes a duration to the second, without zero parts.
func short(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%ds", d/time.Second)
	}
}

// warnings is a logger that passes on warnings and errors.
type warnings struct {
	tell   func(string)
	fields []zapcore.Field
}

// Enabled implements zapcore.Core.
func (warnings) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

// With implements zapcore.Core.
func (w warnings) With(fields []zapcore.Field) zapcore.Core {
	w.fields = slices.Concat(w.fields, fields)
	return w
}

// Check implements zapcore.Core.
func (w warnings) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if w.Enabled(entry.Level) {
		return checked.AddCore(entry, w)
	}
	return checked
}

// Write implements zapcore.Core.
func (w warnings) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	var text strings.Builder
	text.WriteString(entry.Message)
	for _, f := range slices.Concat(w.fields, fields) {
		if f.Key == "cause" { // the status also shows why nothing is read
			return nil
		}
		if err, ok := f.Interface.(error); ok && f.Key == "error" {
			text.WriteString(": " + err.Error())
		}
	}
	w.tell(text.String())
	return nil
}

// Sync implements zapcore.Core.
func (warnings) Sync() error { return nil }
