// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/splunkhecreceiver"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// splunk is an HTTP Event Collector: the collector's own receiver for its protocol. It has no ids: duplicates
// are stored twice.
type splunk struct {
	gate
	addr string
	hec  receiver.Logs

	mu     sync.Mutex
	events []arrival
}

func newSplunk(t *testing.T) *splunk {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	s := &splunk{addr: l.Addr().String()}
	s.up(t)
	t.Cleanup(func() { s.down(t) })
	return s
}

func (*splunk) config() []string { return []string{"splunk/collector.yaml"} }

func (s *splunk) env() []string {
	return []string{"SPLUNK_HEC_ENDPOINT=http://" + s.addr + "/services/collector", "SPLUNK_HEC_TOKEN=00000000-0000-0000-0000-000000000000"}
}

// splunks guards a map that all receivers of the type share without a lock.
var splunks sync.Mutex

func (s *splunk) up(t *testing.T) {
	splunks.Lock()
	defer splunks.Unlock()
	factory := splunkhecreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig().(*splunkhecreceiver.Config)
	cfg.Endpoint = s.addr
	take, err := consumer.NewLogs(s.take)
	require.NoError(t, err)
	s.hec, err = factory.CreateLogs(t.Context(), receivertest.NewNopSettings(factory.Type()), cfg, take)
	require.NoError(t, err)
	require.NoError(t, s.hec.Start(t.Context(), componenttest.NewNopHost()))
}

func (s *splunk) down(t *testing.T) {
	splunks.Lock()
	defer splunks.Unlock()
	require.NoError(t, s.hec.Shutdown(context.WithoutCancel(t.Context())))
}

func (s *splunk) take(_ context.Context, logs plog.Logs) error {
	s.mu.Lock()
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				fields := texts(texts(map[string]string{}, rl.Resource().Attributes()), record.Attributes())
				s.events = append(s.events, arrival{
					uid: fields["log.record.uid"], time: int64(record.Timestamp()), body: record.Body().AsString(), attributes: fields,
				})
			}
		}
	}
	s.mu.Unlock()
	s.pass()
	return nil
}

func (s *splunk) held(*testing.T) []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.events...)
}

// TestSplunk: through examples/splunk every entry becomes an event with the documented time, index, source and
// sourcetype.
func TestSplunk(t *testing.T) {
	t.Parallel()
	s := newSplunk(t)
	deliver(t, s, false)
	for _, event := range s.events {
		for name, want := range map[string]string{
			"com.splunk.index": "feishu", "com.splunk.source": "feishu", "com.splunk.sourcetype": "feishu:openapi", "host.name": "unknown",
		} {
			require.Equal(t, want, event.attributes[name], name)
		}
		require.Contains(t, []string{"9", "13"}, event.attributes["otel.log.severity.number"])
	}
	// Not separate fields in Splunk, but parts of each event.
	indexed := append(indexedFields(t), "com.splunk.index", "com.splunk.source", "com.splunk.sourcetype", "host.name")
	for _, event := range s.events {
		for name := range event.attributes {
			require.Contains(t, indexed, name, "an indexed field that the app's fields.conf does not know")
		}
	}
}

// stanzas reads one of Splunk's configuration files: the settings by stanza and name.
func stanzas(t *testing.T, path string) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	read := map[string]map[string]string{}
	var stanza map[string]string
	joined := strings.ReplaceAll(string(text), "\\\n", " ") // a line that goes on
	for i, line := range strings.Split(joined, "\n") {
		where := fmt.Sprintf("%s:%d: %q", path, i+1, line)
		switch name, value, isSetting := strings.Cut(line, " = "); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			require.Regexp(t, `^\[[\w.:=]*\]$`, line, where)
			name := line[1 : len(line)-1]
			require.NotContains(t, read, name, where)
			stanza = map[string]string{}
			read[name] = stanza
		default:
			require.True(t, isSetting, where)
			require.NotNil(t, stanza, where)
			require.NotContains(t, stanza, name, where)
			stanza[name] = value
		}
	}
	return read
}

const splunkApp = "../examples/splunk/app"

// indexedFields are the fields that the app's fields.conf declares.
func indexedFields(t *testing.T) []string {
	t.Helper()
	var names []string
	for name, settings := range stanzas(t, splunkApp+"/default/fields.conf") {
		require.Equal(t, map[string]string{"INDEXED": "true"}, settings, name)
		name, scoped := strings.CutPrefix(name, "sourcetype::feishu:openapi::")
		// Other data may have a field with a name that is not only ours.
		require.Equal(t, !strings.HasPrefix(name, "feishu.") && name != "log.record.uid", scoped, name)
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestSplunkApp: the files of the app are valid, have no setting that Splunk does not know, and fit each other,
// the collector's configuration and the record; and they also apply to searches in other apps.
func TestSplunkApp(t *testing.T) {
	t.Parallel()
	settings := map[string][]string{ // of each file, as Splunk's documentation has them
		"default/app.conf":        {"description", "is_visible", "label", "version"},
		"default/fields.conf":     {"INDEXED"},
		"default/indexes.conf":    {"coldPath", "frozenTimePeriodInSecs", "homePath", "thawedPath"},
		"default/eventtypes.conf": {"search"},
		"default/savedsearches.conf": {
			"action.correlationsearch.annotations", "action.correlationsearch.enabled", "action.correlationsearch.label", "alert.digest_mode", "alert.severity",
			"alert.suppress", "alert.suppress.fields", "alert.suppress.period", "alert.track", "counttype", "cron_schedule", "description", "disabled",
			"dispatch.earliest_time", "dispatch.index_earliest", "dispatch.index_latest", "dispatch.latest_time", "enableSched", "quantity", "relation", "search",
		},
		"default/tags.conf":     {"access", "account", "authentication", "change", "data"},
		"default/props.conf":    append([]string{"KV_MODE", "SHOULD_LINEMERGE", "TRUNCATE"}, evaluated()...),
		"metadata/default.meta": {"access", "export"},
	}
	files := map[string]map[string]map[string]string{}
	require.NoError(t, filepath.WalkDir(splunkApp, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(splunkApp, path)
		require.NoError(t, err)
		require.Contains(t, settings, name, "a file that this test does not know")
		files[name] = stanzas(t, path)
		used := map[string]bool{}
		for _, stanza := range files[name] {
			for setting := range stanza {
				used[setting] = true
			}
		}
		slices.Sort(settings[name])
		require.Equal(t, settings[name], slices.Sorted(maps.Keys(used)), name)
		return nil
	}))
	require.Len(t, files, len(settings))

	require.Equal(t, "system", files["metadata/default.meta"][""]["export"], "for all apps")
	require.Contains(t, files["metadata/default.meta"][""]["access"], "read : [ * ]")
	config := readFile(t, "splunk/collector.yaml")
	for stanza, key := range map[string]string{"default/indexes.conf": "index", "default/props.conf": "sourcetype"} {
		for name := range files[stanza] {
			require.Contains(t, config, "    "+key+": "+name+"\n", stanza)
		}
		require.Len(t, files[stanza], 1)
	}
	for name := range files["default/tags.conf"] {
		require.Contains(t, files["default/eventtypes.conf"], strings.TrimPrefix(name, "eventtype="))
	}
	require.Len(t, files["default/tags.conf"], len(files["default/eventtypes.conf"]))
	// The exporter's additions to the record's attributes.
	want := append(recordAttributes(t), "otel.log.severity.number")
	slices.Sort(want)
	require.Equal(t, want, indexedFields(t), "fields.conf, against docs/record-model.md")
}

// evaluated are the settings of props.conf that compute fields in searches.
func evaluated() []string {
	var settings []string
	for field := range cimFields {
		settings = append(settings, "EVAL-"+field)
	}
	return settings
}

// TestSplunkRepeats: a page that is delivered again is stored twice, with the same log.record.uid, by which a
// search removes the duplicates.
func TestSplunkRepeats(t *testing.T) {
	t.Parallel()
	s := newSplunk(t)
	entries, _ := repeat(t, s, &s.gate)
	checkPath(t, entries, s.held(t), 1)
	require.Len(t, doubles(s.held(t)), pageSize)
}
