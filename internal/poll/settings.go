// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"time"

	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
)

// Settings are what to read and how: the configuration's keys of the same names.
type Settings struct {
	APIKeys    []string // filter::api_keys
	CallingApp string   // filter::app_id

	PollInterval time.Duration
	// Phase is the moment within the poll interval at which the receiver polls, from 0 to 1: receivers that
	// start together poll at once, and after that at different times.
	Phase float64

	InitialLookback    time.Duration
	StartTime, EndTime time.Time
	RecheckAfter       []time.Duration
	MaxWindow          time.Duration
	PageSize           int
	RequestsPerMinute  int
	MaxConcurrentWalks int
	Retry              configretry.BackOffConfig
}

// Parts are what a poller works with.
type Parts struct {
	Logger  *zap.Logger
	Client  *openapi.Client
	Pace    *pace.Pace
	Clock   *openapi.Clock
	Store   *checkpoint.Store
	Records *record.Builder
	Pipe    *Pipe
	Tel     *report.Telemetry
	Health  *report.Health
	// Remembers receives the calls of the last minute that the storage has.
	Remembers func(pace.Remembered)
	// Tracer and Receiver are for the spans of walks.
	Tracer   trace.Tracer
	Receiver attribute.KeyValue
}
