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
)

// kafka is a broker in this process and a consumer of its topic.
type kafka struct {
	topic
	listener *switched
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
	k.consume(t, cluster.ListenAddrs()...)
	return k
}

func (*kafka) config() []string { return []string{"kafka/collector.yaml"} }

func (k *kafka) env() []string { return []string{"KAFKA_BROKER=" + k.listener.Addr().String()} }

func (k *kafka) up(*testing.T) { k.listener.turn(true) }

func (k *kafka) down(*testing.T) { k.listener.turn(false) }

// switched is a listener that can be down: it then closes its connections and every new one.
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

// TestKafkaDownAtTheEnd: the exporter cannot cancel what it has started to send, so with the broker down the
// collector ends on SIGTERM only once the broker is back. Nothing is duplicated then.
func TestKafkaDownAtTheEnd(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	a, entries := newBacklog(t, 53, 600)
	e := newExample(t, a, k)
	c := e.start(t)
	eventually(t, starts, "some pages arrive", func() bool { return len(e.held(t)) >= 2*pageSize })
	k.down(t)
	pause(t, 2*time.Second)
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	pause(t, 5*time.Second)
	require.True(t, c.alive(), "the documentation says that it waits for the broker")
	k.up(t)
	eventually(t, recovers, "it ends", func() bool { return !c.alive() })
	c = e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	checkPath(t, entries, e.held(t), 0)
}

// TestKafkaTooLarge: a message beyond the exporter's limit is refused each time. Everything else arrives, the
// entry is held, and it arrives once the limit is raised; the accepted records of its page are sent again with
// each try. Covers F53.
func TestKafkaTooLarge(t *testing.T) {
	t.Parallel()
	k := newKafka(t)
	a, entries := newBacklog(t, 59, 300)
	large := harmless(t, entries)
	large.ID, large.Payload = "large", `{"text":"`+strings.Repeat("x", 500_000)+`"}`
	a.Add(large)
	entries = append(entries, large)
	e := newExample(t, a, k)
	args := e.args
	e.args = append(slices.Clone(args), "--set=exporters.kafka.producer.max_message_bytes=400000")
	c := e.start(t)
	c.says(t, "MESSAGE_TOO_LARGE", recovers)
	e.arrives(t, len(entries)-1)
	require.NotContains(t, byID(e.held(t)), large.ID)
	c.term(t)
	require.Empty(t, c.lostIDs())
	before := strings.Count(c.out.String(), "Exporting failed")
	e.args = args
	c = e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	checkPath(t, entries, e.held(t), before)
	require.NotEmpty(t, doubles(e.held(t)), "the documentation says that some are duplicated")
}
