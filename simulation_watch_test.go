// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// watch sees every call and every log line of the receivers in a simulation, and notes what violates a
// guarantee.
type watch struct {
	mu    sync.Mutex
	wrong []string

	// Of the running process:
	limit  int       // calls in any minute
	walks  int       // calls in flight at once
	held   time.Time // the end of the wait that the server has asked for
	flying int

	sent    []time.Time // arrivals of the last minute, over all processes
	most    int         // arrivals in any minute
	hints   int         // hints obeyed
	given   map[string]asked
	order   []string // of given
	secrets []string
	skipped []skipped
	gaveUp  map[string]bool // ids of records that were reported as given up
}

// asked is what all pages of a walk have in common.
type asked struct {
	from, to     int64
	keys, filter string
}

// skipped is time that was reported as skipped.
type skipped struct {
	from, to int64 // Unix seconds
	at       time.Time
}

func newWatch() *watch {
	return &watch{gaveUp: map[string]bool{}, given: map[string]asked{}, secrets: []string{simulator.DefaultAppSecret, "t-g104", "eyJ", canary}}
}

// canary is in each payload.
const canary = "canary-in-a-payload"

func (w *watch) fault(format string, args ...any) {
	if len(w.wrong) < 20 {
		w.wrong = append(w.wrong, time.Now().Format("0102 15:04:05.000 ")+fmt.Sprintf(format, args...))
	}
}

// process notes that another process runs, which knows the last one's calls only from the storage.
func (w *watch) process(limit, walks int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit, w.walks, w.held = limit, walks, time.Time{}
}

// keptTokens limits how many page tokens are searched for in log lines, and given how many walks' bounds are
// remembered.
const (
	keptTokens = 16
	keptGiven  = 4096
)

// observe compares the bounds and filter of every page of a walk with those of its first one.
func (w *watch) observe(c simulator.Call) {
	if c.Endpoint != simulator.EndpointList {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	what := asked{c.StartTime, c.EndTime, strings.Join(c.FilterAPIKeys, " "), c.FilterAppID}
	if first, known := w.given[c.PageToken]; known && c.PageToken != "" && first != what {
		w.fault("a page is asked for with %+v, the one before with %+v", what, first)
	}
	if c.NextPageToken != "" {
		w.given[c.NextPageToken] = what
		w.order = append(w.order, c.NextPageToken)
		if len(w.order) > keptGiven {
			delete(w.given, w.order[0])
			w.order = w.order[1:]
		}
	}
}

// arrives counts a call as the server does.
func (w *watch) arrives() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for len(w.sent) > 0 && now.Sub(w.sent[0]) >= time.Minute {
		w.sent = w.sent[1:]
	}
	w.sent = append(w.sent, now)
	w.most = max(w.most, len(w.sent))
	if len(w.sent) > w.limit {
		w.fault("%d calls in a minute, with %d allowed", len(w.sent), w.limit)
	}
}

// watched is the path of one receiver's calls to the API.
type watched struct {
	*watch
	world *testbed
}

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	list := req.URL.Path == simulator.ListPath
	var takes time.Duration
	if w.world.travels != nil {
		takes = w.world.travels(body)
	}
	if list {
		w.leaves()
		defer w.returns()
	}
	res, err := simulator.Transport(counting{w.world.handler, w.watch}, func() time.Duration { return takes }).RoundTrip(req)
	if err != nil || !list {
		return res, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(data))
	if err != nil {
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data), failing{err}))
	}
	w.answered(res, data)
	return res, nil
}

// failing is a body that breaks off.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// counting counts calls where they arrive.
type counting struct {
	http.Handler
	watch *watch
}

func (c counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == simulator.ListPath {
		c.watch.arrives()
	}
	c.Handler.ServeHTTP(w, r)
}

func (w *watch) leaves() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if now.Before(w.held) {
		w.fault("a call leaves %s before the server's wait is over", w.held.Sub(now))
	}
	w.flying++
	if w.flying > w.walks {
		w.fault("%d calls at once, with %d walks", w.flying, w.walks)
	}
}

func (w *watch) returns() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flying--
}

// answered notes how long the server asks to wait if it has refused the call because of the rate, even if only
// the headers say so.
func (w *watch) answered(res *http.Response, data []byte) {
	h := res.Header
	if h.Get("X-Ogw-Ratelimit-Reset") == "" && h.Get("Retry-After") == "" {
		return
	}
	if res.StatusCode != http.StatusTooManyRequests {
		var answer struct{ Code int64 }
		if !bytes.Contains(data, []byte("99991400")) || json.Unmarshal(data, &answer) != nil || answer.Code != 99991400 {
			return
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range []string{"X-Ogw-Ratelimit-Reset", "Retry-After"} {
		seconds, err := strconv.ParseFloat(h.Get(name), 64)
		if err == nil && seconds > 0 {
			wait := time.Duration(min(seconds, 600) * float64(time.Second))
			w.held = laterOf(w.held, time.Now().Add(wait))
			w.hints++
		}
	}
}

// says checks a line that anybody may read.
func (w *watch) says(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	secrets := append(slices.Clone(w.secrets), w.order[max(0, len(w.order)-keptTokens):]...)
	for _, secret := range secrets {
		if strings.Contains(line, secret) {
			w.fault("%q is in this: %s", secret, line)
		}
	}
}

// lines is a log, at debug level, of which every line is checked.
type lines struct {
	zapcore.Encoder
	watch *watch
}

func newLines(w *watch) *lines {
	return &lines{zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), w}
}

func (*lines) Enabled(zapcore.Level) bool { return true }
func (*lines) Sync() error                { return nil }

func (l *lines) With(fields []zapcore.Field) zapcore.Core {
	clone := l.Clone()
	for _, f := range fields {
		f.AddTo(clone)
	}
	return &lines{clone, l.watch}
}

func (l *lines) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return checked.AddCore(e, l)
}

func (l *lines) Write(e zapcore.Entry, fields []zapcore.Field) error {
	buf, err := l.EncodeEntry(e, fields)
	if err != nil {
		return err
	}
	l.watch.says(buf.String())
	buf.Free()
	if id, ok := strings.CutPrefix(e.Message, "Dropped record "); ok {
		id, _, _ = strings.Cut(id, ": the pipeline")
		l.watch.mu.Lock()
		l.watch.gaveUp[id] = true
		l.watch.mu.Unlock()
	}
	if strings.HasPrefix(e.Message, "Skipping a time range that the API does not return") {
		l.watch.skips(fields)
	}
	return nil
}

func (w *watch) skips(fields []zapcore.Field) {
	told := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(told)
	}
	from, _ := told.Fields["from"].(time.Time)
	to, _ := told.Fields["to"].(time.Time)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skipped = append(w.skipped, skipped{from.Unix(), to.Unix(), time.Now()})
}

// watchedHost is a collector whose statuses are checked.
type watchedHost struct {
	world.Host
	watch     *watch
	permanent atomic.Bool
}

func (h *watchedHost) Report(event *componentstatus.Event) {
	if h.permanent.Load() {
		h.watch.mu.Lock()
		h.watch.fault("%s follows a permanent status", event.Status())
		h.watch.mu.Unlock()
	}
	if event.Status() == componentstatus.StatusPermanentError {
		h.permanent.Store(true)
	}
	if event.Err() != nil {
		h.watch.says(event.Err().Error())
	}
}

// goroutines counts the goroutines of its caller's bubble.
func goroutines() (n int, stacks string) {
	buf := make([]byte, 1<<10)
	_, label, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), "synctest bubble ")
	label, _, _ = strings.Cut(label, "]")
	for buf = make([]byte, 1<<18); ; buf = make([]byte, 2*len(buf)) {
		if size := runtime.Stack(buf, true); size < len(buf) {
			buf = buf[:size]
			break
		}
	}
	var here []string
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		header, _, _ := strings.Cut(stack, "\n")
		if strings.Contains(header, "synctest bubble "+label+"]") {
			here = append(here, stack)
		}
	}
	return len(here), strings.Join(here, "\n\n")
}

// laterOf returns the later of two times.
func laterOf(a, b time.Time) time.Time { return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare) }
