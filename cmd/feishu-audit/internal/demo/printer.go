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
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// printer is an OTLP backend that shows each record as one line.
type printer struct {
	colour bool
	zone   *time.Location // of the times shown
	fail   func(error)    // called where a record cannot be shown or noted

	mu      sync.Mutex
	out     io.Writer
	history *history
	again   int
	titled  bool
}

func newPrinter(out io.Writer, known *history, fail func(error)) *printer {
	return &printer{out: out, history: known, fail: fail, zone: time.Local, colour: cli.Colour(out)}
}

func (p *printer) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// summary says how what has arrived compares with what the API shows, and returns
// how many records of this run were new.
func (p *printer) summary(shown []simulator.Entry) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	pending, without := 0, 0
	for _, e := range shown {
		switch {
		case e.ID == "": // the receiver makes one up: only their number is compared
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
	fmt.Fprintf(p.out, "\n%d records in this run, %d since %s. The API shows %d entries of that time; %d are left for the next run, %d came twice.\n",
		fresh, len(p.history.ids), p.history.since.In(p.zone).Format(time.TimeOnly), len(shown), pending, p.again)
	return fresh
}

// maxExport bounds a request's body, as sent and as unpacked: a page of the API has
// 100 entries.
const maxExport = 64 << 20

// ServeHTTP takes an export of logs.
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
		http.Error(w, err.Error(), http.StatusServiceUnavailable) // to be sent again
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

// readBody undoes the exporter's compression.
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
	lines := bufio.NewWriter(p.out)
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				first, err := p.history.add(attribute(record, "log.record.uid"))
				if err != nil {
					return err
				}
				if !first {
					p.again++
				}
				if !p.titled {
					p.titled = true
					fmt.Fprintf(lines, "%-8s  %-4s  %-20s  %-28s  %s\n", "TIME", "", "APP", "ADDRESS", "CALL")
				}
				fmt.Fprintln(lines, p.format(record, first))
			}
		}
	}
	return lines.Flush()
}

// format makes one line of a record: when, whether it went well, who, from where,
// what, and the API's message where the call failed.
func (p *printer) format(record plog.LogRecord, first bool) string {
	when := "--:--:--"
	if record.Timestamp() != 0 {
		when = record.Timestamp().AsTime().In(p.zone).Format(time.TimeOnly)
	}
	mark, note := p.paint(32, "ok  "), ""
	if failed := attribute(record, "error.type"); failed != "" {
		mark = p.paint(33, "WARN")
		note = p.paint(33, strings.TrimSpace("  "+failed+" "+attribute(record, "feishu.response.msg")))
	}
	call := strings.TrimSpace(attribute(record, "http.request.method") + " " + or(attribute(record, "url.template"), attribute(record, "url.path")))
	text := fmt.Sprintf("%-8s  %s  %-20s  %-28s  %s", when, mark, attribute(record, "feishu.app.id"), attribute(record, "client.address"), call)
	if note != "" {
		text += "  " + note
	}
	if masked := strings.Count(record.Body().AsString(), "[REDACTED]"); masked > 0 {
		text += p.paint(36, fmt.Sprintf("  [%d redacted]", masked))
	}
	if attribute(record, "feishu.entry.malformed") != "" {
		text += p.paint(36, "  [odd entry]")
	}
	if !first {
		text += p.paint(31, "  [came before]")
	}
	return text
}

func (p *printer) paint(colour int, text string) string {
	if !p.colour {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", colour, text)
}

func attribute(record plog.LogRecord, name string) string {
	value, ok := record.Attributes().Get(name)
	if !ok {
		return ""
	}
	return value.AsString()
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
