// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

func plainly(s string) string { return s }

func inBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// errorAnswer is a careless server's description of a failure.
func errorAnswer(code int64, echo func(func(string) string) string) string {
	return fmt.Sprintf(`{"code":%d,"msg":%s,"error":{"message":"m","log_id":%s,"field_violations":[{"field":"page_token","value":%s,"description":%s}],`+
		`"permission_violations":[{"subject":%s,"url":%s}],"details":[{"key":"k","value":%s}]}}`,
		code, jsonString("refused: "+echo(inBase64)+echo(plainly)), jsonString(echo(plainly)), jsonString(echo(plainly)), jsonString(echo(url.QueryEscape)),
		jsonString(echo(inBase64)), jsonString("https://x.invalid/?q="+echo(url.QueryEscape)), jsonString(echo(plainly)))
}

// on limits an answer to one of the two calls; for list_data, to the n-th page and later ones.
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
	// during is called after ten minutes.
	during func(w *testbed)
	// reached is a part of the output that proves that the path was taken.
	where, reached string
	// elected reports that the receiver has an elector, which elects it at once.
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
		"all is well":           {where: "logs", reached: "No checkpoint found"},
		"wrong secret":          {prepare: func(w *testbed, _ *spy) { w.cfg.AppSecret += "wrong" }, where: "logs", reached: "code 10014"},
		"missing scope":         {prepare: faults(simulator.Fault{Kind: simulator.FaultMissingScope}), where: "statuses", reached: "code 99991672"},
		"rate limit":            {prepare: faults(simulator.Fault{Kind: simulator.FaultRateLimited}), where: "logs", reached: "code 99991400"},
		"quota":                 {prepare: faults(simulator.Fault{Kind: simulator.FaultQuotaExceeded}), where: "logs", reached: "code 99991403"},
		"access token refused":  {prepare: faults(simulator.Fault{Kind: simulator.FaultTokenInvalid}), where: "logs", reached: "has just issued"},
		"access tokens revoked": {prepare: faults(simulator.Fault{Kind: simulator.FaultRevoke, Every: 3}), where: "metrics", reached: "99991663"},
		"page token refused":    {prepare: faults(simulator.Fault{Kind: simulator.FaultPageTokenRefused}), where: "logs", reached: "restarting the walk"},
		"same page token again": {prepare: faults(simulator.Fault{Kind: simulator.FaultRepeatToken}), where: "logs", reached: "the same page token again"},
		"endless paging":        {prepare: faults(simulator.Fault{Kind: simulator.FaultEndless}), where: "logs", reached: "pages in a row without a new entry"},
		"window refused":        {prepare: faults(simulator.Fault{Kind: simulator.FaultInvalidParam}), where: "logs", reached: "restarting the walk"},
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
		"pipeline refuses permanently":       {prepare: quoting(consumererror.NewPermanent), where: "logs", reached: "takes no others"},
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
		}, where: "logs", reached: "cannot write down a call"},
		"storage fails during a call": {during: func(w *testbed) {
			w.sink.RefuseWith(func(plog.Logs) error {
				w.diskFails(func() error { return errors.New("no space left") })
				return nil
			})
			entries(w.server, "later", 1, time.Now().Unix())
		}, where: "logs", reached: "cannot write the checkpoint"},
		"position not written at the end": {during: func(w *testbed) {
			w.sink.RefuseWith(func(plog.Logs) error {
				w.diskFails(func() error { return errors.New("no space left") })
				return nil
			})
			entries(w.server, "later", 1, time.Now().Unix())
		}, where: "logs", reached: "Could not write the position before shutdown"},
		"storage panics": {during: func(w *testbed) {
			w.diskFails(func() error { panic("page 7: invalid page type") })
			entries(w.server, "later", 1, time.Now().Unix())
		}, where: "statuses", reached: "panicked: page 7"},
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
		}, during: func(*testbed) { time.Sleep(10 * time.Minute) }, where: "logs", reached: "Skipping a time range that the API does not return"},
		"structured body": {prepare: func(w *testbed, s *spy) {
			w.cfg.Body = audit.BodyStructured
			quoting(consumererror.NewPermanent)(w, s)
		}, where: "logs", reached: "takes no others"},
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
		"restart": {where: "logs", reached: "Resuming from the checkpoint"},
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
