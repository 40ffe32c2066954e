// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"gopkg.in/yaml.v3"
)

// loki is the Grafana Loki at LOKI_URL. This project builds none: Loki is under the AGPL. It must have the
// settings of examples/loki/loki.yaml, like the Loki that examples/loki/compose.yaml starts; a test that needs
// other settings names them.
//
// The Loki may be shared, and may have data of earlier runs: each value of this type has its own
// service.namespace, which Loki makes a label. Nothing is deleted in the end.
type loki struct {
	*server   // where the collector sends to: it forwards to Loki, and can be down
	url       string
	namespace string
}

// lokiURL skips the test if there is no LOKI_URL.
func lokiURL(t *testing.T) string {
	t.Helper()
	address := os.Getenv("LOKI_URL")
	if address == "" {
		t.Skip("needs your own Loki: LOKI_URL=http://... make e2e-loki")
	}
	return strings.TrimSuffix(address, "/")
}

// lokiAnswer is what a Loki reports about its own version and settings.
type lokiAnswer struct {
	version  string
	settings map[string]string // nil if it does not show them
}

// askedLoki is what the Loki at LOKI_URL reports, asked once for all tests.
var askedLoki = sync.OnceValues(func() (lokiAnswer, error) {
	return askLoki(strings.TrimSuffix(os.Getenv("LOKI_URL"), "/"), time.Minute)
})

// newLoki is the Loki at LOKI_URL, with the settings of examples/loki/loki.yaml.
func newLoki(t *testing.T) *loki {
	t.Helper()
	address := lokiURL(t)
	asked, err := askedLoki()
	if err != nil {
		t.Fatal(err)
	}
	if differences := differing(asked.settings, exampleSettings(t)); len(differences) > 0 {
		t.Fatalf("the Loki at LOKI_URL=%s has other settings than examples/loki/loki.yaml, which this test needs:\n%s", address, strings.Join(differences, "\n"))
	}
	return openLoki(t, address, asked.version)
}

// newLokiWith is the Loki at LOKI_URL if it has these settings. Otherwise the test is
// skipped.
func newLokiWith(t *testing.T, wanted map[string]string) *loki {
	t.Helper()
	address := lokiURL(t)
	asked, err := askedLoki()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range wanted {
		if _, ok := asked.settings[name]; !ok {
			t.Skipf("needs a Loki with %s at %s, and the one at LOKI_URL does not show this setting at /config", name, want)
		}
	}
	if differences := differing(asked.settings, wanted); len(differences) > 0 {
		t.Skipf("needs a Loki with other settings: %s", strings.Join(differences, "; "))
	}
	return openLoki(t, address, asked.version)
}

func openLoki(t *testing.T, address, version string) *loki {
	t.Helper()
	t.Logf("Loki %s at %s", version, address)
	l := &loki{url: address, namespace: regexp.MustCompile(`[^a-z]+`).ReplaceAllString(strings.ToLower(t.Name()), "-") + "-" + nanos(time.Now())}
	l.server = serve(t, l.proxy(t))
	return l
}

// proxy forwards to Loki.
func (l *loki) proxy(t *testing.T) *httputil.ReverseProxy {
	target, err := url.Parse(l.url)
	require.NoError(t, err)
	return &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0), // a collector that is killed
	}
}

// askLoki waits until a Loki answers at the address.
func askLoki(address string, atMost time.Duration) (asked lokiAnswer, err error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return asked, fmt.Errorf("LOKI_URL=%s is not the address of a Loki, which looks like http://localhost:3100", address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	if _, err := awaitJSON(ctx, address, "/loki/api/v1/labels"); err != nil {
		return asked, err
	}
	body, err := awaitJSON(ctx, address, "/loki/api/v1/status/buildinfo")
	if err != nil {
		return asked, err
	}
	var build struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(body, &build); err != nil {
		return asked, fmt.Errorf("the Loki at LOKI_URL=%s does not give its version: %w", address, err)
	}
	asked.version = build.Version
	// A gateway may block this page.
	if status, text, err := ask(ctx, address+"/config"); err == nil && status == http.StatusOK {
		asked.settings, err = readSettings(text)
		return asked, err
	}
	return asked, nil
}

// awaitJSON repeats a request until it is answered by something other than a Loki that is starting.
func awaitJSON(ctx context.Context, address, path string) ([]byte, error) {
	var refusal error
	for {
		status, body, err := ask(ctx, address+path)
		switch {
		case ctx.Err() != nil && refusal != nil:
			return nil, refusal
		case err != nil:
			refusal = fmt.Errorf("no Loki answers at LOKI_URL=%s: %w", address, err)
		case status == http.StatusOK && json.Valid(body):
			return body, nil
		default:
			refusal = fmt.Errorf("no Loki answers at LOKI_URL=%s: GET %s: HTTP %d, want 200 and JSON: %.80q", address, path, status, bytes.Join(bytes.Fields(body), []byte(" ")))
			if status < http.StatusInternalServerError {
				return nil, refusal
			}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, refusal
		}
	}
}

// ask returns the answer's status, 0 if there is none, and its body.
func ask(ctx context.Context, address string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, err
	}
	return res.StatusCode, body, nil
}

// readSettings reads a configuration of Loki's: the values by their path.
func readSettings(text []byte) (map[string]string, error) {
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("the settings of Loki are no YAML: %w", err)
	}
	settings := map[string]string{}
	flatten(settings, "", config)
	return settings, nil
}

// exampleSettings are the settings of examples/loki/loki.yaml that the tests depend on, and two defaults.
func exampleSettings(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../examples/loki/loki.yaml")
	require.NoError(t, err)
	settings, err := readSettings(text)
	require.NoError(t, err)
	relevant := regexp.MustCompile(`^(auth_enabled$|limits_config\.|ingester\.|ingester_client\.|server\.grpc_server_max_)`)
	wanted := map[string]string{"ingester.max_chunk_age": "2h", "ingester.chunk_block_size": "262144"}
	for name, value := range settings {
		if relevant.MatchString(name) {
			wanted[name] = value
		}
	}
	return wanted
}

// differing returns which settings are not as wanted. A setting that Loki does not show is not checked.
func differing(settings, wanted map[string]string) []string {
	var differences []string
	for name, want := range wanted {
		if got, ok := settings[name]; ok && plainSetting(got) != plainSetting(want) {
			differences = append(differences, fmt.Sprintf("%s is %s, not %s", name, got, want))
		}
	}
	slices.Sort(differences)
	return differences
}

var byteSize = regexp.MustCompile(`^(\d+)([KMG])B$`)

// plainSetting is a setting in a form that can be compared: 2h is 2h0m0s, and 4MB is 4096KB.
func plainSetting(value string) string {
	if d, err := time.ParseDuration(value); err == nil {
		return d.String()
	}
	if size := byteSize.FindStringSubmatch(strings.ToUpper(value)); size != nil {
		if n, err := strconv.ParseInt(size[1], 10, 64); err == nil {
			return strconv.FormatInt(n<<map[string]int{"K": 10, "M": 20, "G": 30}[size[2]], 10)
		}
	}
	return value
}

// TestOwnLokiSettings: settings that differ from the example's are found, and the same setting in another
// notation is not.
func TestOwnLokiSettings(t *testing.T) {
	t.Parallel()
	wanted := exampleSettings(t)
	for _, name := range []string{
		"auth_enabled", "limits_config.shard_streams.enabled", "limits_config.reject_old_samples", "limits_config.max_line_size",
		"limits_config.max_query_series", "limits_config.ingestion_burst_size_mb", "server.grpc_server_max_recv_msg_size",
		"ingester_client.grpc_client_config.max_recv_msg_size", "ingester.query_store_max_look_back_period",
	} {
		assert.Contains(t, wanted, name)
	}
	settings, err := readSettings([]byte(`
auth_enabled: false
server: {grpc_server_max_recv_msg_size: 4194304, http_listen_port: 3101}
limits_config: {max_line_size: 4096KB, reject_old_samples: true, shard_streams: {enabled: false}, max_query_series: 100000}
ingester: {max_chunk_age: 2h0m0s, query_store_max_look_back_period: -1ns, chunk_block_size: 262144}
`))
	require.NoError(t, err)
	assert.Equal(t, []string{"limits_config.reject_old_samples is true, not false", "server.grpc_server_max_recv_msg_size is 4194304, not 268435456"},
		differing(settings, wanted))
}

// TestOwnLokiIsNone: if LOKI_URL is not the address of a Loki, the error says so, and what answered instead.
func TestOwnLokiIsNone(t *testing.T) {
	t.Parallel()
	_, err := askLoki("localhost:3100", time.Second)
	require.EqualError(t, err, "LOKI_URL=localhost:3100 is not the address of a Loki, which looks like http://localhost:3100")

	other := "http://" + serve(t, http.NotFoundHandler()).addr
	_, err = askLoki(other, time.Minute)
	require.EqualError(t, err, "no Loki answers at LOKI_URL="+other+`: GET /loki/api/v1/labels: HTTP 404, want 200 and JSON: "404 page not found"`)

	nobody := "http://127.0.0.1:" + freePort(t)
	_, err = askLoki(nobody, 100*time.Millisecond)
	require.ErrorContains(t, err, "no Loki answers at LOKI_URL="+nobody+": ")
	require.ErrorContains(t, err, "connection refused")
}

func (*loki) config() []string {
	return []string{"loki/collector.yaml", "../e2e/testdata/loki-namespace.yaml"}
}

func (l *loki) env() []string {
	return []string{"LOKI_ENDPOINT=http://" + l.addr, "LOKI_NAMESPACE=" + l.namespace}
}

// get returns the answer's status, 0 if there is none, and its body.
func (l *loki) get(t *testing.T, path string, query url.Values) (int, []byte) {
	status, body, err := ask(t.Context(), l.url+path+"?"+query.Encode())
	if err != nil {
		return 0, []byte(err.Error())
	}
	return status, body
}

// stream is a part of an answer: lines with the same labels, or a sample of a metric.
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
	require.NoError(t, json.Unmarshal(body, &answer), "%s of %s: %s", path, query.Get("query"), body)
	return answer.Data.Result
}

// everything is the selector in the README.
const everything = `{service_name=~"feishu|lark"}`

// everything is that selector, limited to what this test has sent.
func (l *loki) everything() string {
	return strings.TrimSuffix(everything, "}") + `, service_namespace="` + l.namespace + `"}`
}

// own is a query of an example, limited to what this test has sent.
func (l *loki) own(t *testing.T, query string) string {
	t.Helper()
	require.Contains(t, query, everything)
	return strings.ReplaceAll(query, everything, l.everything())
}

// lines returns what a query of the last eight days finds.
func (l *loki) lines(t *testing.T, query string) []stream {
	t.Helper()
	return l.query(t, "/loki/api/v1/query_range", url.Values{
		"query": {query}, "limit": {"5000"}, "start": {nanos(time.Now().Add(-8 * 24 * time.Hour))}, "end": {nanos(time.Now().Add(time.Minute))},
	})
}

func nanos(at time.Time) string { return strconv.FormatInt(at.UnixNano(), 10) }

func (l *loki) held(t *testing.T) []arrival {
	var held []arrival
	for _, s := range l.lines(t, l.everything()) {
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

// send sends records to Loki, and returns its answer.
func (l *loki) send(t *testing.T, logs plog.Logs) (status int, answer string) {
	for _, rl := range logs.ResourceLogs().All() {
		rl.Resource().Attributes().PutStr("service.namespace", l.namespace)
	}
	text, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.url+"/otlp/v1/logs", bytes.NewReader(text))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-protobuf")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	reason, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(reason)
}
