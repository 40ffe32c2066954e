// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestConsumeContract runs the collector's own check of the contract between a receiver and its pipeline, with a
// pipeline that refuses at random: every entry is accepted exactly once. The check expects that a batch is
// dropped after a permanent refusal, but the receiver splits it (refusals_test.go). So a queue in between drops
// the batch here. Covers F24.
//
// The check refuses half of all batches and waits for 5 s of real time. A batch that it refuses five times in a row is
// split, and each refusal costs 100 ms: with 200 entries that may take longer, so there are several rounds with few.
func TestConsumeContract(t *testing.T) {
	for round := range 5 {
		t.Run(strconv.Itoa(round), checkContract)
	}
}

func checkContract(t *testing.T) {
	t.Parallel()
	generator := &entryGenerator{}
	generator.Stop()
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		generator.server.Load().ServeHTTP(w, r)
	}))
	defer listener.Close()

	cfg := audit.CreateDefaultConfig().(*audit.Config)
	cfg.ClientConfig.Endpoint = listener.URL
	cfg.AppID, cfg.AppSecret = simulator.DefaultAppID, simulator.DefaultAppSecret
	cfg.PollInterval = 10 * time.Millisecond // below the minimum for users: the check waits only for 5 s
	cfg.InitialLookback = time.Minute
	cfg.RequestsPerMinute = 1_000_000
	cfg.RetryOnFailure.InitialInterval = time.Millisecond
	cfg.RetryOnFailure.MaxInterval = 10 * time.Millisecond

	receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
		T:             t,
		Factory:       testIDFactory(),
		Signal:        pipeline.SignalLogs,
		Config:        cfg,
		Generator:     generator,
		GenerateCount: 10,
	})
}

// entryGenerator adds entries to the log.
type entryGenerator struct {
	server atomic.Pointer[simulator.Server]
	n      atomic.Int64
}

func (*entryGenerator) Start() {}

// Stop empties the log, so that the receiver of the next scenario does not find the entries of this one.
func (g *entryGenerator) Stop() { g.server.Store(simulator.New(simulator.Options{})) }

func (g *entryGenerator) Generate() []receivertest.UniqueIDAttrVal {
	id := fmt.Sprintf("entry-%d", g.n.Add(1))
	g.server.Load().Add(simulator.Entry{ID: id, APIKey: "GET/open-apis/im/v1/messages", EventTime: time.Now().Unix(), AppID: "cli_a", Response: `{"code":0}`})
	return []receivertest.UniqueIDAttrVal{receivertest.UniqueIDAttrVal(id)}
}

// testIDFactory adds the attribute that the check looks for to our records.
func testIDFactory() receiver.Factory {
	inner := audit.NewFactory()
	return receiver.NewFactory(metadata.Type, inner.CreateDefaultConfig,
		receiver.WithLogs(func(ctx context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
			marked, err := consumer.NewLogs(func(ctx context.Context, logs plog.Logs) error {
				for _, rl := range logs.ResourceLogs().All() {
					for _, sl := range rl.ScopeLogs().All() {
						for _, record := range sl.LogRecords().All() {
							uid, _ := record.Attributes().Get("log.record.uid")
							record.Attributes().PutStr(receivertest.UniqueIDAttrName, uid.Str())
						}
					}
				}
				err := next.ConsumeLogs(ctx, logs)
				if consumererror.IsPermanent(err) {
					return nil
				}
				return err
			})
			if err != nil {
				return nil, err
			}
			return inner.CreateLogs(ctx, set, cfg, marked)
		}, metadata.LogsStability))
}
