// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.uber.org/goleak"
)

// TestMain lets the test binary act as the collector: the --config that the demo passes on decides what it does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "--config" {
		os.Exit(playCollector(os.Args[2]))
	}
	goleak.VerifyTestMain(m)
}

// playCollector exports the first entry of the simulated log as soon as it is started, and ends at SIGTERM; or
// it fails.
func playCollector(part string) int {
	fmt.Fprintln(os.Stderr, `{"level":"info","msg":"Everything is ready."}`)
	if part == "breaks" {
		fmt.Fprintln(os.Stderr, `{"level":"error","msg":"Cannot go on","error":"disk full"}`)
		return 3
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	fmt.Fprintln(os.Stderr, `{"level":"warn","msg":"The server is slow"}`)
	since, err := time.Parse(time.RFC3339, os.Getenv("DEMO_START_TIME"))
	if err != nil {
		return 4
	}
	entry := shown(since, time.Now())[0]
	if status, err := export(os.Getenv("DEMO_OTLP_ENDPOINT")+"/v1/logs", recordsOf(entry.ID), ""); err != nil || status != http.StatusOK {
		return 5
	}
	<-terminated
	return 0
}

// recordsOf is one record of a successful call for each id.
func recordsOf(ids ...string) plog.Logs {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, id := range ids {
		record := records.AppendEmpty()
		record.Attributes().PutStr("log.record.uid", id)
		record.Attributes().PutStr("http.request.method", "GET")
		record.Attributes().PutStr("url.template", "/open-apis/im/v1/chats")
	}
	return logs
}

func export(url string, logs plog.Logs, encoding string) (status int, err error) {
	body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	if err != nil {
		return 0, err
	}
	return post(url, body, encoding)
}

func testDemo(t *testing.T, part string) demo {
	self, err := os.Executable()
	require.NoError(t, err)
	return demo{collector: self, config: part, dir: t.TempDir()}
}

// whenPrinted calls do after the text has been written.
type whenPrinted struct {
	bytes.Buffer
	text string
	do   func()
}

func (w *whenPrinted) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.do()
	}
	return n, err
}

func TestDemo(t *testing.T) {
	d := testDemo(t, "exports")
	for run, want := range []struct {
		received int
		says     []string
	}{
		{1, []string{"collector: The server is slow\n", "GET im/v1/chats", "\n1 record in this run, 1 since ", "0 arrived twice."}},
		{0, []string{"Resuming where the last run stopped: 1 record is here already", "came before\n", "\n0 records in this run, 1 since ", "1 arrived twice."}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out := &whenPrinted{text: "im/v1/chats", do: cancel}
		received, err := d.run(ctx, out)
		require.NoError(t, err, "run %d: %s", run, out)
		require.Equal(t, want.received, received, "run %d", run)
		for _, text := range want.says {
			require.Contains(t, out.String(), text, "run %d", run)
		}
		require.NotContains(t, out.String(), "Everything is ready", "run %d: the collector's chatter", run)
	}
}

func TestDemoCollectorBreaks(t *testing.T) {
	var out bytes.Buffer
	_, err := testDemo(t, "breaks").run(t.Context(), &out)
	require.ErrorContains(t, err, "the collector has ended (exit status 3)")
	require.ErrorContains(t, err, "Cannot go on: disk full", "its last words")
	require.Contains(t, out.String(), "collector: Cannot go on: disk full\n")
}

// hungUp is a terminal that is closed before the first record.
type hungUp struct{ bytes.Buffer }

func (h *hungUp) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("CALL")) {
		return 0, syscall.EIO
	}
	return h.Buffer.Write(p)
}

func TestDemoWithoutOutput(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := testDemo(t, "exports").run(ctx, &hungUp{})
	require.ErrorIs(t, err, syscall.EIO)
	require.NoError(t, ctx.Err(), "it ends without being cancelled")
}

func TestDemoSeconds(t *testing.T) {
	for _, seconds := range []string{"x", "0", "-3", "5s"} {
		require.ErrorContains(t, demo{"unused", "unused", t.TempDir()}.until(t.Context(), io.Discard, seconds), "DEMO_SECONDS", seconds)
	}
	// A demo that shows nothing fails, so that CI notices.
	self, err := os.Executable()
	require.NoError(t, err)
	require.ErrorContains(t, demo{self, "exports", t.TempDir()}.until(t.Context(), io.Discard, "0.000001"), "no record has arrived")
}
