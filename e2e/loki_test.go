// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// The tests of this file, and TestLokiRules and TestRuler, are for the Loki at LOKI_URL: see loki. Tests of
// examples/loki that need no Loki are in otlp_test.go.

// TestLoki: through examples/loki every entry becomes one line, whichever part stops while records arrive. Loki
// itself is not stopped, but cannot be reached.
func TestLoki(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	deliver(t, l, true)

	status, body := l.get(t, "/loki/api/v1/series", url.Values{"match[]": {l.everything()}, "start": {nanos(time.Now().Add(-2 * time.Hour))}})
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"status":"success","data":[{"service_name":"feishu","service_namespace":"`+l.namespace+`"}]}`, string(body), "one stream, whatever apps and APIs there are")

	// The statements of the README about the query language.
	parsed := l.lines(t, l.everything()+` | json | log_detail_method = "POST"`)
	require.NotEmpty(t, parsed)
	for _, s := range parsed {
		require.Equal(t, s.Stream["id"], s.Stream["log_record_uid"])
		require.NotEmpty(t, s.Stream["api_key"])
	}
	require.NotEmpty(t, l.lines(t, l.everything()+` | error_type != ""`))
}

// countRecords counts the records that are sent to a backend.
func countRecords(next http.Handler, sent *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		text := body
		if r.Header.Get("Content-Encoding") == "gzip" {
			if unzipped, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
				text, _ = io.ReadAll(unzipped) // text that is not a request does not count
			}
		}
		request := plogotlp.NewExportRequest()
		if request.UnmarshalProto(text) == nil {
			sent.Add(int64(request.Logs().LogRecordCount()))
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// plain is the example without its processors.
type plain struct{ *loki }

func (p plain) config() []string {
	return append(p.loki.config(), "../e2e/testdata/loki-namespace-plain.yaml")
}

// TestLokiRepeats: a page that Loki has stored and that is delivered again, because nobody got the answer, stays
// one line for each entry, because the example changes the observed time: without that the page is stored twice.
func TestLokiRepeats(t *testing.T) {
	t.Parallel()
	lokiURL(t)
	for name, doubled := range map[string]int{"with the example": 0, "without its transform": pageSize} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLoki(t)
			var g gate
			proxy := l.proxy(t)
			proxy.ModifyResponse = func(*http.Response) error {
				g.pass()
				return nil
			}
			var sent atomic.Int64
			l.server = serve(t, countRecords(proxy, &sent))
			var d destination = l
			if doubled > 0 {
				d = plain{l}
			}
			entries, _ := repeat(t, d, &g)
			require.Equal(t, int64(len(entries)+pageSize), sent.Load(), "one page was sent twice")
			held := l.held(t)
			checkPath(t, entries, held, doubled/pageSize)
			require.Len(t, doubles(held), doubled)
			// TestLokiCounts is why a repeat may count.
			counted := l.counted(t)
			require.GreaterOrEqual(t, counted, len(entries)+doubled)
			require.LessOrEqual(t, counted, len(entries)+pageSize)
		})
	}
}

// counted is the number that a query counts in the last two hours.
func (l *loki) counted(t *testing.T) int {
	t.Helper()
	answer := l.query(t, "/loki/api/v1/query", url.Values{"query": {`sum(count_over_time(` + l.everything() + `[2h]))`}})
	require.Len(t, answer, 1)
	n, err := strconv.Atoi(answer[0].Value[1].(string))
	require.NoError(t, err)
	return n
}

// TestLokiCounts: duplicate lines are shown once, but Loki counts those again that were stored in another block,
// as its README says. Each block has 256 KB, Loki's default of ingester.chunk_block_size.
func TestLokiCounts(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	at := time.Now().Add(-time.Minute)
	send := func(body string) {
		t.Helper()
		status, reason := l.push(t, body, hundred(at)...)
		require.Equal(t, http.StatusNoContent, status, reason)
	}
	send("in one block")
	send("in one block")
	require.Equal(t, 100, l.counted(t))
	long := strings.Repeat("x", 4<<10)
	send(long)
	send(long)
	lines := 0
	for _, s := range l.lines(t, l.everything()) {
		lines += len(s.Values)
	}
	require.Equal(t, 200, lines)
	require.Greater(t, l.counted(t), 200)
	require.LessOrEqual(t, l.counted(t), 300)
}

// TestLokiBacklog: three hours of the past arrive completely, with any order of the API's answers within a
// window.
func TestLokiBacklog(t *testing.T) {
	t.Parallel()
	lokiURL(t)
	for _, order := range []simulator.Order{simulator.Descending, simulator.Shuffled} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			backlog(t, newLoki(t), order)
		})
	}
}

// push sends records with these times to Loki, and returns its answer.
func (l *loki) push(t *testing.T, body string, times ...time.Time) (status int, answer string) {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "feishu")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for _, at := range times {
		record := records.AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(at))
		record.Body().SetStr(body)
	}
	return l.send(t, logs)
}

// load sends entries to Loki in the receiver's form.
func (l *loki) load(t *testing.T, entries []simulator.Entry) {
	t.Helper()
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b simulator.Entry) int { return cmp.Compare(a.EventTime, b.EventTime) })
	for part := range slices.Chunk(entries, 1000) {
		logs := plog.NewLogs()
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", "feishu")
		rl.Resource().Attributes().PutStr("feishu.credential.app_id", simulator.DefaultAppID)
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		for _, entry := range part {
			record := records.AppendEmpty()
			at := pcommon.NewTimestampFromTime(time.Unix(entry.EventTime, 0))
			record.SetTimestamp(at)
			record.SetObservedTimestamp(at)
			record.Body().SetStr(entry.JSON(false))
			attributes := record.Attributes()
			attributes.PutStr("log.record.uid", entry.ID)
			attributes.PutStr("feishu.api_key", entry.APIKey)
			attributes.PutStr("feishu.app.id", entry.AppID)
			attributes.PutStr("client.address", entry.IP)
			var response struct{ Code int64 }
			require.NoError(t, json.Unmarshal([]byte(entry.Response), &response))
			attributes.PutInt("feishu.response.code", response.Code)
			if response.Code != 0 {
				attributes.PutStr("error.type", strconv.FormatInt(response.Code, 10))
			}
		}
		status, reason := l.send(t, logs)
		require.Equal(t, http.StatusNoContent, status, reason)
	}
}

// manySeries queries more series than Loki's default allows.
func (l *loki) manySeries(t *testing.T, now time.Time) (status int, body []byte) {
	t.Helper()
	var entries []simulator.Entry
	for i := range int64(501) {
		entries = append(entries, simulator.Entry{ID: strconv.FormatInt(i, 10), APIKey: "api/" + strconv.FormatInt(i, 10), EventTime: now.Unix(), Response: `{"code":0}`})
	}
	l.load(t, entries)
	return l.get(t, "/loki/api/v1/query_range", url.Values{
		"query": {`topk(10, sum by (feishu_api_key) (count_over_time(` + l.everything() + ` [1h])))`}, "step": {"60"},
		"start": {nanos(now.Add(-5 * time.Minute))}, "end": {nanos(now.Add(time.Minute))},
	})
}

// hundred are the times of a page.
func hundred(at time.Time) []time.Time {
	times := make([]time.Time, 100)
	for i := range times {
		times[i] = at.Add(time.Duration(i))
	}
	return times
}

// TestLokiLimits: what Loki accepts and what it refuses according to the README, with the example's settings and
// with others. Subtests for other settings are skipped if Loki has the example's: start Loki with
// examples/loki/loki.yaml and with the arguments in the subtest, and run only that subtest:
//
//	LOKI_URL=http://... go test -count=1 -v -run '^TestLokiLimits$/^defaults$' .
func TestLokiLimits(t *testing.T) {
	t.Parallel()
	lokiURL(t)
	now := time.Now()
	long := strings.Repeat("x", 300<<10)
	t.Run("the example's", func(t *testing.T) {
		t.Parallel()
		l := newLoki(t)
		// Oldest first, because each may be at most an hour older than the newest.
		for _, at := range []time.Time{now.AddDate(-1, 0, 0), now.AddDate(0, 0, -8)} {
			status, reason := l.push(t, "old", at)
			require.Equal(t, http.StatusNoContent, status, reason)
		}
		status, reason := l.push(t, long, now)
		require.Equal(t, http.StatusNoContent, status, reason)
		status, reason = l.push(t, "late, as the last recheck of the example may find it", now.Add(-59*time.Minute))
		require.Equal(t, http.StatusNoContent, status, reason)
		status, reason = l.push(t, "too late", now.Add(-61*time.Minute))
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, reason, "too far behind")
		status, reason = l.push(t, long, hundred(now)...)
		require.Equal(t, http.StatusNoContent, status, reason)
	})
	t.Run("series of a query", func(t *testing.T) {
		t.Parallel()
		status, body := newLoki(t).manySeries(t, now)
		require.Equal(t, http.StatusOK, status, "%s", body)
	})
	// -querier.max-query-series=500, which is Loki's default.
	t.Run("series", func(t *testing.T) {
		t.Parallel()
		status, body := newLokiWith(t, map[string]string{"limits_config.max_query_series": "500"}).manySeries(t, now)
		require.Equal(t, http.StatusBadRequest, status, "%s", body)
		require.Contains(t, string(body), "maximum number of series (500) reached for a single query")
	})
	// -ingester.max-chunk-age=4h -querier.query-ingesters-within=5h, for a recheck after an
	// hour.
	t.Run("chunks", func(t *testing.T) {
		t.Parallel()
		l := newLokiWith(t, map[string]string{"ingester.max_chunk_age": "4h", "querier.query_ingesters_within": "5h"})
		status, reason := l.push(t, "the newest", now)
		require.Equal(t, http.StatusNoContent, status, reason)
		status, reason = l.push(t, "late", now.Add(-119*time.Minute))
		require.Equal(t, http.StatusNoContent, status, reason)
		status, _ = l.push(t, "too late", now.Add(-121*time.Minute))
		require.Equal(t, http.StatusBadRequest, status)
	})
	// -validation.reject-old-samples=true -distributor.max-line-size=256KB
	// -server.grpc-max-recv-msg-size-bytes=4194304 -distributor.ingestion-burst-size-mb=6,
	// which are Loki's defaults.
	t.Run("defaults", func(t *testing.T) {
		t.Parallel()
		l := newLokiWith(t, map[string]string{
			"limits_config.reject_old_samples": "true", "limits_config.max_line_size": "256KB", "limits_config.ingestion_burst_size_mb": "6",
			"server.grpc_server_max_recv_msg_size": "4194304",
		})
		status, reason := l.push(t, "old", now.AddDate(0, 0, -8))
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, reason, "timestamp too old")
		status, reason = l.push(t, long, now)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, reason, "max entry size")
		status, reason = l.push(t, long[:200<<10], hundred(now)...)
		require.Equal(t, http.StatusTooManyRequests, status)
		require.Contains(t, reason, "ingestion rate limit exceeded")
		status, reason = l.push(t, long[:200<<10], hundred(now)[:25]...)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Contains(t, reason, "message larger than max")
		logs := plog.NewLogs()
		record := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(now))
		record.Body().SetStr("much about it")
		record.Attributes().PutStr("url.path", long[:65<<10])
		status, reason = l.send(t, logs)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, reason, "structured metadata")
	})
}

// TestLokiLargeEntries: a page with payloads of half a MiB arrives completely, and so does an entry whose path,
// API key and message are far longer than Loki's metadata may be.
func TestLokiLargeEntries(t *testing.T) {
	t.Parallel()
	largeEntries(t, newLoki(t))
}
