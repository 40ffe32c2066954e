// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	kafkaTopic      = "feishu-audit"
	kafkaPartitions = 12
)

// kafka is a broker in this process and a consumer of its topic. A log has no ids:
// what comes twice, it has twice.
type kafka struct {
	listener *switched

	mu       sync.Mutex
	records  []arrival
	messages []message
	broken   []error
}

// message is what is known of a message of the topic.
type message struct {
	key       string
	partition int32
	apps      map[string]bool // the calling apps of its records
}

func newKafka(t *testing.T) *kafka {
	k := &kafka{}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.SeedTopics(kafkaPartitions, kafkaTopic),
		kfake.ListenFn(func(network, address string) (net.Listener, error) {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
			k.listener = &switched{Listener: l}
			return k.listener, err
		}))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	consumer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics(kafkaTopic),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 100 * time.Millisecond }))
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			fetched := consumer.PollFetches(t.Context())
			if fetched.IsClientClosed() || t.Context().Err() != nil {
				return
			}
			fetched.EachRecord(k.take)
		}
	}()
	t.Cleanup(func() {
		consumer.Close()
		<-done
	})
	return k
}

func (*kafka) config() []string { return []string{"kafka/collector.yaml"} }

func (k *kafka) env() []string { return []string{"KAFKA_BROKER=" + k.listener.Addr().String()} }

func (k *kafka) up(*testing.T) { k.listener.turn(true) }

func (k *kafka) down(*testing.T) { k.listener.turn(false) }

func (k *kafka) take(r *kgo.Record) {
	logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(r.Value)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.broken = append(k.broken, err)
		return
	}
	m := message{key: string(r.Key), partition: r.Partition, apps: map[string]bool{}}
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				// The record's own attributes last: they are what the documentation promises.
				attributes := texts(texts(map[string]string{}, rl.Resource().Attributes()), record.Attributes())
				app, _ := record.Attributes().Get("feishu.app.id")
				m.apps[app.AsString()] = true
				k.records = append(k.records, arrival{
					uid: attributes["log.record.uid"], time: int64(record.Timestamp()), body: record.Body().AsString(), attributes: attributes,
				})
			}
		}
	}
	k.messages = append(k.messages, m)
}

func (k *kafka) held(*testing.T) []arrival {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]arrival(nil), k.records...)
}

// switched is a listener that can be away: it closes its connections and every new
// one.
type switched struct {
	net.Listener
	mu    sync.Mutex
	away  bool
	conns []net.Conn
}

func (s *switched) Accept() (net.Conn, error) {
	for {
		conn, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		away := s.away
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		if !away {
			return conn, nil
		}
		_ = conn.Close()
	}
}

func (s *switched) turn(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = !up
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
}

// TestKafka: through examples/kafka every entry arrives in the topic. A message holds
// the entries of one app; all messages of an app have one key, which is that app's
// alone, and lie in one partition.
func TestKafka(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	deliver(t, k, false)
	require.Empty(t, k.broken)
	apps := map[string]string{} // by key
	partitions := map[string]int32{}
	keys := map[string]string{} // by app
	for _, m := range k.messages {
		require.NotEmpty(t, m.key)
		require.Len(t, m.apps, 1, "apps in one message")
		for app := range m.apps {
			require.NotEmpty(t, app)
			if _, known := apps[m.key]; !known {
				apps[m.key], partitions[m.key] = app, m.partition
			}
			require.Equal(t, apps[m.key], app, "a key stands for one app")
			require.Equal(t, partitions[m.key], m.partition, "the partition of a key")
			if keys[app] == "" {
				keys[app] = m.key
			}
			require.Equal(t, keys[app], m.key, "an app has one key")
		}
	}
	callers := map[string]bool{}
	for _, r := range k.records {
		callers[r.attributes["feishu.app.id"]] = true
	}
	require.Greater(t, len(callers), 1, "apps in the log")
	require.Len(t, apps, len(callers), "keys")
}

// TestKafkaAwayAtTheEnd: what the exporter has begun to send, it cannot take back, so
// that with the broker away the collector ends on SIGTERM only once the broker is
// back. Nothing comes twice then.
func TestKafkaAwayAtTheEnd(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	a, entries := newBacklog(t, 53, 600)
	e := newExample(t, a, k)
	c := e.start(t)
	eventually(t, time.Minute, "some pages arrive", func() bool { return len(e.held(t)) >= 2*pageSize })
	k.down(t)
	pause(t, 2*time.Second)
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	pause(t, 5*time.Second)
	require.True(t, c.alive(), "the documentation says that it waits for the broker")
	k.up(t)
	eventually(t, endsWithin, "it ends", func() bool { return !c.alive() })
	c = e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	checkPath(t, entries, e.held(t), 0)
}

// TestKafkaTooLarge: a message beyond the limit stops the log where it is. Nothing is
// lost, the receiver says so, and once the limit is raised everything arrives; what
// was taken of its page comes again with each try.
func TestKafkaTooLarge(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	a, entries := newBacklog(t, 59, 300)
	large := entries[150]
	large.ID, large.Payload = "large", `{"text":"`+strings.Repeat("x", 500_000)+`"}`
	a.Add(large)
	entries = append(entries, large)
	e := newExample(t, a, k)
	args := e.args
	e.args = append(slices.Clone(args), "--set=exporters.kafka.producer.max_message_bytes=400000")
	c := e.start(t)
	c.says(t, "MESSAGE_TOO_LARGE", time.Minute)
	c.says(t, "the pipeline does not take records", time.Minute)
	tries := func() int { return strings.Count(c.out.String(), "Exporting failed") }
	eventually(t, time.Minute, "it is tried again", func() bool { return tries() >= 2 })
	c.term(t)
	require.Less(t, len(byID(e.held(t))), 2*pageSize+1, "nothing goes on")
	require.Empty(t, c.lostIDs())
	before := tries()
	e.args = args
	c = e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	checkPath(t, entries, e.held(t), before)
	require.NotEmpty(t, doubles(e.held(t)), "the documentation says that some come again")
}
