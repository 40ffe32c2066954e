// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// A path is one way out of the collector: a configuration for users to copy, from examples/, and its backend.
// The scenarios below use that very file; they override only variables that users set, too.

// destination is the backend of a path.
type destination interface {
	// config returns the files below examples/.
	config() []string
	// env returns the variables of the example for the address of the backend.
	env() []string
	up(t *testing.T)
	// down makes the backend unreachable; it keeps its data.
	down(t *testing.T)
	// held returns what the backend has, including duplicates.
	held(t *testing.T) []arrival
}

// arrival is a record as the backend of a path has it.
type arrival struct {
	uid        string
	time       int64             // in nanoseconds since 1970
	body       string            // the entry's text
	attributes map[string]string // of the record and its resource, as text
}

// example is a collector with a configuration from examples/.
type example struct {
	args, env []string
	api       *api
	destination
}

// quiet prevents the collector from serving its own metrics: the port would be the same for all.
const quiet = "--set=service.telemetry.metrics.level=none"

// newExample prepares the configuration of a path for a simulated API.
func newExample(t *testing.T, a *api, d destination) *example {
	e := &example{args: []string{quiet}, api: a, destination: d}
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

// held returns what the backend has, and notes it for the table.
func (e *example) held(t *testing.T) []arrival {
	held := e.destination.held(t)
	found := len(byID(held))
	e.api.known.found, e.api.known.lost, e.api.known.doubled = found, max(0, e.api.known.sent-found), len(held)-found
	return held
}

// counter is a backend that can count its different entries, which is cheaper than reading all of them again and
// again.
type counter interface{ different(t *testing.T) int }

// found returns how many different entries the backend has, and notes it for the table.
func (e *example) found(t *testing.T) int {
	c, ok := e.destination.(counter)
	if !ok {
		return len(byID(e.held(t)))
	}
	found := c.different(t)
	e.api.known.found, e.api.known.lost = found, max(0, e.api.known.sent-found)
	return found
}

// arrives waits until the backend has this many different entries.
func (e *example) arrives(t *testing.T, n int) {
	t.Helper()
	eventually(t, recovers, "everything arrives", func() bool { return e.found(t) >= n })
}

// settled returns what the backend has once every entry can be found: while a backend writes and merges, an
// entry that was found or counted once cannot always be found a moment later. An entry that cannot be found for
// long is lost; count reports it.
func (e *example) settled(t *testing.T, entries []simulator.Entry, refused ...string) []arrival {
	t.Helper()
	for deadline := time.Now().Add(starts); ; pause(t, time.Second) {
		held := e.held(t)
		came := byID(held)
		missing := slices.ContainsFunc(entries, func(entry simulator.Entry) bool {
			return len(came[entry.ID]) == 0 && !slices.Contains(refused, entry.ID)
		})
		if !missing || time.Now().After(deadline) {
			return held
		}
		t.Logf("%d of %d entries can be found", len(came), len(entries))
	}
}

// scraped lets the collector serve its metrics, with their default names, at the returned address.
func (e *example) scraped(t *testing.T) string {
	port := freePort(t)
	e.args = slices.DeleteFunc(e.args, func(arg string) bool { return arg == quiet })
	e.args = append(e.args, "--set=service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: "+port+
		", without_scope_info: true, without_units: true, without_type_suffix: true}}}}]")
	return "127.0.0.1:" + port
}

// scrape reads metrics: the values by name and labels, "name{label="value"}".
func scrape(t *testing.T, addr string) map[string]float64 {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	values := map[string]float64{}
	for _, line := range regexp.MustCompile(`(?m)^(\w+(?:\{.*\})?) (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		metric := line[1]
		if !strings.Contains(metric, "{") {
			metric += "{}"
		}
		values[metric], err = strconv.ParseFloat(line[2], 64)
		require.NoError(t, err)
	}
	return values
}

func (e *example) start(t *testing.T) *collector {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), e.args...)
	cmd.Env = append(os.Environ(), e.env...)
	return launch(t, cmd, (*exec.Cmd).Start)
}

// newBacklog serves a log of the hour that an example reads first, up to 30 pages, with a delay for each. None
// of it is read again within the minutes of a test.
func newBacklog(t *testing.T, seed uint64, entries int64) (*api, []simulator.Entry) {
	now := time.Now().Unix()
	log := simulator.Tenant{Seed: seed, PerSecond: 1, Start: now - 3400, End: now - 3400 + entries - 1}
	a := newAPI(t, simulator.Options{Tenant: log, Faults: []simulator.Fault{{Kind: simulator.FaultDelay, Delay: 500 * time.Millisecond}}})
	written := a.ends(log)
	a.known.sent, a.known.lost = len(written), len(written)
	return a, written
}

// harmless returns the first entry of an API whose records are not redacted. Which calls the log has depends on when
// the test runs.
func harmless(t *testing.T, entries []simulator.Entry) simulator.Entry {
	t.Helper()
	i := slices.IndexFunc(entries, func(e simulator.Entry) bool {
		return strings.HasPrefix(e.APIKey, "GET/") && strings.Contains(e.APIKey, "/im/v1/")
	})
	require.GreaterOrEqual(t, i, 0, "none of %d entries", len(entries))
	return entries[i]
}

// deliver runs the example while its backend is stopped and started and the collector is killed, twice, once of
// it while the backend is down: every entry arrives as documented. Each stop of the backend and each kill may
// leave one page whose answer nobody got: its records are sent again, and the backend may or may not remove the
// duplicates.
func deliver(t *testing.T, d destination, removesDoubles bool) {
	a, entries := newBacklog(t, 50, 3000)
	e := newExample(t, a, d)
	progress := func(n int) func() bool {
		n = min(n+e.found(t), len(entries)) // on a slow machine everything may have arrived
		return func() bool { return e.found(t) >= n }
	}

	c := e.start(t)
	eventually(t, starts, "some pages arrive", progress(3*pageSize))
	d.down(t)
	pause(t, 4*time.Second)
	require.True(t, c.alive(), "the collector ended")
	d.up(t)
	eventually(t, recovers, "more arrives once the backend is back", progress(2*pageSize))
	c.kill(t)

	c = e.start(t)
	eventually(t, recovers, "more arrives after the kill", progress(2*pageSize))
	d.down(t)
	pause(t, time.Second)
	c.kill(t)
	c = e.start(t)
	pause(t, time.Second)
	d.up(t)
	const mayRepeat = 4 // 2 stops, 2 kills

	e.arrives(t, len(entries))
	c.term(t)
	pages := mayRepeat
	if removesDoubles {
		pages = 0
	}
	checkPath(t, entries, e.settled(t, entries), pages)
}

func byID(held []arrival) map[string][]arrival {
	ids := map[string][]arrival{}
	for _, r := range held {
		ids[r.uid] = append(ids[r.uid], r)
	}
	return ids
}

// checkPath compares what the backend has with the log, record by record, and notes the result in the table. The
// refused ids are those that the backend has refused permanently.
func checkPath(t *testing.T, entries []simulator.Entry, held []arrival, pages int, refused ...string) {
	t.Helper()
	came := count(t, entries, held, pages, refused...)
	for _, entry := range entries {
		for _, r := range came[entry.ID] {
			r.check(t, entry)
		}
	}
}

// count compares the ids that the backend has with those of the log, and notes the
// result in the table. It returns the records by id.
func count(t *testing.T, entries []simulator.Entry, held []arrival, pages int, refused ...string) map[string][]arrival {
	t.Helper()
	came := byID(held)
	var lost []string
	wanted := map[string]bool{}
	for _, entry := range entries {
		wanted[entry.ID] = true
		if len(came[entry.ID]) == 0 && !slices.Contains(refused, entry.ID) {
			lost = append(lost, fmt.Sprintf("%s of %d", entry.ID, entry.EventTime))
		}
	}
	doubled := len(held) - len(came)
	note(row{t.Name(), len(entries), len(came), len(refused), len(lost), doubled, pages * pageSize})
	for id := range came { // first, because entries of another test would make the counts look right
		require.True(t, wanted[id], "%s was invented; %d entries were lost", id, len(lost))
		require.NotContains(t, refused, id, "it was refused, and came")
	}
	if len(lost) > 0 {
		require.Fail(t, "entries were lost", "%d, from %s to %s", len(lost), lost[0], lost[len(lost)-1])
	}
	require.LessOrEqual(t, doubled, pages*pageSize, "entries are duplicated")
	return came
}

// check compares the record with its entry.
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
