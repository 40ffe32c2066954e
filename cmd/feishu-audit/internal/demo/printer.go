// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/screen"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// printer is an OTLP backend that shows each record as one line, and below them the progress of reading.
type printer struct {
	layout *screen.Layout
	width  int
	live   bool                                  // the status line is overwritten
	zone   *time.Location                        // of the times shown
	late   func(id string) (time.Duration, bool) // how late the API shows an entry
	fail   func(error)                           // called if a record cannot be shown or stored

	mu      sync.Mutex
	out     io.Writer
	history *history
	again   int
	titled  bool
	status  string // text of the status line
	onIt    bool   // the cursor is in the status line
}

func newPrinter(out io.Writer, known *history, fail func(error)) *printer {
	p := &printer{out: out, history: known, fail: fail, zone: time.Local, width: cli.Width(out), live: cli.IsTerminal(out)}
	p.layout = screen.NewLayout(p.width, cli.Colour(out), false)
	p.late = func(string) (time.Duration, bool) { return 0, false }
	return p
}

// line writes text in lines of the terminal's width.
func (p *printer) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprint(p.out, cli.Wrap(fmt.Sprintf(format, args...), p.width))
	p.restore()
}

// show writes the status line: on a terminal below the records, otherwise as a separate line.
func (p *printer) show(status string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.live {
		fmt.Fprintln(p.out, status)
		return
	}
	p.clear()
	p.status = screen.Head(status, p.width-1)
	p.restore()
}

// clear removes the status line, and restore shows it again.
func (p *printer) clear() {
	if p.onIt {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.onIt = false
	}
}

func (p *printer) restore() {
	if p.live && p.status != "" {
		fmt.Fprint(p.out, screen.Paint(p.status, screen.Cyan, p.layout.Colour))
		p.onIt = true
	}
}

// summary compares what has arrived with what the API shows, and returns how many records of this run were new.
func (p *printer) summary(shown []simulator.Entry) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	pending, without := 0, 0
	for _, e := range shown {
		switch {
		case e.ID == "": // the receiver generates an id: only their number is compared
			without++
		case !p.history.ids[e.ID]:
			pending++
		}
	}
	for id := range p.history.ids {
		if strings.HasPrefix(id, "sha256:") {
			without--
		}
	}
	pending += without
	fresh := len(p.history.ids) - p.history.before
	p.clear()
	p.status = "" // what comes now is the end
	fmt.Fprint(p.out, "\n"+cli.Wrap(fmt.Sprintf("%s in this run, %d since %s. The API shows %s of that time; %d %s left for the next run, %d arrived twice.",
		cli.Count(fresh, "record", "records"), len(p.history.ids), p.history.since.In(p.zone).Format(time.TimeOnly), cli.Count(len(shown), "entry", "entries"),
		pending, cli.Form(pending, "is", "are"), p.again), p.width))
	return fresh
}

// maxExport limits a request's body, compressed and decompressed: a page of the API has 100 entries.
const maxExport = 64 << 20

// ServeHTTP receives an export of logs.
func (p *printer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	req := plogotlp.NewExportRequest()
	if err == nil {
		err = req.UnmarshalProto(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := p.print(req.Logs()); err != nil {
		p.fail(err)
		http.Error(w, err.Error(), http.StatusServiceUnavailable) // so that it is sent again
		return
	}
	answer, err := plogotlp.NewExportResponse().MarshalProto()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer)
}

// readBody decompresses a body.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, maxExport)
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(limited)
	}
	plain, err := gzip.NewReader(limited)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(plain, maxExport))
}

func (p *printer) print(logs plog.Logs) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	defer p.restore()
	lines := bufio.NewWriter(p.out)
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				first, err := p.history.add(screen.Attribute(record, "log.record.uid"))
				if err != nil {
					return err
				}
				if !first {
					p.again++
				}
				if !p.titled {
					p.titled = true
					fmt.Fprintln(lines, p.layout.Title())
				}
				fmt.Fprintln(lines, p.format(record, first))
			}
		}
	}
	return lines.Flush()
}

// format makes one line of a record: when, whether the call succeeded, who, from where, what, and what is
// special about it.
func (p *printer) format(record plog.LogRecord, first bool) string {
	when := "--:--:--"
	if record.Timestamp() != 0 {
		when = record.Timestamp().AsTime().In(p.zone).Format(time.TimeOnly)
	}
	var notes []screen.Note
	if late, ok := p.late(screen.Attribute(record, "log.record.uid")); ok {
		notes = append(notes, screen.Note{Text: fmt.Sprintf("%.0fs late", late.Seconds()), Colour: screen.Yellow})
	}
	if masked := screen.Attribute(record, "feishu.redacted"); masked != "" {
		notes = append(notes, screen.Note{Text: masked + " masked", Colour: screen.Cyan})
	}
	if screen.Attribute(record, "feishu.entry.malformed") != "" {
		notes = append(notes, screen.Note{Text: "odd entry", Colour: screen.Cyan})
	}
	if !first {
		notes = append(notes, screen.Note{Text: "came before", Colour: screen.Red})
	}
	return p.layout.Line(when, record, notes...)
}
