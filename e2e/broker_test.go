// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// broker is Apache Kafka, one node that is broker and controller, fetched by `make kafka`,
// and a consumer of its topic.
type broker struct {
	topic
	javaServer
	addr, properties string
	client           *kgo.Client
	next             syscall.Signal
}

// newBroker starts Kafka and creates the topic with the settings of examples/kafka, or with
// Kafka's own.
func newBroker(t *testing.T, settings bool) *broker {
	k := &broker{javaServer: javaServer{name: "kafka", main: "kafka.Kafka", heap: "384m"}, addr: "127.0.0.1:" + freePort(t), next: syscall.SIGKILL}
	dir := t.TempDir()
	k.properties = filepath.Join(dir, "server.properties")
	controller := "127.0.0.1:" + freePort(t)
	require.NoError(t, os.WriteFile(k.properties, fmt.Appendf(nil, `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%[2]s
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=%[3]s/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
`, k.addr, controller, dir), 0o600))
	format := javaServer{name: "kafka", main: "kafka.tools.StorageTool", heap: "128m"}
	format.run(t, "format", "--cluster-id=ZmVpc2h1LWF1ZGl0LWUyZQ", "--config="+k.properties)
	require.NoError(t, format.cmd.Wait(), "%s", format.out)
	var err error
	k.client, err = kgo.NewClient(kgo.SeedBrokers(k.addr), kgo.MetadataMinAge(100*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(k.client.Close)
	k.up(t)

	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic, wanted.NumPartitions, wanted.ReplicationFactor = kafkaTopic, kafkaPartitions, 1
	if settings {
		for name, value := range topicSettings(t) {
			config := kmsg.NewCreateTopicsRequestTopicConfig()
			config.Name, config.Value = name, &value
			wanted.Configs = append(wanted.Configs, config)
		}
	}
	create := kmsg.NewPtrCreateTopicsRequest()
	create.TimeoutMillis = 30_000
	create.Topics = append(create.Topics, wanted)
	created, err := create.RequestWith(t.Context(), k.client)
	require.NoError(t, err)
	require.Zero(t, created.Topics[0].ErrorCode, "%v", created.Topics[0].ErrorMessage)
	k.consume(t, k.addr)
	return k
}

// topicSettings are those with which the example's compose file creates the topic.
func topicSettings(t *testing.T) map[string]string {
	project, err := loadCompose(t, filepath.Join(examples, "kafka/compose.yaml"), given)
	require.NoError(t, err)
	settings := map[string]string{}
	for _, arg := range project.Services["topic"].Command {
		if setting, found := strings.CutPrefix(arg, "--config="); found {
			name, value, _ := strings.Cut(setting, "=")
			settings[name] = value
		}
	}
	require.Contains(t, settings, "max.message.bytes")
	return settings
}

func (*broker) config() []string { return []string{"kafka/collector.yaml"} }

func (k *broker) env() []string { return []string{"KAFKA_BROKER=" + k.addr} }

func (k *broker) up(t *testing.T) {
	k.run(t, k.properties)
	eventually(t, 5*time.Minute, "Kafka answers", func() bool { return k.client.Ping(t.Context()) == nil })
}

// down kills the broker the first time, and shuts it down the next.
func (k *broker) down(t *testing.T) {
	k.end(t, k.next)
	k.next = syscall.SIGTERM
}

// epochs are the leader epochs of the topic's partitions, added up.
func (k *broker) epochs(t *testing.T) int32 {
	t.Helper()
	request := kmsg.NewPtrMetadataRequest()
	name := kafkaTopic
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(t.Context(), k.client)
	require.NoError(t, err)
	var sum int32
	for _, partition := range answer.Topics[0].Partitions {
		sum += partition.LeaderEpoch
	}
	return sum
}

// TestKafka: through examples/kafka every entry arrives in the topic of a real broker, keyed by the calling app,
// although the broker is killed, shut down, and started again with new leader epochs.
func TestKafka(t *testing.T) {
	t.Parallel()
	k := newBroker(t, true)
	before := k.epochs(t)
	deliver(t, k, false)
	k.checkKeys(t)
	require.Greater(t, k.epochs(t), before, "leader epochs")

	back(t, k)
}

// back reads the topic with a second collector, with the configuration of the example, into VictoriaLogs:
// everything arrives, although VictoriaLogs is down for a while and the collector is killed.
func back(t *testing.T, k *broker) {
	t.Helper()
	v := newVictoriaLogs(t)
	e := &example{
		args: []string{quiet, "--config=" + filepath.Join(examples, "kafka/consumer.yaml")},
		env:  append(v.env(), k.env()...), destination: v, api: &api{},
	}
	sent := k.held(t)
	c := e.start(t)
	eventually(t, starts, "some arrives", func() bool { return len(v.held(t)) > 0 })
	v.down(t)
	pause(t, time.Second)
	c.kill(t)
	c = e.start(t)
	pause(t, 3*time.Second)
	require.True(t, c.alive(), "the collector ended")
	v.up(t)
	e.arrives(t, len(byID(sent)))
	c.term(t)
	var held map[string][]arrival
	eventually(t, recovers, "all of it can be found", func() bool {
		held = byID(v.held(t))
		return len(held) >= len(byID(sent))
	})
	for id, records := range byID(sent) {
		require.NotEmpty(t, held[id], "%s was lost between Kafka and VictoriaLogs", id)
		got := held[id][0]
		require.Equal(t, records[0].body, got.body)
		require.Equal(t, records[0].time, got.time)
		for name, value := range records[0].attributes {
			require.Equal(t, value, got.attributes[name], name)
		}
	}
	note(row{t.Name() + "/back", len(byID(sent)), len(held), 0, 0, len(v.held(t)) - len(held), len(sent)})
}

// TestKafkaTopicTooSmall: a topic with Kafka's own limit for a message, 1 MB, refuses a large entry each time.
// Everything else arrives, the entry is held, and it arrives once the topic's limit is raised. Covers F53.
func TestKafkaTopicTooSmall(t *testing.T) {
	t.Parallel()
	k := newBroker(t, false)
	a, entries := newBacklog(t, 60, 300)
	large := harmless(t, entries)
	large.ID, large.Payload = "large", `{"text":"`+incompressible(2_000_000)+`"}`
	a.Add(large)
	entries = append(entries, large)
	e := newExample(t, a, k)
	c := e.start(t)
	c.says(t, "MESSAGE_TOO_LARGE", recovers)
	e.arrives(t, len(entries)-1)
	require.NotContains(t, byID(e.held(t)), large.ID)
	require.Empty(t, c.lostIDs())

	raise := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, kafkaTopic
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	limit := topicSettings(t)["max.message.bytes"]
	config.Name, config.Value = "max.message.bytes", &limit
	resource.Configs = append(resource.Configs, config)
	raise.Resources = append(raise.Resources, resource)
	raised, err := raise.RequestWith(t.Context(), k.client)
	require.NoError(t, err)
	require.Zero(t, raised.Resources[0].ErrorCode)
	e.arrives(t, len(entries))
	c.term(t)
	require.Empty(t, c.lostIDs())
	checkPath(t, entries, e.held(t), strings.Count(c.out.String(), "Exporting failed"))
}

// TestKafkaPaused: a broker that answers nothing for longer than any time-out of the exporter, from the start or
// with messages in transit, delays entries and loses none.
func TestKafkaPaused(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		name := "with messages on their way"
		if first {
			name = "from the start"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newBroker(t, true)
			a, entries := newBacklog(t, 63, 3000)
			e := newExample(t, a, k)
			if first {
				require.NoError(t, k.cmd.Process.Signal(syscall.SIGSTOP))
			}
			c := e.start(t)
			if !first {
				eventually(t, starts, "some pages arrive", func() bool { return e.found(t) >= pageSize })
				require.NoError(t, k.cmd.Process.Signal(syscall.SIGSTOP))
			}
			c.says(t, "Waiting for longer than expected", recovers)
			pause(t, 5*time.Second)
			require.NoError(t, k.cmd.Process.Signal(syscall.SIGCONT))
			e.arrives(t, len(entries))
			c.term(t)
			require.Empty(t, c.lostIDs())
			checkPath(t, entries, e.held(t), strings.Count(c.out.String(), "Exporting failed"))
		})
	}
}

// incompressible returns a text of this size that cannot be compressed much.
func incompressible(size int) string {
	var text strings.Builder
	for random := rand.New(rand.NewPCG(1, 2)); text.Len() < size; {
		fmt.Fprintf(&text, "%016x", random.Uint64())
	}
	return text.String()
}
