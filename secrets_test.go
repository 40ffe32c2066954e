// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// The canaries are secrets that must not leave the receiver. Each has a core of letters and digits by which it
// is found, because no escaping changes it.
const (
	canarySecret   = "app+secret/CanaryAppSecret5581="
	canaryQuery    = "CanaryQueryParam7713"
	canaryPayload  = "CanaryPayload90442"
	canaryResponse = "CanaryResponse3317"
)

// witness sees everything that the receiver writes, and has the secrets that it must not contain.
type witness struct {
	mu       sync.Mutex
	logs     bytes.Buffer
	statuses []*componentstatus.Event
	secrets  map[string]string // core to what it is
	said     []string          // errors returned, configurations printed
	short    []string          // secrets that are too short to search for
	tel      *componenttest.Telemetry
}

func newWitness() *witness {
	return &witness{tel: componenttest.NewTelemetry(), secrets: map[string]string{
		"CanaryAppSecret5581": "the app secret", canaryQuery: "a query_param", canaryPayload: "a payload", canaryResponse: "a response",
	}}
}

// Write receives log lines.
func (w *witness) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logs.Write(p)
}

// logger writes every line twice, as the collector's two encodings do.
func (w *witness) logger() *zap.Logger {
	config := zap.NewProductionEncoderConfig()
	return zap.New(zapcore.NewTee(
		zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.AddSync(w), zap.DebugLevel),
		zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.AddSync(w), zap.DebugLevel),
	), zap.AddCaller(), zap.AddStacktrace(zap.ErrorLevel))
}

func (w *witness) hide(what, secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch core := strings.Trim(secret, "=-_"); {
	case secret == "": // a call without one
	case len(core) < 24:
		w.short = append(w.short, fmt.Sprintf("%s of %d letters", what, len(core)))
	default:
		w.secrets[core[8:24]] = what
	}
}

func (w *witness) say(texts ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range texts {
		w.said = append(w.said, fmt.Sprintf("%v %+v %#v", text, text, text))
	}
}

// witnessHost is a collector that records statuses.
type witnessHost struct {
	world.Host
	*witness
}

func (h witnessHost) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.statuses = append(h.statuses, event)
}

// written returns everything that was written, by place.
func (w *witness) written(t *testing.T, d *world.Disk) map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]string{"logs": w.logs.String(), "errors and configurations": strings.Join(w.said, "\n")}
	var statuses strings.Builder
	for _, event := range w.statuses {
		// Some extensions print the whole chain of an error.
		for err := event.Err(); err != nil; err = errors.Unwrap(err) {
			fmt.Fprintf(&statuses, "%s %v %+v\n", event.Status(), err, err)
		}
	}
	out["statuses"] = statuses.String()
	var metrics metricdata.ResourceMetrics
	require.NoError(t, w.tel.Reader.Collect(t.Context(), &metrics))
	text, err := json.Marshal(metrics)
	require.NoError(t, err)
	out["metrics"] = string(text)
	var spans strings.Builder
	for _, span := range w.tel.SpanRecorder.Ended() {
		fmt.Fprintln(&spans, span.Name(), span.Status(), span.Attributes(), span.Events(), span.Links(), span.Resource())
	}
	out["spans"] = spans.String()
	var stored strings.Builder
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for key, value := range d.Data {
		fmt.Fprintf(&stored, "%s %s\n", key, value)
	}
	out["storage"] = stored.String()
	return out
}

// requireInside fails if the text contains a secret: as it is, or inside base64 or hex.
func requireInside(t *testing.T, secrets map[string]string, where, text string) {
	for core, what := range secrets {
		spellings := []string{core, hex.EncodeToString([]byte(core))}
		for shift := range 3 {
			// Without the letters that depend on the neighbouring bytes.
			padded := append(bytes.Repeat([]byte{'x'}, shift), core...)
			for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				encoded := encoding.EncodeToString(padded)
				spellings = append(spellings, encoded[2*shift:len(encoded)-3])
			}
		}
		for _, spelling := range spellings {
			if i := strings.Index(text, spelling); i >= 0 {
				t.Errorf("%s is in the %s: ...%s...", what, where, text[max(0, i-200):min(len(text), i+200)])
			}
		}
	}
}

// spy passes calls on to the simulated API and learns the tokens in them. A case may answer instead.
type spy struct {
	witness *witness
	server  http.Handler
	// answer reports whether it has answered. echo returns what a careless server may repeat of a call: all of
	// its secrets, in the given spelling.
	answer func(w http.ResponseWriter, r *http.Request, echo func(spell func(string) string) string) bool
	// broken is the error of a connection.
	broken func(echo func(spell func(string) string) string) error
}

// RoundTrip fails with the error of broken, or calls ServeHTTP.
func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.broken != nil {
		return nil, s.broken(s.learn(r))
	}
	return simulator.Transport(s, nil).RoundTrip(r)
}

// learn notes the secrets of a call and returns a function that echoes them.
func (s *spy) learn(r *http.Request) (echo func(spell func(string) string) string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var req struct {
		AppSecret string `json:"app_secret"`
		PageToken string `json:"page_token"`
	}
	_ = json.Unmarshal(body, &req)
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.witness.hide("an access token", token)
	s.witness.hide("a page token", req.PageToken)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return func(spell func(string) string) string {
		var parts []string
		for _, secret := range []string{req.AppSecret, token, req.PageToken} {
			if secret != "" {
				parts = append(parts, spell(secret))
			}
		}
		return strings.Join(parts, ", ")
	}
}

func (s *spy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	echo := s.learn(r)
	if s.answer == nil || !s.answer(w, r, echo) {
		s.server.ServeHTTP(w, r)
	}
}

// electsAtOnce is an elector with one candidate.
type electsAtOnce struct {
	component.StartFunc
	component.ShutdownFunc
}

func (electsAtOnce) SetCallBackFuncs(onStart func(context.Context), _ func()) {
	onStart(context.Background())
}

// TestSecretsStayInside takes the receiver through every kind of failure, at debug level, with servers and
// pipelines that quote what they were sent. It looks for secrets, tokens and contents of entries in everything
// that the receiver writes: log lines, metrics, spans, statuses, errors, printed configurations, and the
// storage. Covers F39.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	for name, tc := range secretsCases() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				see := newWitness()
				w := quietWorld(simulator.Options{Apps: map[string]string{simulator.DefaultAppID: canarySecret}})
				w.cfg.AppSecret = canarySecret
				w.cfg.PageSize, w.cfg.InitialLookback = 2, time.Minute // the first page has a next one
				now := time.Now().Unix()
				for i := range 6 {
					w.server.Add(simulator.Entry{
						ID: fmt.Sprint("entry-", i), APIKey: "POST/open-apis/im/v1/messages", EventTime: now - 30 - int64(i), AppID: "cli_a",
						Path: "/open-apis/im/v1/messages", Method: "POST", QueryParam: `{"q":"` + canaryQuery + `"}`,
						Payload: `{"text":"` + canaryPayload + `"}`, Response: `{"code":0,"msg":"` + canaryResponse + `"}`,
					})
				}
				s := &spy{witness: see, server: w.server}
				if tc.prepare != nil {
					tc.prepare(w, s)
				}
				run := func() {
					set := receivertest.NewNopSettings(metadata.Type)
					set.TelemetrySettings = see.tel.NewTelemetrySettings()
					set.Logger = see.logger()
					r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
					require.NoError(t, err)
					w.wire = s
					see.say(w.cfg, *w.cfg, w.cfg.Validate())
					extensions := w.host()
					if tc.elected {
						electorID := component.MustNewID("k8s_leader_elector")
						w.cfg.K8sLeaderElector, extensions[electorID] = &electorID, electsAtOnce{}
					}
					see.say(r.Start(t.Context(), witnessHost{extensions, see}))
					apart()
					time.Sleep(10 * time.Minute)
					if tc.during != nil {
						tc.during(w)
						time.Sleep(10 * time.Minute)
					}
					see.say(r.Shutdown(context.Background()))
				}
				run()
				run() // continues from what the first one has stored
				text, err := json.Marshal(w.cfg)
				require.NoError(t, err)
				section := confmap.New()
				require.NoError(t, section.Marshal(w.cfg))
				see.say(string(text), section.ToStringMap())

				written := see.written(t, w.disk)
				require.Contains(t, written[tc.where], tc.reached, "the path was not taken")
				if strings.HasSuffix(name, "for "+openapi.OpList) {
					require.Contains(t, slices.Collect(maps.Values(see.secrets)), "a page token", "there is none to be found")
				}
				require.Empty(t, see.short, "too short to be looked for")
				for where, text := range written {
					requireInside(t, see.secrets, where, text)
				}
			})
		})
	}
}
