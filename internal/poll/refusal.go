// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
)

// isPermanent reports whether trying again is in vain. Where the pipeline branches, as with
// several exporters, the errors of its branches come joined: one that may pass is worth
// a retry, even beside one that is permanent.
func isPermanent(err error) bool {
	if !consumererror.IsPermanent(err) {
		return false
	}
	branches, permanent := joined(err), 0
	for _, branch := range branches {
		if isPermanent(branch) {
			permanent++
		}
	}
	// None: what is permanent is what they are wrapped in.
	return permanent == 0 || permanent == len(branches)
}

// joined are the errors of which err consists, if it wraps several.
func joined(err error) []error {
	for err != nil {
		switch e := err.(type) { //nolint:errorlint // this is the walk that errors.As makes
		case interface{ Unwrap() []error }:
			return e.Unwrap()
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return nil
		}
	}
	return nil
}

// knownRefusals are texts of the collector's own errors that hold nothing of a
// record.
var knownRefusals = []string{
	"data refused due to high memory usage", // memory_limiter
	"sending queue is full",                 // exporterhelper
	"element size too large",
	context.DeadlineExceeded.Error(),
	context.Canceled.Error(),
}

// safeRefusal is an error of the pipeline without what it may quote: backends
// answer with the record that they refuse, and exporters hand that on.
func safeRefusal(err error) error {
	if err == nil {
		return nil
	}
	safe := errors.New("the processor or exporter that refuses them logs why; its error is not repeated here, as it may quote records")
	for _, known := range knownRefusals {
		if strings.Contains(err.Error(), known) {
			safe = errors.New(known)
			break
		}
	}
	if isPermanent(err) {
		safe = consumererror.NewPermanent(safe)
	}
	if consumererror.IsDownstream(err) {
		safe = consumererror.NewDownstream(safe)
	}
	return safe
}

func uidsOf(logs plog.Logs) []string {
	var ids []string
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if uid, ok := record.Attributes().Get("log.record.uid"); ok {
					ids = append(ids, uid.Str())
				}
			}
		}
	}
	return ids
}

// timesOf are the start_time and end_time with which the records can be read again: of
// those whose time could be read, or both zero.
func timesOf(logs plog.Logs) (from, to time.Time) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if record.Timestamp() == 0 {
					continue
				}
				at := record.Timestamp().AsTime()
				if from.IsZero() || at.Before(from) {
					from = at
				}
				to = later(to, at.Add(time.Second))
			}
		}
	}
	return from, to
}
