// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// A path is one way out of the collector: a configuration that users copy, from
// examples/, and the backend that it is for. The scenarios below use that very file;
// what they override are the variables that a user sets, too.

// destination is the backend of a path.
type destination interface {
	// config are the files below examples/.
	config() []string
	// env are the variables of the example that lead to the backend.
	env() []string
	up(t *testing.T)
	// down makes the backend unreachable; what it has stays.
	down(t *testing.T)
	// held is what the backend has, copies of the same entry included.
	held(t *testing.T) []arrival
}

// arrival is a record as the backend of a path has it.
type arrival struct {
	uid        string
	time       int64             // in nanoseconds since 1970
	body       string            // the entry's text
	attributes map[string]string // of the record and its resource, as text
}

// example is a collector that runs with a configuration from examples/.
type example struct{ args, env []string }

// newExample prepares the configuration of a path for a simulated API.
func newExample(t *testing.T, a *api, d destination) *example {
	// The port of the collector's own metrics would be the same for all.
	e := &example{args: []string{"--set=service.telemetry.metrics.level=none"}}
	for _, file := range d.config() {
		e.args = append(e.args, "--config="+filepath.Join("..", "examples", file))
	}
	e.env = append(d.env(),
		"STORAGE_DIR="+t.TempDir(),
		"FEISHU_ENDPOINT=http://"+a.addr,
		"FEISHU_APP_ID="+simulator.DefaultAppID,
		"FEISHU_APP_SECRET="+simulator.DefaultAppSecret)
	return e
}

func (e *example) start(t *testing.T) *collector {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), e.args...)
	cmd.Env = append(os.Environ(), e.env...)
	return launch(t, cmd, (*exec.Cmd).Start)
}

// newBacklog serves a log of the hour that an example reads first, up to 30 pages, and
// takes its time for each. None of it is read again within the minutes of a test.
func newBacklog(t *testing.T, seed uint64, entries int64) (*api, []simulator.Entry) {
	now := time.Now().Unix()
	log := simulator.Tenant{Seed: seed, PerSecond: 1, Start: now - 3400, End: now - 3400 + entries - 1}
	a := newAPI(t, simulator.Options{Tenant: log, Faults: []simulator.Fault{{Kind: simulator.FaultDelay, Delay: 500 * time.Millisecond}}})
	return a, a.ends(log)
}

// deliver runs the example while its backend is stopped and started and the collector
// killed, twice, once of it while the backend is away: every entry arrives as
// documented. Each stop of the backend and each kill may leave one page whose answer
// nobody got: its records come again, which the backend removes, or not.
func deliver(t *testing.T, d destination, removesDoubles bool) {
	a, entries := newBacklog(t, 50, 3000)
	e := newExample(t, a, d)
	progress := func(n int) func() bool {
		n = min(n+len(d.held(t)), len(entries)) // on a slow machine all may have arrived
		return func() bool { return len(d.held(t)) >= n }
	}

	c := e.start(t)
	eventually(t, time.Minute, "some pages arrive", progress(3*pageSize))
	d.down(t)
	pause(t, 4*time.Second)
	require.True(t, c.alive(), "the collector ended")
	d.up(t)
	eventually(t, time.Minute, "more arrives once the backend is back", progress(2*pageSize))
	c.kill(t)

	c = e.start(t)
	eventually(t, time.Minute, "more arrives after the kill", progress(2*pageSize))
	d.down(t)
	pause(t, time.Second)
	c.kill(t)
	c = e.start(t)
	pause(t, time.Second)
	d.up(t)
	const mayRepeat = 4 // 2 stops, 2 kills

	eventually(t, 2*time.Minute, "everything arrives", func() bool { return len(byID(d.held(t))) >= len(entries) })
	c.term(t)
	pages := mayRepeat
	if removesDoubles {
		pages = 0
	}
	checkPath(t, entries, d.held(t), pages)
}

func byID(held []arrival) map[string][]arrival {
	ids := map[string][]arrival{}
	for _, r := range held {
		ids[r.uid] = append(ids[r.uid], r)
	}
	return ids
}

// checkPath compares what the backend has with the log, record by record, and notes
// the result in the table.
func checkPath(t *testing.T, entries []simulator.Entry, held []arrival, pages int) {
	t.Helper()
	came := byID(held)
	lost := 0
	for _, entry := range entries {
		if len(came[entry.ID]) == 0 {
			lost++
		}
		for _, r := range came[entry.ID] {
			r.check(t, entry)
		}
	}
	doubled := len(held) - len(came)
	note(row{t.Name(), len(entries), len(came), 0, lost, doubled, pages * pageSize})
	require.Zero(t, lost, "entries were lost")
	require.Len(t, came, len(entries), "entries were invented")
	require.LessOrEqual(t, doubled, pages*pageSize, "entries came twice")
}

// check holds the record against its entry.
func (r *arrival) check(t *testing.T, entry simulator.Entry) {
	t.Helper()
	require.Equal(t, entry.EventTime*int64(time.Second), r.time, "time of %s", entry.ID)
	if strings.Contains(r.body, "[REDACTED]") {
		var body struct {
			ID     string `json:"id"`
			APIKey string `json:"api_key"`
		}
		require.NoError(t, json.Unmarshal([]byte(r.body), &body), "body of %s", entry.ID)
		require.Equal(t, entry.ID, body.ID)
		require.Equal(t, entry.APIKey, body.APIKey)
	} else {
		require.Equal(t, entry.JSON(false), r.body, "body of %s", entry.ID)
	}
	for name, want := range map[string]string{
		"feishu.api_key":           entry.APIKey,
		"feishu.app.id":            entry.AppID,
		"feishu.status_code":       strconv.Itoa(entry.StatusCode),
		"client.address":           entry.IP,
		"http.request.method":      entry.Method,
		"url.path":                 entry.Path,
		"service.name":             "feishu",
		"feishu.credential.app_id": simulator.DefaultAppID,
		"server.address":           "127.0.0.1",
	} {
		require.Equal(t, want, r.attributes[name], "%s of %s", name, entry.ID)
	}
}

// texts is a map of attributes as text.
func texts(into map[string]string, attributes pcommon.Map) map[string]string {
	for name, value := range attributes.All() {
		into[name] = value.AsString()
	}
	return into
}

// gate keeps back the answer to what a backend has already taken, so that the
// collector can be killed between the two.
type gate struct {
	mu     sync.Mutex
	closed chan struct{} // nil: open
	waits  bool
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed, g.waits = make(chan struct{}), false
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.closed)
	g.closed = nil
}

// waiting reports whether an answer is being kept back.
func (g *gate) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waits
}

func (g *gate) pass() {
	g.mu.Lock()
	closed := g.closed
	g.waits = g.waits || closed != nil
	g.mu.Unlock()
	if closed != nil {
		<-closed
	}
}

// repeat kills the collector after the backend has taken a page and before it says
// so: that page comes again. It returns the last collector's output.
func repeat(t *testing.T, d destination, g *gate) ([]simulator.Entry, string) {
	a, entries := newBacklog(t, 51, 1500)
	e := newExample(t, a, d)
	c := e.start(t)
	eventually(t, time.Minute, "some pages arrive", func() bool { return len(d.held(t)) >= 2*pageSize })
	g.shut()
	eventually(t, time.Minute, "a page waits for its answer", g.waiting)
	c.kill(t)
	g.open()
	c = e.start(t)
	eventually(t, time.Minute, "everything arrives", func() bool { return len(byID(d.held(t))) >= len(entries) })
	c.term(t)
	return entries, c.out.String()
}

// doubles are the ids that the backend has more than once, sorted.
func doubles(held []arrival) []string {
	var ids []string
	for id, rs := range byID(held) {
		if len(rs) > 1 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
