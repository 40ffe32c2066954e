// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the real collector binary between a simulated Open API and a server that receives OTLP, and
// counts entries by id.
package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// binary is the collector under test, built by `make build`.
func binary(t *testing.T) string {
	path := os.Getenv("OTELCOL_FEISHU")
	if path == "" {
		path = "../_build/otelcol-feishu"
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "run `make build` first")
	return path
}

// feishuAudit returns the path of the command-line tool.
func feishuAudit(t *testing.T) string {
	path, err := filepath.Abs("../_build/feishu-audit")
	require.NoError(t, err)
	require.FileExists(t, path, "run `make tool` first")
	return path
}

// setup is a collector's configuration and its folder.
type setup struct {
	Storage     string // the folder of file_storage
	Secret      string // the reference to the app secret in the configuration
	Endpoint    string
	Extra       []string          // further lines of the receiver's section
	Others      map[string]*other // further receivers of the same pipeline, by name
	Exporter    []string          // further lines of the exporter's section
	LockTimeout time.Duration     // of file_storage, for the lock of its file, if not 200ms
	Timeout     time.Duration     // of the exporter: long, because after a time-out records may have been delivered
	Backend     string            // its base URL
	Metrics     bool              // whether the collector sends its own metrics to the backend
	PerMinute   int               // requests_per_minute
	Retry       string            // retry_on_failure: fast, if not the default
	Scrape      string            // where Prometheus finds the collector's metrics, "" for nowhere
	Suffixes    bool              // whether they are named with units and suffixes, which is not the collector's default
	Health      string            // the address of healthcheckv2, "" for none
	Life        int               // counts the starts and reloads, in a header of every request to the backend

	binary, dir string
}

// other is a further receiver.
type other struct {
	Endpoint string
	Extra    []string
}

func newSetup(t *testing.T, endpoint string, extra ...string) *setup {
	dir := t.TempDir()
	return &setup{
		binary: binary(t), dir: dir, Storage: filepath.Join(dir, "storage"), Endpoint: endpoint, Extra: extra,
		Timeout: 30 * time.Second, PerMinute: 6000, Retry: "{initial_interval: 100ms, max_interval: 1s}", Secret: "${env:FEISHU_APP_SECRET}",
		// The backend's answer is the pipeline's answer.
		Exporter: []string{"sending_queue: {enabled: false}", "retry_on_failure: {enabled: false}"},
	}
}

// ScrapeHost is the host of Scrape, for the template.
func (s *setup) ScrapeHost() string {
	host, _, _ := strings.Cut(s.Scrape, ":")
	return host
}

// ScrapePort is the port of Scrape, for the template.
func (s *setup) ScrapePort() string {
	_, port, _ := strings.Cut(s.Scrape, ":")
	return port
}

// file is the path of the receiver's storage.
func (s *setup) file() string { return filepath.Join(s.Storage, "receiver_feishu_audit_") }

var configTemplate = template.Must(template.New("").Parse(`
extensions:
  file_storage:
    directory: {{.Storage}}
    create_directory: true
    timeout: {{or .LockTimeout "200ms"}}
{{- if .Health}}
  healthcheckv2:
    use_v2: true
    component_health: {include_permanent_errors: true, include_recoverable_errors: true, recovery_duration: 1ms}
    http: {endpoint: {{.Health}}, status: {enabled: true, path: /status}}
{{- end}}
receivers:
  feishu_audit:
    endpoint: {{.Endpoint}}
    app_id: ` + simulator.DefaultAppID + `
    app_secret: {{.Secret}}
    storage: file_storage
    poll_interval: 1s
    requests_per_minute: {{.PerMinute}}
    retry_on_failure: {{.Retry}}
{{- range .Extra}}
    {{.}}
{{- end}}
{{- range $name, $other := .Others}}
  feishu_audit/{{$name}}:
    endpoint: {{$other.Endpoint}}
    app_id: ` + simulator.DefaultAppID + `
    app_secret: ${env:FEISHU_APP_SECRET}
    storage: file_storage
    poll_interval: 1s
    requests_per_minute: 6000
{{- range $other.Extra}}
    {{.}}
{{- end}}
{{- end}}
exporters:
  otlphttp:
    endpoint: {{.Backend}}
    compression: none
    timeout: {{.Timeout}}
    headers: {` + lifeHeader + `: "{{.Life}}"}
{{- range .Exporter}}
    {{.}}
{{- end}}
service:
  extensions: [file_storage{{if .Health}}, healthcheckv2{{end}}]
  telemetry:
{{- if .Metrics}}
    metrics: {level: normal, readers: [{periodic: {interval: 500, exporter: {otlp: {protocol: http/protobuf, endpoint: {{.Backend}}/v1/metrics}}}}]}
{{- else if .Scrape}}
    metrics:
      level: normal
      readers:
        - pull:
            exporter:
              prometheus:
                host: {{.ScrapeHost}}
                port: {{.ScrapePort}}
{{- if not .Suffixes}}
                without_scope_info: true
                without_units: true
                without_type_suffix: true
{{- end}}
{{- else}}
    metrics: {level: none}
{{- end}}
    logs: {level: debug}
  pipelines:
    logs:
      receivers: [feishu_audit{{range $name, $other := .Others}}, feishu_audit/{{$name}}{{end}}]
      exporters: [otlphttp]
`))

// write writes the configuration of a new life.
func (s *setup) write(t *testing.T, b *backend) (path string) {
	t.Helper()
	s.Life++
	s.Backend = b.url()
	var config bytes.Buffer
	require.NoError(t, configTemplate.Execute(&config, s))
	path = filepath.Join(s.dir, "config.yaml")
	require.NoError(t, os.WriteFile(path, config.Bytes(), 0o600))
	return path
}

// life is the name of the present life.
func (s *setup) life() string { return strconv.Itoa(s.Life) }

// collector is a running collector.
type collector struct {
	cmd  *exec.Cmd
	done chan error
	out  *output
}

// output keeps what a process wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (s *setup) start(t *testing.T, b *backend) *collector {
	t.Helper()
	return s.startAs(t, b, (*exec.Cmd).Start)
}

// startAs starts the collector with the given function.
func (s *setup) startAs(t *testing.T, b *backend, start func(*exec.Cmd) error) *collector {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.binary, "--config", s.write(t, b))
	cmd.Env = append(os.Environ(), "FEISHU_APP_SECRET="+simulator.DefaultAppSecret)
	c := launch(t, cmd, start)
	t.Cleanup(func() {
		shows(t, "the collector's output", c.out.String(), append(credentials, contents...))
		for _, file := range []string{s.file(), s.file() + "second"} {
			if stored, err := os.ReadFile(file); err == nil {
				shows(t, file, string(stored), append(credentials, contents...))
			}
		}
	})
	return c
}

// What must not be shown. Users, chats and messages are named only by the contents of entries: by paths,
// queries, payloads and responses.
var (
	credentials = []*regexp.Regexp{
		regexp.MustCompile(regexp.QuoteMeta(simulator.DefaultAppSecret)),
		regexp.MustCompile(regexp.QuoteMeta(otherSecret)),
		regexp.MustCompile(`t-g104[A-Z2-7]{20}`),
	}
	contents = []*regexp.Regexp{regexp.MustCompile(`(ou|oc|om)_[0-9a-f]{32}`)}
)

// otherSecret is what the app secret is changed to.
const otherSecret = "simulator-secret-Qw50Rt93"

// shows fails the test if a text contains what must not be shown.
func shows(t *testing.T, where, text string, inside []*regexp.Regexp) {
	t.Helper()
	for _, what := range inside {
		if at := what.FindStringIndex(text); at != nil {
			t.Errorf("%s shows %s: %.200q", where, what, text[max(0, at[0]-100):])
		}
	}
}

// launch starts a collector and watches its output.
func launch(t *testing.T, cmd *exec.Cmd, start func(*exec.Cmd) error) *collector {
	t.Helper()
	c := &collector{cmd: cmd, done: make(chan error, 1), out: &output{}}
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	require.NoError(t, start(c.cmd))
	go func() { c.done <- c.cmd.Wait() }()
	t.Cleanup(func() {
		out := c.out.String()
		if t.Failed() {
			lines := strings.Split(out, "\n")
			t.Logf("the collector wrote (last lines):\n%s", strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
		shows(t, "the collector's output", out, credentials)
	})
	return c
}

// endsWithin is how long a collector may take to end on SIGTERM, whatever hangs.
const endsWithin = 15 * time.Second

// term asks the collector to end and waits for it.
func (c *collector) term(t *testing.T) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-c.done:
		c.done <- err // alive looks again
		require.NoError(t, err)
	case <-time.After(endsWithin):
		t.Fatal("the collector does not end on SIGTERM")
	}
}

func (c *collector) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Kill())
	c.done <- <-c.done // killed, as was asked for; alive looks again
}

func (c *collector) alive() bool {
	select {
	case err := <-c.done:
		c.done <- err
		return false
	default:
		return true
	}
}

// ready is the collector's log line once it has started everything.
const ready = "Everything is ready"

// says waits until the collector's output contains the text.
func (c *collector) says(t *testing.T, text string, within time.Duration) {
	t.Helper()
	eventually(t, within, fmt.Sprintf("the collector says %q", text), func() bool {
		require.True(t, c.alive(), "the collector ended")
		return strings.Contains(c.out.String(), text)
	})
}
