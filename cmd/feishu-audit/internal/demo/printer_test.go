// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/screen"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

func post(url string, body []byte, encoding string) (status int, err error) {
	if encoding == "gzip" {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		_, _ = zip.Write(body) // a buffer takes everything
		_ = zip.Close()
		body = packed.Bytes()
	}
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body)) //nolint:noctx // the child that calls it has none
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// served is a printer behind a server, and its output.
func served(t *testing.T) (p *printer, url string, text *bytes.Buffer) {
	known, err := openHistory(t.TempDir(), time.Now())
	require.NoError(t, err)
	t.Cleanup(func() { known.Close() })
	text = &bytes.Buffer{}
	p = newPrinter(text, known, func(err error) { t.Error(err) })
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, server.URL, text
}

// golden compares a text with a file of testdata; UPDATE_GOLDEN=1 writes it.
func golden(t *testing.T, name, text string) {
	path := "testdata/" + name + ".txt"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text, name)
}

// shownLogs are one record of each kind.
func shownLogs(t *testing.T) plog.Logs {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	add := func(second int64, attributes map[string]any) {
		record := records.AppendEmpty()
		if second > 0 {
			record.SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(second, 0)))
		}
		require.NoError(t, record.Attributes().FromRaw(attributes))
	}
	add(1610613336, map[string]any{
		"log.record.uid": "1", "feishu.app.id": "cli_f466c257cc901336", "client.address": "203.0.113.5",
		"http.request.method": "POST", "url.template": "/open-apis/im/v1/messages", "url.path": "/open-apis/im/v1/messages", "feishu.redacted": 2,
	})
	add(1610613337, map[string]any{
		"log.record.uid": "2", "feishu.app.id": "cli_f74ad14d436fb226", "client.address": "2001:db8:8:8c::eebf",
		"http.request.method": "GET", "url.template": "/open-apis/contact/v3/departments/:department_id/children", "error.type": "99991672", "feishu.response.msg": "Access denied. One of the following scopes is required: [contact:user.base:readonly].\x1b[2J",
	})
	add(0, map[string]any{"log.record.uid": "sha256:00", "feishu.entry.malformed": true})
	add(1610613336, map[string]any{"log.record.uid": "1", "error.type": "500"})
	add(1610613338, map[string]any{
		"log.record.uid": "3", "feishu.app.id": "cli_f74ad14d436fb226", "client.address": "203.0.113.5",
		"http.request.method": "POST", "url.template": "/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/search",
		"error.type": "1254045", "feishu.response.msg": "字段名不存在",
	})
	return logs
}

// TestPrinter: the output with 80 columns.
func TestPrinter(t *testing.T) {
	logs := shownLogs(t)
	for _, encoding := range []string{"", "gzip"} {
		p, url, text := served(t)
		p.zone = time.UTC
		p.late = func(id string) (time.Duration, bool) { return 25 * time.Second, id == "1" }
		status, err := export(url, logs, encoding)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		golden(t, "screen-80", text.String())
		text.Reset()
		fresh := p.summary([]simulator.Entry{{ID: "1"}, {ID: "2"}, {}, {ID: "4"}, {}})
		require.Equal(t, 4, fresh)
		require.Contains(t, strings.ReplaceAll(text.String(), "\n", " "), "The API shows 5 entries of that time; 2 are left for the next run, 1 arrived twice.")
		text.Reset()
		p.history.ids = map[string]bool{"1": true}
		p.summary([]simulator.Entry{{ID: "4"}})
		require.Contains(t, strings.ReplaceAll(text.String(), "\n", " "), "The API shows 1 entry of that time; 1 is left for the next run, 1 arrived twice.")
	}
}

func TestPrinterRefusesWhatIsNotOTLP(t *testing.T) {
	_, url, text := served(t)
	for _, encoding := range []string{"", "gzip"} {
		status, err := post(url, []byte("not protobuf"), encoding)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, status)
	}
	require.Empty(t, text.String())
}

// TestPrinterWide: a wide terminal shows more of each record, and no line is wider than it. Covers F75.
func TestPrinterWide(t *testing.T) {
	for _, width := range []int{60, 80, 100, 120, 160} {
		p, _, text := served(t)
		p.zone, p.width, p.layout = time.UTC, width, screen.NewLayout(width, false, false)
		p.late = func(id string) (time.Duration, bool) { return 25 * time.Second, id == "1" }
		require.NoError(t, p.print(shownLogs(t)))
		p.line("A simulated tenant (%s), and a sentence that goes on for longer than one line of any of these terminals, so that it has to be broken somewhere.", "http://127.0.0.1:12345")
		for line := range strings.Lines(text.String()) {
			require.LessOrEqual(t, screen.Columns(strings.TrimSuffix(line, "\n")), width, line)
		}
		if width == 160 {
			golden(t, "screen-160", text.String())
		}
	}
}

// TestStatusLine: on a terminal it stays below the records, and it shows the progress of reading.
func TestStatusLine(t *testing.T) {
	p, _, text := served(t)
	p.live, p.zone, p.width = true, time.UTC, 40
	var s status
	now := time.Unix(1610613400, 0)
	require.Equal(t, "starting", s.line(now, 0, 0))
	s.observe(simulator.Call{Endpoint: simulator.EndpointList, Time: now.Add(-2 * time.Minute), EndTime: 1610613300})
	s.observe(simulator.Call{Endpoint: simulator.EndpointList, Time: now, EndTime: 1610613398})
	s.observe(simulator.Call{Endpoint: simulator.EndpointList, Time: now, EndTime: 1610613399, HasMore: true})
	s.observe(simulator.Call{Endpoint: simulator.EndpointToken, Time: now})
	line := s.line(now, 7, 0)
	require.Equal(t, "-- 7 records, lag 2s, 98 of 100 calls a minute left, duplicates 0", line)
	p.show(line)
	p.line("a line")
	p.show("the next")
	p.summary(nil)
	p.line("the end")
	require.True(t, strings.HasSuffix(text.String(), "twice.\nthe end\n"), "no status line below the end")
	cut := "-- 7 records, lag 2s, 98 of 100 calls …"
	require.Contains(t, text.String(), cut+"\r\x1b[Ka line\n"+cut+"\r\x1b[Kthe next\r\x1b[K\n0 records")
}

// TestPrinterColour: colours mark failed calls, only on a terminal.
func TestPrinterColour(t *testing.T) {
	record := plog.NewLogRecord()
	record.Attributes().PutStr("error.type", "500")
	record.Attributes().PutStr("url.path", "/x")
	p, _, _ := served(t)
	require.NotContains(t, p.format(record, true), "\x1b")
	p.layout.Colour = true
	require.Equal(t, 3, strings.Count(p.format(record, true), "\x1b[31m"), "the mark, the call and the message")
}

// TestLateness: the demo knows which entries the tenant's log shows late. Covers F75.
func TestLateness(t *testing.T) {
	now := time.Now()
	late := lateness(now.Add(-time.Minute))
	n := 0
	for _, e := range tenant.Entries(now.Unix()-60, now.Unix()) {
		by, ok := late(e.ID)
		if ok {
			n++
			require.Equal(t, e.VisibleAt.Sub(time.Unix(e.EventTime, 0)), by)
			require.LessOrEqual(t, by, tenant.MaxLateness)
		}
	}
	require.Positive(t, n)
}
