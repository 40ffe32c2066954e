// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
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
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// The canaries: what must stay inside. Each has a core of letters and digits,
// which every escaping leaves as it is, and by which it is found.
const (
	canarySecret   = "app+secret/CanaryAppSecret5581="
	canaryQuery    = "CanaryQueryParam7713"
	canaryPayload  = "CanaryPayload90442"
	canaryResponse = "CanaryResponse3317"
)

// witness sees everything that the receiver writes, and knows what it must not
// contain.
type witness struct {
	mu       sync.Mutex
	logs     bytes.Buffer
	statuses []*componentstatus.Event
	secrets  map[string]string // core to what it is
	said     []string          // errors returned, configurations printed
	short    []string          // what could not be looked for
	tel      *componenttest.Telemetry
}

func newWitness() *witness {
	return &witness{tel: componenttest.NewTelemetry(), secrets: map[string]string{
		"CanaryAppSecret5581": "the app secret", canaryQuery: "a query_param", canaryPayload: "a payload", canaryResponse: "a response",
	}}
}

// Write takes log lines.
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

// witnessHost is a collector that writes statuses down.
type witnessHost struct {
	world.Host
	*witness
}

func (h witnessHost) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.statuses = append(h.statuses, event)
}

// written is everything that was written, by where.
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

// requireInside fails if a secret stands in the text: as it is, or within something
// in base64 or hex.
func requireInside(t *testing.T, secrets map[string]string, where, text string) {
	for core, what := range secrets {
		spellings := []string{core, hex.EncodeToString([]byte(core))}
		for shift := range 3 {
			// Without the letters that depend on what stands around it.
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

// spy passes calls to the simulated API on and learns the tokens in them. A case may
// answer instead.
type spy struct {
	witness *witness
	server  http.Handler
	// answer reports whether it has answered. echo is what a careless server may
	// repeat of a call: all of its secrets, in that spelling.
	answer func(w http.ResponseWriter, r *http.Request, echo func(spell func(string) string) string) bool
	// broken is what becomes of a connection.
	broken func(echo func(spell func(string) string) string) error
}

// RoundTrip fails with what broken says, or goes on to ServeHTTP.
func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.broken != nil {
		return nil, s.broken(s.learn(r))
	}
	return simulator.Transport(s, nil).RoundTrip(r)
}

// learn notes the secrets of a call and returns what echoes them.
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

func plainly(s string) string  { return s }
func inBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// errorAnswer is a careless server's account of a failure.
func errorAnswer(code int64, echo func(func(string) string) string) string {
	return fmt.Sprintf(`{"code":%d,"msg":%s,"error":{"message":"m","log_id":%s,"field_violations":[{"field":"page_token","value":%s,"description":%s}],`+
		`"permission_violations":[{"subject":%s,"url":%s}],"details":[{"key":"k","value":%s}]}}`,
		code, jsonString("refused: "+echo(inBase64)+echo(plainly)), jsonString(echo(plainly)), jsonString(echo(plainly)), jsonString(echo(url.QueryEscape)),
		jsonString(echo(inBase64)), jsonString("https://x.invalid/?q="+echo(url.QueryEscape)), jsonString(echo(plainly)))
}

// on limits an answer to one of the two calls; from the n-th page on, for list_data.
func on(operation string, answer func(w http.ResponseWriter, r *http.Request, echo func(func(string) string) string)) func(http.ResponseWriter, *http.Request, func(func(string) string) string) bool {
	path := map[string]string{openapi.OpToken: openapi.TokenPath, openapi.OpList: openapi.ListPath}[operation]
	pages := 0
	return func(w http.ResponseWriter, r *http.Request, echo func(func(string) string) string) bool {
		if r.URL.Path != path {
			return false
		}
		if pages++; operation == openapi.OpList && pages == 1 {
			return false // so that the next one has a page token
		}
		answer(w, r, echo)
		return true
	}
}

// secretsCase is one path through the receiver.
type secretsCase struct {
	prepare func(w *testbed, s *spy)
	// during happens after ten minutes.
	during func(w *testbed)
	// reached is what proves that the path was taken: a part of what was written.
	where, reached string
	// elected says that the receiver has an elector, which elects it at once.
	elected bool
}

// quoting is a pipeline whose errors quote the records.
func quoting(wrap func(error) error) func(*testbed, *spy) {
	return func(w *testbed, _ *spy) {
		w.sink.RefuseWith(func(logs plog.Logs) error {
			return wrap(fmt.Errorf("HTTP 400: cannot index %s", recordsIn(logs).At(0).Body().AsString()))
		})
	}
}

func secretsCases() map[string]secretsCase {
	faults := func(faults ...simulator.Fault) func(*testbed, *spy) {
		return func(w *testbed, _ *spy) {
			w.server.Update(func(o *simulator.Options) { o.Faults = faults })
		}
	}
	answering := func(operation string, answer func(http.ResponseWriter, *http.Request, func(func(string) string) string)) func(*testbed, *spy) {
		return func(_ *testbed, s *spy) { s.answer = on(operation, answer) }
	}
	writing := func(operation string, status int, body func(echo func(func(string) string) string) string) func(*testbed, *spy) {
		return answering(operation, func(w http.ResponseWriter, _ *http.Request, echo func(func(string) string) string) {
			w.Header().Set("X-Tt-Logid", echo(plainly))
			w.Header().Set("Location", "https://elsewhere.invalid/?t="+echo(plainly))
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body(echo))
		})
	}
	cases := map[string]secretsCase{
		"all is well":           {where: "logs", reached: "No checkpoint yet"},
		"wrong secret":          {prepare: func(w *testbed, _ *spy) { w.cfg.AppSecret += "wrong" }, where: "logs", reached: "code 10014"},
		"missing scope":         {prepare: faults(simulator.Fault{Kind: simulator.FaultMissingScope}), where: "statuses", reached: "code 99991672"},
		"rate limit":            {prepare: faults(simulator.Fault{Kind: simulator.FaultRateLimited}), where: "logs", reached: "code 99991400"},
		"quota":                 {prepare: faults(simulator.Fault{Kind: simulator.FaultQuotaExceeded}), where: "logs", reached: "code 99991403"},
		"access token refused":  {prepare: faults(simulator.Fault{Kind: simulator.FaultTokenInvalid}), where: "logs", reached: "has just given out"},
		"access tokens revoked": {prepare: faults(simulator.Fault{Kind: simulator.FaultRevoke, Every: 3}), where: "metrics", reached: "99991663"},
		"page token refused":    {prepare: faults(simulator.Fault{Kind: simulator.FaultPageTokenRefused}), where: "logs", reached: "The page token is no longer taken"},
		"same page token again": {prepare: faults(simulator.Fault{Kind: simulator.FaultRepeatToken}), where: "logs", reached: "the same page token again"},
		"endless paging":        {prepare: faults(simulator.Fault{Kind: simulator.FaultEndless}), where: "logs", reached: "pages in a row without an entry"},
		"window refused":        {prepare: faults(simulator.Fault{Kind: simulator.FaultInvalidParam}), where: "logs", reached: "trying a shorter one"},
		"truncated JSON":        {prepare: faults(simulator.Fault{Kind: simulator.FaultTruncated, After: 1}), where: "logs", reached: "the answer is broken: not JSON at byte"},
		"connection reset":      {prepare: faults(simulator.Fault{Kind: simulator.FaultResetBody}), where: "logs", reached: "connection reset"},
		"no answer":             {prepare: faults(simulator.Fault{Kind: simulator.FaultHang}), where: "logs", reached: "no answer within the time limit"},
		"too large": {
			prepare: func(w *testbed, _ *spy) {
				w.cfg.MaxResponseSize = 64 << 10
				w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultHuge, Size: 65 << 10}} })
			},
			where: "logs", reached: "larger than max_response_size",
		},

		"HTML page":             {prepare: writing(openapi.OpList, 502, func(echo func(func(string) string) string) string { return "<html>" + echo(plainly) }), where: "logs", reached: "failed with an HTML or XML page"},
		"HTML page for a token": {prepare: writing(openapi.OpToken, 200, func(echo func(func(string) string) string) string { return "<html>" + echo(plainly) }), where: "logs", reached: "tenant_access_token: got an HTML"},
		"text page":             {prepare: writing(openapi.OpList, 404, func(echo func(func(string) string) string) string { return echo(plainly) }), where: "logs", reached: "does not know this path"},
		"redirect":              {prepare: writing(openapi.OpList, 307, func(func(func(string) string) string) string { return "" }), where: "logs", reached: "redirects elsewhere"},
		"redirect to no URL": {prepare: answering(openapi.OpList, func(w http.ResponseWriter, _ *http.Request, echo func(func(string) string) string) {
			w.Header().Set("Location", "https://%zz/"+echo(plainly))
			w.WriteHeader(http.StatusFound)
		}), where: "logs", reached: "failed to parse Location header"},
		"TLS failure": {prepare: func(_ *testbed, s *spy) {
			s.broken = func(echo func(func(string) string) string) error {
				return &tls.CertificateVerificationError{Err: errors.New("x509: certificate is not valid for " + echo(plainly))}
			}
		}, where: "logs", reached: "failed to verify certificate"},
		"network failure": {prepare: func(_ *testbed, s *spy) {
			s.broken = func(echo func(func(string) string) string) error {
				return &url.Error{Op: "proxyconnect", URL: "https://x.invalid/?" + url.Values{"t": {echo(plainly)}}.Encode(), Err: &net.OpError{Op: "dial", Err: errors.New(echo(inBase64))}}
			}
		}, where: "logs", reached: "proxyconnect"},
		"broken JSON": {prepare: writing(openapi.OpList, 200, func(echo func(func(string) string) string) string { return `{"code":0,"msg":` + echo(plainly) }), where: "logs", reached: "the answer is broken"},
		"token that cannot be used": {prepare: writing(openapi.OpToken, 200, func(func(func(string) string) string) string {
			return `{"code":0,"expire":7200,"tenant_access_token":"` + canarySecret + `\u0007"}`
		}), where: "logs", reached: "no usable token"},
		"token answer without token": {prepare: writing(openapi.OpToken, 200, func(echo func(func(string) string) string) string {
			return `{"code":0,"msg":` + jsonString(echo(plainly)) + `}`
		}), where: "logs", reached: "no usable token"},
		"page of the wrong type": {prepare: writing(openapi.OpList, 200, func(echo func(func(string) string) string) string {
			return `{"code":0,"data":` + jsonString(echo(plainly)+canaryPayload) + `}`
		}), where: "logs", reached: "not JSON of the Open API"},
		"malformed entries": {prepare: writing(openapi.OpList, 200, func(func(func(string) string) string) string {
			return `{"code":0,"data":{"items":["` + canaryPayload + `",{"id":["` + canaryPayload + `"],"event_time":"` + canaryQuery + `","log_detail":"` + canaryResponse + `"},null]}}`
		}), where: "metrics", reached: "malformed_entries"},

		"pipeline refuses":                   {prepare: quoting(func(err error) error { return err }), where: "statuses", reached: "the pipeline does not take records"},
		"pipeline refuses for good":          {prepare: quoting(consumererror.NewPermanent), where: "logs", reached: "refused records for good"},
		"pipeline refuses, for a known text": {prepare: quoting(func(err error) error { return fmt.Errorf("sending queue is full: %w", err) }), where: "logs", reached: "sending queue is full"},
		"pipeline refuses a part": {prepare: func(w *testbed, _ *spy) {
			w.sink.RefuseWith(func(logs plog.Logs) error {
				return consumererror.NewLogs(errors.New(recordsIn(logs).At(0).Body().AsString()), logs)
			})
		}, where: "spans", reached: "logs why"},

		"storage fails": {prepare: func(w *testbed, _ *spy) { w.disk.Fail = func() error { return errors.New("no space left") } }, where: "statuses", reached: "no space left"},
		"storage fails later": {during: func(w *testbed) {
			w.diskFails(func() error { return errors.New("no space left") })
			entries(w.server, "later", 1, time.Now().Unix())
		}, where: "logs", reached: "cannot write down a call: no space left"},
		"storage fails in mid-call": {during: func(w *testbed) {
			w.sink.RefuseWith(func(plog.Logs) error {
				w.diskFails(func() error { return errors.New("no space left") })
				return nil
			})
			entries(w.server, "later", 1, time.Now().Unix())
		}, where: "logs", reached: "cannot write the checkpoint: no space left"},
		"position not written at the end": {during: func(w *testbed) {
			w.sink.RefuseWith(func(plog.Logs) error {
				w.diskFails(func() error { return errors.New("no space left") })
				return nil
			})
			entries(w.server, "later", 1, time.Now().Unix())
		}, where: "logs", reached: "The position could not be written before the end"},
		"storage panics": {during: func(w *testbed) {
			w.diskFails(func() error { panic("page 7: invalid page type") })
			entries(w.server, "later", 1, time.Now().Unix())
		}, where: "statuses", reached: "the storage panicked: page 7"},
		"another leader": {elected: true, during: func(w *testbed) {
			w.disk.Mu.Lock()
			defer w.disk.Mu.Unlock()
			stored, err := checkpoint.Decode(w.disk.Data[checkpoint.KeyPosition])
			if err == nil {
				stored.Term += 5
				w.disk.Data[checkpoint.KeyPosition] = stored.Encode()
			}
		}, where: "logs", reached: "Another replica has taken over"},
		"beyond the retention": {prepare: func(w *testbed, _ *spy) {
			w.server.Update(func(o *simulator.Options) { o.Retention, o.RefuseExpired = time.Hour, true })
			w.cfg.StartTime, w.cfg.RequestsPerMinute = time.Now().Add(-3*time.Hour), 1000
		}, during: func(*testbed) { time.Sleep(10 * time.Minute) }, where: "logs", reached: "The API does not show a part of the log"},
		"structured body": {prepare: func(w *testbed, s *spy) {
			w.cfg.Body = audit.BodyStructured
			quoting(consumererror.NewPermanent)(w, s)
		}, where: "logs", reached: "refused records for good"},
		"structured body of odd entries": {prepare: func(w *testbed, s *spy) {
			w.cfg.Body = audit.BodyStructured
			writing(openapi.OpList, 200, func(func(func(string) string) string) string {
				return `{"code":0,"data":{"items":["` + canaryPayload + `",{"id":["` + canaryPayload + `"],"event_time":"` + canaryQuery + `","log_detail":"` + canaryResponse + `"},null]}}`
			})(w, s)
		}, where: "metrics", reached: "malformed_entries"},
		"malformed HTTP": {prepare: func(_ *testbed, s *spy) {
			s.broken = func(echo func(func(string) string) string) error {
				return fmt.Errorf("net/http: HTTP/1.x transport connection broken: malformed HTTP response %q", echo(plainly))
			}
		}, where: "spans", reached: "malformed HTTP response"},
		"damaged checkpoint": {prepare: func(w *testbed, _ *spy) {
			w.disk.Data[checkpoint.KeyPosition] = []byte("garbage")
		}, where: "statuses", reached: "its first line is not ours"},
		"foreign checkpoint": {prepare: func(w *testbed, _ *spy) {
			foreign := checkpoint.Checkpoint{Version: checkpoint.Version, Query: checkpoint.Query{Endpoint: openapi.FeishuEndpoint, AppID: "cli_other"}, Begin: 1, Recheck: []int64{0}, Marks: []int64{2}, Next: 1}
			w.disk.Data[checkpoint.KeyPosition] = foreign.Encode()
		}, where: "statuses", reached: "it belongs to"},
		"storage that is not there": {prepare: func(w *testbed, _ *spy) {
			other := component.MustNewID("other")
			w.cfg.Storage = &other
		}, where: "errors and configurations", reached: "is not among the collector's extensions"},
		"certificate that is not there": {prepare: func(w *testbed, _ *spy) {
			w.cfg.ClientConfig.TLS.CAFile = "/nonexistent"
		}, where: "errors and configurations", reached: "cannot make the HTTP client"},
		"configuration that is wrong": {prepare: func(w *testbed, _ *spy) {
			w.cfg.AppSecret += "\n"
		}, where: "errors and configurations", reached: "app_secret: has white space"},
		"restart": {where: "logs", reached: "Going on from the checkpoint"},
	}
	for code := range openapi.Causes {
		for _, operation := range []string{openapi.OpToken, openapi.OpList} {
			cases[fmt.Sprintf("code %d for %s", code, operation)] = secretsCase{
				prepare: writing(operation, 400, func(echo func(func(string) string) string) string { return errorAnswer(code, echo) }),
				where:   "logs", reached: fmt.Sprintf("code %d,", code),
			}
		}
	}
	return cases
}

// electsAtOnce is an elector with one candidate.
type electsAtOnce struct {
	component.StartFunc
	component.ShutdownFunc
}

func (electsAtOnce) SetCallBackFuncs(onStart func(context.Context), _ func()) {
	onStart(context.Background())
}

// TestSecretsStayInside takes the receiver through everything that can go wrong, at
// debug level, with servers and pipelines that quote what they were sent, and looks
// for secrets, tokens and contents of entries in all that it writes: log lines,
// metrics, spans, statuses, errors, printed configurations, and the storage. Covers
// F39.
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
					time.Sleep(10 * time.Minute)
					if tc.during != nil {
						tc.during(w)
						time.Sleep(10 * time.Minute)
					}
					see.say(r.Shutdown(context.Background()))
				}
				run()
				run() // goes on from what the first one has stored
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
