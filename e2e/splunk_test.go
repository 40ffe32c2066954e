// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net"
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

// splunk is an HTTP Event Collector: the collector's own receiver for its protocol. It
// has no ids: what comes twice, it has twice.
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

// TestSplunk: through examples/splunk every entry becomes an event with the time, the
// index, the source and the sourcetype that the documentation says.
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
}

// TestSplunkRepeats: a page that comes again is there twice, with the same
// log.record.uid, by which a search removes it.
func TestSplunkRepeats(t *testing.T) {
	t.Parallel()
	s := newSplunk(t)
	entries, _ := repeat(t, s, &s.gate)
	checkPath(t, entries, s.held(t), 1)
	require.Len(t, doubles(s.held(t)), pageSize)
}
