// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// recordsIn are the records of one page.
func recordsIn(logs plog.Logs) plog.LogRecordSlice {
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
}

// peakOf is the largest growth of the heap while f runs, in bytes, sampled every millisecond. The garbage
// collector is set to run often, so that this measures memory in use.
func peakOf(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	inUse := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before := inUse()
	peak := before
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			peak = max(peak, inUse())
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return peak - before
}

// attacker is a server that answers the first calls of list_data in its own way, and later ones like the
// simulated API.
type attacker struct {
	server *simulator.Server
	answer func(w http.ResponseWriter, r *http.Request)
	times  int64 // how often
	calls  atomic.Int64
}

func (a *attacker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == openapi.ListPath && a.calls.Add(1) <= a.times {
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
		a.answer(w, r)
		return
	}
	a.server.ServeHTTP(w, r)
}

// attacked is the state of a receiver after an attack.
type attacked struct {
	peak    uint64
	lines   *observer.ObservedLogs
	uids    map[string]int   // how often each arrived
	records []plog.LogRecord // the first ones
	largest int              // records in one batch
	calls   int              // of list_data
	times   []componentstatus.Status
}

// says reports whether some log line, of any level, has the text in one of its errors.
func (a *attacked) says(text string) bool {
	for _, line := range a.lines.All() {
		for _, field := range line.Context {
			if err, ok := field.Interface.(error); ok && strings.Contains(err.Error(), text) {
				return true
			}
		}
	}
	return false
}

// attack runs the receiver in virtual time for the given duration, with an entry in the log ("good") that it has
// to deliver in spite of the attack.
func attack(t *testing.T, long time.Duration, change func(*audit.Config), a *attacker) *attacked {
	t.Helper()
	got := &attacked{uids: map[string]int{}}
	got.peak = peakOf(func() {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			w.cfg.InitialLookback = 2 * time.Minute
			if change != nil {
				change(w.cfg)
			}
			a.server = w.server
			entries(w.server, "good", 1, time.Now().Unix()-30)
			w.sink.Refuse = func(logs plog.Logs) error { // accepts everything, and checks it
				got.largest = max(got.largest, logs.LogRecordCount())
				for _, uid := range world.UidsIn(logs) {
					got.uids[uid]++
				}
				for _, record := range recordsIn(logs).All() {
					if len(got.records) < 100 {
						got.records = append(got.records, record)
					}
				}
				return nil
			}
			var core zapcore.Core
			core, got.lines = observer.New(zap.DebugLevel)
			set := receivertest.NewNopSettings(metadata.Type)
			set.Logger = zap.New(core)
			r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
			require.NoError(t, err)
			w.wire = simulator.Transport(a, nil)
			h := &world.StatusHost{Host: w.host()}
			require.NoError(t, r.Start(t.Context(), h))
			apart()
			time.Sleep(long)
			require.NoError(t, r.Shutdown(context.Background()))
			got.calls, got.times = int(a.calls.Load()), h.Statuses
		})
	})
	assert.Equal(t, 1, got.uids["good-0"], "the receiver goes on afterwards")
	t.Logf("peak %d MiB, %d calls, %d records", got.peak>>20, got.calls, len(got.uids))
	return got
}

// answers with a page of the given entries, which is the last one.
func withEntries(entries string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"code":0,"data":{"has_more":false,"items":[`+entries+`]}}`)
	}
}

// TestAttackHugePage: a page of 100,000 entries in answer to a request for 100 is delivered, in batches of 100;
// a page of millions is an error. Covers F12, F25, F26.
func TestAttackHugePage(t *testing.T) {
	page := func(n int) string {
		var b strings.Builder
		now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix() // the start of virtual time
		for i := range n {
			fmt.Fprintf(&b, `{"id":"x%d","event_time":%d},`, i, now-20)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	got := attack(t, 10*time.Minute, nil, &attacker{times: 1, answer: withEntries(page(100_000))})
	assert.Equal(t, entry.MaxPageSize, got.largest)
	assert.Len(t, got.uids, 100_001)
	assert.Less(t, got.peak, uint64(300<<20))

	got = attack(t, 10*time.Minute, nil, &attacker{times: 1, answer: withEntries(strings.Repeat("1,", 4<<20) + "1")})
	assert.True(t, got.says("a page of more than 131072 entries"))
	assert.Len(t, got.records, 1)
	assert.Less(t, got.peak, uint64(300<<20))
}

// TestAttackNesting: arrays and objects that are nested 100,000 levels deep, inside and outside of strings,
// result in a valid record, in both forms of the body. Covers F25, F26.
func TestAttackNesting(t *testing.T) {
	const levels = 100_000
	deep := strings.Repeat(`[`, levels) + strings.Repeat(`]`, levels)
	deeper := strings.Repeat(`{"token":`, levels) + `1` + strings.Repeat(`}`, levels)
	wide := "[" + strings.Repeat("[],", 3<<20) + "{}]"
	page := withEntries(deep + `,{"id":"a","x":` + deeper + `,"log_detail":{"payload":` + jsonString(deeper) + `,"response":` + jsonString(deep) + `}},{"id":"b","y":` + wide + `,"z":1}`)
	for _, body := range []audit.BodyFormat{audit.BodyOriginal, audit.BodyStructured} {
		t.Run(string(body), func(t *testing.T) {
			got := attack(t, 10*time.Minute, func(cfg *audit.Config) { cfg.Body = body }, &attacker{times: 1, answer: page})
			assert.Equal(t, 1, got.uids["a"])
			assert.Equal(t, 1, got.uids["b"])
			assert.Len(t, got.records, 4)
			assert.Less(t, got.peak, uint64(300<<20))
			for _, record := range got.records {
				uid, _ := record.Attributes().Get("log.record.uid")
				if body == audit.BodyStructured && uid.Str() == "b" {
					require.Equal(t, pcommon.ValueTypeMap, record.Body().Type())
					y, _ := record.Body().Map().Get("y")
					assert.Equal(t, wide, y.Str(), "what is too large is text")
					z, _ := record.Body().Map().Get("z")
					assert.Equal(t, int64(1), z.Int())
				}
			}
		})
	}
}

// TestAttackHugeString: a string of 50 MiB is an error above max_response_size, and a
// record below. Covers F20, F25.
func TestAttackHugeString(t *testing.T) {
	long := strings.Repeat("x", 50<<20)
	page := withEntries(`{"id":"long","log_detail":{"path":"` + long + `"}}`)
	got := attack(t, 10*time.Minute, nil, &attacker{times: 6, answer: page})
	assert.True(t, got.says("larger than max_response_size (33554432 bytes); raise max_response_size or lower page_size"))
	assert.Len(t, got.records, 1)
	assert.Less(t, got.peak, uint64(400<<20))
	assert.Contains(t, got.times, componentstatus.StatusRecoverableError, "the operator sees it")

	got = attack(t, 10*time.Minute, func(cfg *audit.Config) { cfg.MaxResponseSize = 64 << 20 }, &attacker{times: 1, answer: page})
	require.Len(t, got.records, 2)
	assert.Len(t, got.records[0].Body().Str(), len(long)+len(`{"id":"long","log_detail":{"path":""}}`))
	path, _ := got.records[0].Attributes().Get("url.path")
	assert.Equal(t, long[:entry.MaxAttribute], path.Str())
	assert.Less(t, got.peak, uint64(400<<20))
}

// TestAttackEndlessPaging: endless fresh page tokens, with the same entries again and again, end a walk after
// few calls, and the operator sees it. Covers F13.
func TestAttackEndlessPaging(t *testing.T) {
	n := 0
	got := attack(t, 4*time.Hour, nil, &attacker{times: 1500, answer: func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprintf(w, `{"code":0,"data":{"has_more":true,"page_token":"fresh-%d","items":[{"id":"circle-%d"}]}}`, n, n%7)
	}})
	assert.True(t, got.says("200 pages in a row without a new entry of this window"))
	assert.Len(t, got.records, 8, "each of the seven once")
	assert.Contains(t, got.times, componentstatus.StatusRecoverableError)
	assert.Less(t, got.calls, 1500+3*60*3, "on average two a minute")
	assert.Less(t, got.peak, uint64(100<<20))

	// Endless invented entries look like a busy tenant: calls stay within the pace, and memory is bounded.
	n = 0
	got = attack(t, time.Hour, nil, &attacker{times: 3000, answer: func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprintf(w, `{"code":0,"data":{"has_more":%t,"page_token":"fresh-%d","items":[{"id":"new-%d"}]}}`, n < 3000, n, n)
	}})
	assert.LessOrEqual(t, got.calls, 60*100)
	assert.Less(t, got.peak, uint64(100<<20))
}

// TestAttackNumbers: times at the limits of int64 and beyond, numbers that do not fit a float64, and NUL bytes
// each result in a valid record, and move no position. Covers F9, F26, F28.
func TestAttackNumbers(t *testing.T) {
	var odd []string
	values := []string{
		"-9223372036854775808", "-9223372036854775809", "9223372036854775807", "9223372036854775808", "18446744073709551616",
		"18446744073", "18446744074", "-1", "-0", "1e999", "-1e999", "1e-999", "1E+999999999999999999999", "0." + strings.Repeat("0", 10_000) + "1",
		strings.Repeat("9", 100_000), "1.7976931348623157e309", `"\u0000"`, `"1\u0000"`,
	}
	for i, v := range values {
		odd = append(odd, fmt.Sprintf(`{"id":"odd-%d","event_time":%s,"app_id":"a\u0000b","n":[%s],"log_detail":{"status_code":%s,"method":"\u0000","response":"{\"code\":1e999,\"msg\":\"\\u0000\"}"}}`, i, v, v, v))
	}
	for _, body := range []audit.BodyFormat{audit.BodyOriginal, audit.BodyStructured} {
		t.Run(string(body), func(t *testing.T) {
			got := attack(t, 3*time.Hour, func(cfg *audit.Config) { cfg.Body = body }, &attacker{times: 30, answer: withEntries(strings.Join(odd, ","))})
			for i, v := range values {
				assert.Equal(t, 1, got.uids["odd-"+strconv.Itoa(i)], "%.40s", v)
			}
			assert.Len(t, got.records, len(values)+1)
			for _, record := range got.records {
				assert.NotEmpty(t, record.Body().AsString())
				for name, value := range record.Attributes().All() {
					assert.LessOrEqual(t, len(value.AsString()), entry.MaxAttribute, name)
				}
			}
			assert.Less(t, got.calls, 3*60*3, "no time moves the position where it does not belong")
			assert.Less(t, got.peak, uint64(100<<20))
		})
	}
}
