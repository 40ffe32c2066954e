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

// screen is a printer behind a server, and what it has printed.
func screen(t *testing.T) (p *printer, url string, text *bytes.Buffer) {
	known, err := openHistory(t.TempDir(), time.Now())
	require.NoError(t, err)
	t.Cleanup(func() { known.Close() })
	text = &bytes.Buffer{}
	p = newPrinter(text, known, func(err error) { t.Error(err) })
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, server.URL, text
}

func TestPrinter(t *testing.T) {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	add := func(second int64, attributes map[string]any, body string) {
		record := records.AppendEmpty()
		if second > 0 {
			record.SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(second, 0)))
		}
		require.NoError(t, record.Attributes().FromRaw(attributes))
		record.Body().SetStr(body)
	}
	add(1610613336, map[string]any{
		"log.record.uid": "1", "feishu.app.id": "cli_a", "client.address": "203.0.113.5",
		"http.request.method": "POST", "url.template": "/open-apis/im/v1/messages", "url.path": "/open-apis/im/v1/messages",
	}, `{"payload":"[REDACTED] [REDACTED]"}`)
	add(1610613337, map[string]any{
		"log.record.uid": "2", "feishu.app.id": "cli_a", "client.address": "2001:db8::1",
		"http.request.method": "GET", "url.path": "/open-apis/drive/v1/files", "error.type": "99991400", "feishu.response.msg": "too many",
	}, "{}")
	add(0, map[string]any{"log.record.uid": "sha256:00", "feishu.entry.malformed": true}, "{}")
	add(1610613336, map[string]any{"log.record.uid": "1", "error.type": "500"}, "{}")

	const want = "" +
		"TIME            APP                   ADDRESS                       CALL\n" +
		"08:35:36  ok    cli_a                 203.0.113.5                   POST /open-apis/im/v1/messages  [2 redacted]\n" +
		"08:35:37  WARN  cli_a                 2001:db8::1                   GET /open-apis/drive/v1/files  99991400 too many\n" +
		"--:--:--  ok                                                          [odd entry]\n" +
		"08:35:36  WARN                                                        500  [came before]\n"
	for _, encoding := range []string{"", "gzip"} {
		p, url, text := screen(t)
		p.zone = time.UTC
		status, err := export(url, logs, encoding)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, want, text.String(), "encoding %q", encoding)
		text.Reset()
		fresh := p.summary([]simulator.Entry{{ID: "1"}, {ID: "2"}, {}, {ID: "4"}, {}})
		require.Equal(t, 3, fresh)
		require.Contains(t, text.String(), "The API shows 5 entries of that time; 2 are left for the next run, 1 came twice.")
	}
}

func TestPrinterRefusesWhatIsNotOTLP(t *testing.T) {
	_, url, text := screen(t)
	for _, encoding := range []string{"", "gzip"} {
		status, err := post(url, []byte("not protobuf"), encoding)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, status)
	}
	require.Empty(t, text.String())
}

// TestPrinterColour: colours mark what failed, on a terminal only.
func TestPrinterColour(t *testing.T) {
	record := plog.NewLogRecord()
	record.Attributes().PutStr("error.type", "500")
	require.NotContains(t, (&printer{}).format(record, true), "\x1b")
	require.Equal(t, 2, strings.Count((&printer{colour: true}).format(record, true), "\x1b[33m"))

	file, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer file.Close()
	require.False(t, newPrinter(file, nil, nil).colour, "a file is no terminal")
}
