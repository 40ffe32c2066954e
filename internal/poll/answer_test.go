// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/handover"
)

// TestAnswer: the class of each delivered record, by the pipeline's error. Covers F57.
func TestAnswer(t *testing.T) {
	page, err := entry.ParsePage(benchdata.Answer(`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`, `{"id":"a","event_time":7}`))
	require.NoError(t, err)
	var items []*entry.Entry
	for i := range page.Entries {
		items = append(items, &page.Entries[i])
	}
	named := func(ids ...string) plog.Logs {
		logs := plog.NewLogs()
		records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for _, id := range ids {
			record := records.AppendEmpty()
			if id == "" {
				record.SetEventName("feishu.openapi.call")
			} else {
				record.Attributes().PutStr("log.record.uid", id)
			}
		}
		return logs
	}
	passing, permanent := errors.New("503"), consumererror.NewPermanent(errors.New("400"))
	partly := func(err error, ids ...string) error { return consumererror.NewLogs(err, named(ids...)) }
	for name, tc := range map[string]struct {
		err  error
		want string // of a, b, c and the second a: T taken, R retry, P permanent, L too large
	}{
		"taken":                         {nil, "TTTT"},
		"retryable":                     {passing, "RRRR"},
		"permanent":                     {permanent, "PPPP"},
		"too large":                     {errors.New("element size too large"), "PPPP"},
		"one left":                      {partly(passing, "b"), "TRTT"},
		"one left, permanent":           {partly(permanent, "b"), "TPTT"},
		"one of two with one id":        {partly(passing, "a"), "RTTR"},
		"wrapped":                       {fmt.Errorf("exporter: %w", partly(passing, "c")), "TTRT"},
		"wrapped as permanent":          {consumererror.NewPermanent(partly(passing, "c")), "TTPT"},
		"of several reasons":            {partly(errors.Join(passing, passing), "c"), "TTRT"},
		"of mixed reasons":              {partly(errors.Join(permanent, passing), "c"), "TTRT"},
		"with another's":                {partly(passing, "c", "x"), "TTRT"},
		"another's only":                {partly(passing, "x"), "RRRR"},
		"with one whose id was removed": {partly(passing, "c", ""), "RRRR"},
		"nothing left":                  {partly(passing), "RRRR"},
		"branches":                      {errors.Join(partly(passing, "a"), partly(permanent, "b", "c")), "RPPR"},
		"branches that overlap":         {errors.Join(partly(passing, "b"), partly(permanent, "b", "c")), "TRPT"},
		"branches, one refuses all":     {errors.Join(partly(passing, "b"), permanent), "PRPP"},
		"branches, one may pass":        {errors.Join(permanent, passing), "RRRR"},
		"branches, all permanent":       {errors.Join(permanent, permanent), "PPPP"},
		"permanent around branches":     {consumererror.NewPermanent(errors.Join(passing, passing)), "PPPP"},
	} {
		answer := (&Pipe{}).answer(tc.err, items)
		got := make([]byte, len(items))
		for i := range items {
			got[i] = map[handover.Class]byte{handover.Taken: 'T', handover.Retry: 'R', handover.Permanent: 'P', handover.TooLarge: 'L'}[answer(i)]
		}
		assert.Equal(t, tc.want, string(got), name)
	}

	// A single record.
	big := errors.New("MESSAGE_TOO_LARGE: more than the server accepts")
	for err, want := range map[error]handover.Class{
		big: handover.TooLarge, permanent: handover.Permanent, passing: handover.Retry,
		errors.Join(big, permanent): handover.TooLarge, errors.Join(big, passing): handover.Retry, consumererror.NewPermanent(big): handover.Permanent,
	} {
		assert.Equal(t, want, (&Pipe{}).answer(err, items[:1])(0), err.Error())
	}

	// Freed records are not read.
	answer := (&Pipe{pools: true}).answer(partly(passing, "b"), items)
	for i := range items {
		assert.Equal(t, handover.Retry, answer(i))
	}
}

// TestPooledRecords: whether the collector pools records is read from its feature gate, which has to be the one
// that pdata uses. Covers F58.
func TestPooledRecords(t *testing.T) {
	const gate = "pdata.useProtoPooling"
	assert.False(t, NewPipe(PipeSettings{}).pools)
	require.NoError(t, featuregate.GlobalRegistry().Set(gate, true))
	defer func() { require.NoError(t, featuregate.GlobalRegistry().Set(gate, false)) }()
	assert.True(t, NewPipe(PipeSettings{}).pools)
}

// TestSafeRefusal: an exporter's error is shown with its status, but without anything that it may quote.
func TestSafeRefusal(t *testing.T) {
	for text, want := range map[string]string{
		"error exporting items, request to http://x:4318/v1/logs responded with HTTP Status Code 413":      "HTTP 413; ",
		"rpc error: code = InvalidArgument desc = request to http://x responded with HTTP Status Code 400": "HTTP 400; ",
		`Permanent error: HTTP "/services/collector" 400 "Bad Request"`:                                    "HTTP 400; ",
		`HTTP 400 "Bad Request" {"text":"secret"}`:                                                         "HTTP 400; ",
		"rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs. 4)":      "gRPC ResourceExhausted; message larger than max",
		`body {"id":"e400","secret":"my status 999"} refused`:                                              "",
	} {
		safe := safeRefusal(errors.New(text)).Error()
		if want != "" {
			assert.Contains(t, safe, want, text)
		}
		if !strings.HasSuffix(want, "message larger than max") { // which names the reason
			assert.Contains(t, safe, "the processor or exporter that refuses them logs why", text)
		}
		assert.NotContains(t, safe, "secret")
	}
}
