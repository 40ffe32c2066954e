// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/handover"
)

// answer returns the pipeline's answer for each of the entries that were delivered to it.
//
// A partial failure names the records that are left. It may show them as the exporter saw them, changed by
// processors, and with other records that an exporter has put into the same batch. So it is only used to find
// out which of our entries are left: these are delivered again unchanged. If the pipeline branches, for example
// to several exporters, an entry is left if any branch leaves it, and may be retried if any branch allows it.
func (p *Pipe) answer(err error, items []*entry.Entry) func(i int) handover.Class {
	classes := make([]handover.Class, len(items))
	if err != nil {
		p.judge(err, items, classes)
	}
	return func(i int) handover.Class { return classes[i] }
}

func (p *Pipe) judge(err error, items []*entry.Entry, classes []handover.Class) {
	part, branches := outermost(err)
	if part == nil && len(branches) > 0 && !permanentItself(err) {
		for _, branch := range branches {
			if branch != nil {
				p.judge(branch, items, classes)
			}
		}
		return
	}
	left := func(*entry.Entry) bool { return true }
	if part != nil && !p.pools {
		left = leftOf(part.Data(), items)
	}
	class := handover.Retry
	switch {
	case isPermanent(err):
		class = handover.Permanent
	case tooLarge(err) && len(items) > 1:
		class = handover.Permanent // smaller batches may be accepted
	case tooLarge(err):
		class = handover.TooLarge
	}
	for i, it := range items {
		if left(it) {
			classes[i] = max(classes[i], class)
		}
	}
}

// outermost returns the first partial failure in an error, or the errors that are joined in it, whichever comes
// first. Errors joined inside a partial failure are its reason.
func outermost(err error) (part *consumererror.Logs, branches []error) {
	for err != nil {
		switch e := err.(type) { //nolint:errorlint // this is the walk that errors.As makes
		case consumererror.Logs:
			return &e, nil
		case interface{ Unwrap() []error }:
			return nil, e.Unwrap()
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return nil, nil
		}
	}
	return nil, nil
}

// leftOf returns which entries are left according to a partial failure. If that cannot be found out, for example
// after a processor that changes ids, all are: twice is better than never.
func leftOf(data plog.Logs, items []*entry.Entry) func(it *entry.Entry) bool {
	ours := make(map[string]int, len(items))
	for _, it := range items {
		ours[it.UID()]++
	}
	named, matched, nameless := make(map[string]int), 0, 0
	for _, rl := range data.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				value, ok := record.Attributes().Get("log.record.uid")
				if !ok {
					if mayBeOurs(record) {
						nameless++
					}
					continue
				}
				if uid := value.AsString(); ours[uid] > 0 {
					named[uid]++
					matched++
				}
			}
		}
	}
	if matched == 0 || nameless > 0 {
		return func(*entry.Entry) bool { return true }
	}
	return func(it *entry.Entry) bool { return named[it.UID()] > 0 }
}

// mayBeOurs reports whether a record without an id has the form of ours, so that a processor may have removed
// the id.
func mayBeOurs(record plog.LogRecord) bool {
	if record.EventName() == "feishu.openapi.call" {
		return true
	}
	_, ok := record.Attributes().Get("feishu.api_key")
	return ok
}

// poolsRecords reports whether the collector frees records for reuse when a call of the pipeline returns: the
// records of a partial failure may be among them, and are then not read.
func poolsRecords() (pools bool) {
	featuregate.GlobalRegistry().VisitAll(func(gate *featuregate.Gate) {
		if gate.ID() == "pdata.useProtoPooling" {
			pools = gate.IsEnabled()
		}
	})
	return pools
}

// isPermanent reports whether a retry cannot help. If the pipeline branches, for example to several exporters,
// the errors of its branches are joined: if one is temporary, a retry is worthwhile, even if another one is
// permanent.
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
	// None: the error that wraps them is the permanent one.
	return permanent == 0 || permanent == len(branches)
}

// permanentItself reports whether the error itself is marked permanent, whatever is joined in it.
func permanentItself(err error) bool {
	if !consumererror.IsPermanent(err) {
		return false
	}
	return !slices.ContainsFunc(joined(err), consumererror.IsPermanent)
}

// joined returns the errors that an error wraps, if there are several.
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

// sizeRefusals are texts of refusals that are about the size of a batch but not marked permanent, although the
// same batch can never be accepted.
var sizeRefusals = []string{
	"element size too large",  // exporterhelper: larger than its queue
	"message larger than max", // grpc, of either side
	"MESSAGE_TOO_LARGE",       // kafka, by franz-go
	"Message was too large",   // kafka, by sarama
}

// tooLarge reports whether a refusal is about the size of the batch. Without it, smaller batches would be tried
// anyway, only later.
func tooLarge(err error) bool {
	text := err.Error()
	for _, known := range sizeRefusals {
		if strings.Contains(text, known) {
			return true
		}
	}
	return false
}

// knownRefusals are texts of the collector's own errors, which have no contents of a record.
var knownRefusals = []string{
	"data refused due to high memory usage", // memory_limiter
	"sending queue is full",                 // exporterhelper
	context.DeadlineExceeded.Error(),
	context.Canceled.Error(),
}

// httpStatus and grpcCode find the status of the answer in an exporter's error.
var (
	httpStatus = regexp.MustCompile(`(?i)\b(?:HTTP(?:/[0-9.]+)?(?: "[^"]{0,200}")?|status)(?: status)?(?: code)?[ :="]{1,3}([45][0-9]{2})\b`)
	grpcCode   = regexp.MustCompile(`\bcode = ([A-Z][A-Za-z]{1,30})\b`)
)

// safeRefusal is an error of the pipeline without what it may quote: backends answer with the record that they
// refuse, and exporters pass that on.
func safeRefusal(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	what := "the processor or exporter that refuses them logs why; its error is not repeated here, as it may quote records"
	for _, known := range slices.Concat(knownRefusals, sizeRefusals) {
		if strings.Contains(text, known) {
			what = known
			break
		}
	}
	if found := httpStatus.FindStringSubmatch(text); found != nil {
		what = "HTTP " + found[1] + "; " + what
	} else if found := grpcCode.FindStringSubmatch(text); found != nil {
		what = "gRPC " + found[1] + "; " + what
	}
	safe := errors.New(what)
	if isPermanent(err) {
		safe = consumererror.NewPermanent(safe)
	}
	if consumererror.IsDownstream(err) {
		safe = consumererror.NewDownstream(safe)
	}
	return safe
}
