// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	kafkaTopic      = "feishu-audit"
	kafkaPartitions = 12
)

// topic is what a consumer has read from the topic. A topic has no ids: duplicates are stored twice.
type topic struct {
	mu       sync.Mutex
	records  []arrival
	messages []message
	broken   []error
}

// message is what is known about a message of the topic.
type message struct {
	key       string
	partition int32
	apps      map[string]bool // the calling apps of its records
	producer  int64           // -1 if the broker cannot recognise a message that is sent again
}

// consume reads the topic from its start until the test ends.
func (k *topic) consume(t *testing.T, brokers ...string) {
	consumer, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(kafkaTopic),
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
}

func (k *topic) take(r *kgo.Record) {
	logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(r.Value)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.broken = append(k.broken, err)
		return
	}
	m := message{key: string(r.Key), partition: r.Partition, apps: map[string]bool{}, producer: r.ProducerID}
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				// The record's own attributes last: they are the documented ones.
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

func (k *topic) held(*testing.T) []arrival {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]arrival(nil), k.records...)
}

// checkKeys: a message is from an idempotent producer and has the entries of one app; all messages of an app have
// one key, which no other app has, and are in one partition.
func (k *topic) checkKeys(t *testing.T) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	require.Empty(t, k.broken)
	apps := map[string]string{} // by key
	partitions := map[string]int32{}
	keys := map[string]string{} // by app
	for _, m := range k.messages {
		require.NotEmpty(t, m.key)
		require.GreaterOrEqual(t, m.producer, int64(0), "an idempotent producer")
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
