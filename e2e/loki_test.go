// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// loki is a running Grafana Loki, built by `make loki`, with the settings of
// examples/loki.
type loki struct {
	addr    string
	environ []string
	args    []string
	cmd     *exec.Cmd
	out     *output
	// through is where the collector is sent to: Loki itself, or a proxy.
	through string
}

func freePort(t *testing.T) string {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return port
}

// newLoki starts Loki with the example's settings and further arguments.
func newLoki(t *testing.T, args ...string) *loki {
	t.Helper()
	return newLokiWithRules(t, "../examples/loki/rules", args...)
}

// newLokiWithRules is newLoki with other rules.
func newLokiWithRules(t *testing.T, rules string, args ...string) *loki {
	t.Helper()
	port := freePort(t)
	l := &loki{addr: "127.0.0.1:" + port, args: args}
	l.through = "http://" + l.addr
	rules, err := filepath.Abs(rules)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "rules"), 0o700))
	// The folder of the tenant that a Loki without tenants has.
	require.NoError(t, os.Symlink(rules, filepath.Join(dir, "rules", "fake")))
	l.environ = append(os.Environ(), "LOKI_ADDRESS=127.0.0.1", "LOKI_PORT="+port, "LOKI_GRPC_PORT="+freePort(t),
		"LOKI_DIR="+filepath.Join(dir, "data"), "LOKI_RULES_DIR="+filepath.Join(dir, "rules"))
	l.up(t)
	return l
}

func (l *loki) up(t *testing.T) {
	path := os.Getenv("LOKI")
	if path == "" {
		path = filepath.Join("..", "_build", "loki")
	}
	l.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), path,
		append([]string{"-config.file=../examples/loki/loki.yaml", "-config.expand-env=true"}, l.args...)...)
	l.out = &output{}
	l.cmd.Env, l.cmd.Stdout, l.cmd.Stderr = l.environ, l.out, l.out
	require.NoError(t, l.cmd.Start(), "run `make loki` first")
	cmd := l.cmd
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	eventually(t, time.Minute, "Loki answers", func() bool {
		status, _ := l.get(t, "/loki/api/v1/labels", nil)
		return status == http.StatusOK
	})
}

// down asks it to end, as an administrator would.
func (l *loki) down(t *testing.T) {
	require.NoError(t, l.cmd.Process.Signal(syscall.SIGTERM))
	_ = l.cmd.Wait() // how is Loki's affair
}

func (*loki) config() []string { return []string{"loki/collector.yaml"} }

func (l *loki) env() []string { return []string{"LOKI_ENDPOINT=" + l.through} }

// get returns the answer's status, 0 if there is none, and its body.
func (l *loki) get(t *testing.T, path string, query url.Values) (int, []byte) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.addr+path+"?"+query.Encode(), http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil
	}
	return res.StatusCode, body
}

// stream is a part of an answer: lines that have all labels in common, or a sample
// of a metric.
type stream struct {
	Stream map[string]string `json:"stream"`
	Values [][2]any          `json:"values"` // time and line, or time and value
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

func (l *loki) query(t *testing.T, path string, query url.Values) []stream {
	t.Helper()
	status, body := l.get(t, path, query)
	require.Equal(t, http.StatusOK, status, "%s of %s: %s", path, query.Get("query"), body)
	var answer struct {
		Data struct {
			Result []stream `json:"result"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal(body, &answer))
	return answer.Data.Result
}

// lines returns what a query of the last eight days finds.
func (l *loki) lines(t *testing.T, query string) []stream {
	t.Helper()
	return l.query(t, "/loki/api/v1/query_range", url.Values{
		"query": {query}, "limit": {"5000"}, "start": {nanos(time.Now().Add(-8 * 24 * time.Hour))}, "end": {nanos(time.Now().Add(time.Minute))},
	})
}

func nanos(at time.Time) string { return strconv.FormatInt(at.UnixNano(), 10) }

// everything is the selector that the README names.
const everything = `{service_name=~"feishu|lark"}`

func (l *loki) held(t *testing.T) []arrival {
	var held []arrival
	for _, s := range l.lines(t, everything) {
		attributes := map[string]string{}
		for _, name := range []string{
			"feishu.api_key", "feishu.app.id", "feishu.status_code", "client.address", "http.request.method", "url.path",
			"service.name", "feishu.credential.app_id", "server.address",
		} {
			attributes[name] = s.Stream[strings.ReplaceAll(name, ".", "_")]
		}
		for _, v := range s.Values {
			at, err := strconv.ParseInt(v[0].(string), 10, 64)
			require.NoError(t, err)
			held = append(held, arrival{uid: s.Stream["log_record_uid"], time: at, body: v[1].(string), attributes: attributes})
		}
	}
	return held
}

// TestLoki: through examples/loki every entry becomes one line, whatever stops in
// mid-flow.
func TestLoki(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	deliver(t, l, true)

	status, body := l.get(t, "/loki/api/v1/series", url.Values{"match[]": {everything}, "start": {nanos(time.Now().Add(-2 * time.Hour))}})
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"status":"success","data":[{"service_name":"feishu"}]}`, string(body), "one stream, whatever apps and APIs there are")

	// What the README says of the query language.
	parsed := l.lines(t, everything+` | json | log_detail_method = "POST"`)
	require.NotEmpty(t, parsed)
	for _, s := range parsed {
		require.Equal(t, s.Stream["id"], s.Stream["log_record_uid"])
		require.NotEmpty(t, s.Stream["api_key"])
	}
	require.NotEmpty(t, l.lines(t, everything+` | error_type != ""`))
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
				text, _ = io.ReadAll(unzipped) // what is no request counts for none
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

func (plain) config() []string {
	return []string{"loki/collector.yaml", "../e2e/testdata/loki-plain.yaml"}
}

// TestLokiRepeats: a page that Loki has taken and that comes again, since nobody got
// the answer, stays one line an entry, for what the example does to the observed time:
// without it the page is there twice.
func TestLokiRepeats(t *testing.T) {
	t.Parallel()
	for name, doubled := range map[string]int{"with the example": 0, "without its transform": pageSize} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLoki(t)
			target, err := url.Parse(l.through)
			require.NoError(t, err)
			var g gate
			proxy := httputil.NewSingleHostReverseProxy(target)
			proxy.ModifyResponse = func(*http.Response) error {
				g.pass()
				return nil
			}
			var sent atomic.Int64
			l.through = "http://" + serve(t, countRecords(proxy, &sent)).addr
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

// counted is what a query counts in the last two hours.
func (l *loki) counted(t *testing.T) int {
	t.Helper()
	answer := l.query(t, "/loki/api/v1/query", url.Values{"query": {`sum(count_over_time(` + everything + `[2h]))`}})
	require.Len(t, answer, 1)
	n, err := strconv.Atoi(answer[0].Value[1].(string))
	require.NoError(t, err)
	return n
}

// TestLokiCounts: lines that come twice are shown once, but Loki counts again what
// went into another block, as its README says. Each block holds 256 KB.
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
	for _, s := range l.lines(t, everything) {
		lines += len(s.Values)
	}
	require.Equal(t, 200, lines)
	require.Greater(t, l.counted(t), 200)
	require.LessOrEqual(t, l.counted(t), 300)
}

// TestLokiBacklog: three hours of the past arrive whole, in whatever order the API
// answers within a window.
func TestLokiBacklog(t *testing.T) {
	t.Parallel()
	for _, order := range []simulator.Order{simulator.Descending, simulator.Shuffled} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			l := newLoki(t)
			now := time.Now().Unix()
			log := simulator.Tenant{Seed: 52, PerSecond: 0.4, Start: now - 3*3600, End: now - 60}
			a := newAPI(t, simulator.Options{Tenant: log, Order: order})
			entries := a.ends(log)
			e := newExample(t, a, l)
			e.args = append(e.args, "--set=receivers.feishu_audit.start_time="+time.Unix(log.Start, 0).UTC().Format(time.RFC3339))
			c := e.start(t)
			eventually(t, time.Minute, "everything was sent", func() bool {
				held := l.held(t)
				return len(byID(held)) >= len(entries) || strings.Contains(c.out.String(), "refused records for good")
			})
			c.term(t)
			checkPath(t, entries, l.held(t), 0)
		})
	}
}

// TestLokiHeaders: the headers that the example has as a comment reach Loki.
func TestLokiHeaders(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../examples/loki/collector.yaml")
	require.NoError(t, err)
	uncommented := regexp.MustCompile(`(?m)^( +)# (headers:|  [A-Za-z-]+: .*\$\{env:)`).ReplaceAll(text, []byte("$1$2"))
	require.NotEqual(t, string(text), string(uncommented))
	config := filepath.Join(t.TempDir(), "collector.yaml")
	require.NoError(t, os.WriteFile(config, uncommented, 0o600))
	headers := make(chan http.Header, 100)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case headers <- r.Header:
		default: // one is enough
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	a, _ := newBacklog(t, 53, 10)
	e := newExample(t, a, &loki{through: "http://" + s.addr})
	e.args[1] = "--config=" + config
	e.env = append(e.env, "LOKI_TENANT=acme", "LOKI_BASIC_AUTH=dXNlcjpwYXNzd29yZA==")
	c := e.start(t)
	select {
	case got := <-headers:
		require.Equal(t, "acme", got.Get("X-Scope-OrgID"))
		require.Equal(t, "Basic dXNlcjpwYXNzd29yZA==", got.Get("Authorization"))
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was sent")
	}
	c.term(t)
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

// send sends records to Loki, and returns its answer.
func (l *loki) send(t *testing.T, logs plog.Logs) (status int, answer string) {
	text, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.addr+"/otlp/v1/logs", bytes.NewReader(text))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-protobuf")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	reason, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(reason)
}

// load sends entries to Loki in the form that the receiver gives them.
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

// hundred are the times of a page.
func hundred(at time.Time) []time.Time {
	times := make([]time.Time, 100)
	for i := range times {
		times[i] = at.Add(time.Duration(i))
	}
	return times
}

// TestLokiLimits: what the README says that Loki takes and what it refuses, with its
// defaults and with the example's settings.
func TestLokiLimits(t *testing.T) {
	t.Parallel()
	now := time.Now()
	long := strings.Repeat("x", 300<<10)
	t.Run("the example's", func(t *testing.T) {
		t.Parallel()
		l := newLoki(t)
		// Oldest first, as each may be at most an hour older than the newest.
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
		query := url.Values{
			"query": {`topk(10, sum by (feishu_api_key) (count_over_time(` + everything + ` [1h])))`}, "step": {"60"},
			"start": {nanos(now.Add(-5 * time.Minute))}, "end": {nanos(now.Add(time.Minute))},
		}
		for _, tc := range []struct {
			series string
			status int
		}{{"500", http.StatusBadRequest}, {"100000", http.StatusOK}} {
			l := newLoki(t, "-querier.max-query-series="+tc.series)
			var entries []simulator.Entry
			for i := range int64(501) {
				entries = append(entries, simulator.Entry{ID: strconv.FormatInt(i, 10), APIKey: "api/" + strconv.FormatInt(i, 10), EventTime: now.Unix(), Response: `{"code":0}`})
			}
			l.load(t, entries)
			status, body := l.get(t, "/loki/api/v1/query_range", query)
			require.Equal(t, tc.status, status, "%s", body)
			if tc.status != http.StatusOK {
				require.Contains(t, string(body), "maximum number of series (500) reached for a single query")
			}
		}
	})
	t.Run("with max_chunk_age for a recheck after an hour", func(t *testing.T) {
		t.Parallel()
		l := newLoki(t, "-ingester.max-chunk-age=4h", "-querier.query-ingesters-within=5h")
		status, reason := l.push(t, "the newest", now)
		require.Equal(t, http.StatusNoContent, status, reason)
		status, reason = l.push(t, "late", now.Add(-119*time.Minute))
		require.Equal(t, http.StatusNoContent, status, reason)
		status, _ = l.push(t, "too late", now.Add(-121*time.Minute))
		require.Equal(t, http.StatusBadRequest, status)
	})
	t.Run("Loki's defaults", func(t *testing.T) {
		t.Parallel()
		l := newLoki(t, "-validation.reject-old-samples=true", "-distributor.max-line-size=256KB", "-server.grpc-max-recv-msg-size-bytes=4194304",
			"-distributor.ingestion-burst-size-mb=6")
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

// TestLokiLargeEntries: a page with payloads of half a MiB arrives whole, and so does an
// entry whose path, API key and message are far longer than Loki's metadata may be.
func TestLokiLargeEntries(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	a := newAPI(t, simulator.Options{})
	now := time.Now()
	var entries []simulator.Entry
	for i := range 20 {
		entries = append(entries, simulator.Entry{
			ID: "large-" + strconv.Itoa(i), APIKey: "POST/open-apis/im/v1/messages", EventTime: now.Unix() - 3000 + int64(i), AppID: "cli_a", IP: "192.0.2.1",
			Path: "/open-apis/im/v1/messages", Method: "POST", Payload: `{"text":"` + strings.Repeat("长", 170_000) + `"}`, StatusCode: 200,
		})
	}
	long := strings.Repeat("x", 200<<10)
	wide := simulator.Entry{
		ID: "wide", APIKey: "POST/open-apis/" + long, EventTime: now.Unix() - 2900, AppID: "cli_a", IP: "192.0.2.1",
		Path: "/open-apis/" + long, Method: "POST", StatusCode: 400, Response: `{"code":1,"msg":"` + long + `"}`,
	}
	a.Add(entries...)
	a.Add(wide)
	c := newExample(t, a, l).start(t)
	eventually(t, 2*time.Minute, "everything arrives", func() bool { return len(l.held(t)) > len(entries) })
	c.term(t)
	held := byID(l.held(t))
	require.Len(t, held["wide"], 1)
	require.Equal(t, wide.JSON(false), held["wide"][0].body)
	for _, name := range []string{"feishu.api_key", "url.path"} {
		require.Len(t, held["wide"][0].attributes[name], 1024, "%s is cut off", name)
	}
	delete(held, "wide")
	var rest []arrival
	for _, one := range held {
		rest = append(rest, one...)
	}
	checkPath(t, entries, rest, 0)
}
