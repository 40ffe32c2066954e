// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// Book records one receiver's records in a simulated pipeline, to check the guarantees. It is protected by the
// sink's lock.
type Book struct {
	ReceivedAt map[string]received
	// open are the ids that were accepted since the position was last written: only these may be delivered
	// again, and only if the process ends now.
	open map[string]bool
	// mayRepeat counts, for each id, how often the process died while the id was open.
	mayRepeat map[string]int
	known     map[string]bool
	Again     int      // ids that were delivered again, as allowed
	Wrong     []string // violations
	// Structured is the form of bodies.
	Structured bool
}

// received is a record as it arrived.
type received struct {
	Hash       uint64
	Structured bool // the form of bodies at that time
}

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{ReceivedAt: map[string]received{}, open: map[string]bool{}, mayRepeat: map[string]int{}, known: map[string]bool{}}
}

// Fault notes a violation.
func (b *Book) Fault(format string, args ...any) {
	b.Wrong = append(b.Wrong, fmt.Sprintf(format, args...))
}

// taken notes that the pipeline has accepted an id, or has refused it permanently.
func (b *Book) taken(uid string) {
	switch {
	case !b.known[uid]:
	case b.mayRepeat[uid] > 0:
		b.mayRepeat[uid]--
		b.Again++
	default:
		b.Fault("%s is delivered again, although it was stored when it was delivered before", uid)
	}
	b.known[uid], b.open[uid] = true, true
}

// Committed notes that the position was written.
func (b *Book) Committed() { clear(b.open) }

// Died notes that the process ended without storing what is open. This is at most one page, because nothing more
// is requested until it is stored.
func (b *Book) Died(pageSize int) {
	if len(b.open) > pageSize {
		b.Fault("%d ids are not written down when the process ends, with pages of %d", len(b.open), pageSize)
	}
	for uid := range b.open {
		b.mayRepeat[uid]++
	}
	clear(b.open)
}

// Ended notes that the process was shut down. unwritten reports that the storage refused the last position.
func (b *Book) Ended(pageSize int, unwritten bool) {
	if len(b.open) > 0 && !unwritten {
		b.Fault("a shutdown leaves %d ids that are not written down, with a storage that works", len(b.open))
	}
	b.Died(pageSize)
}

var (
	hashSeed  = maphash.MakeSeed()
	marshaler plog.ProtoMarshaler
)

// recordHash is a hash of everything in a record except when it was observed, including its resource and scope.
func recordHash(rl plog.ResourceLogs, sl plog.ScopeLogs, record plog.LogRecord) uint64 {
	alone := plog.NewLogs()
	resource := alone.ResourceLogs().AppendEmpty()
	rl.Resource().CopyTo(resource.Resource())
	scope := resource.ScopeLogs().AppendEmpty()
	sl.Scope().CopyTo(scope.Scope())
	only := scope.LogRecords().AppendEmpty()
	record.CopyTo(only)
	only.SetObservedTimestamp(0)
	data, err := marshaler.MarshalLogs(alone)
	if err != nil {
		panic(err)
	}
	return maphash.Bytes(hashSeed, data)
}

func (b *Book) keep(uid string, rl plog.ResourceLogs, sl plog.ScopeLogs, record plog.LogRecord) {
	b.ReceivedAt[uid] = received{recordHash(rl, sl, record), b.Structured}
	// When the page was received: not later than now, and one value per page.
	observed := record.ObservedTimestamp()
	if observed == 0 || observed.AsTime().After(time.Now()) || observed != sl.LogRecords().At(0).ObservedTimestamp() {
		b.Fault("%s was observed at %s", uid, observed)
	}
}

// expectation is the expected result for an entry: its uid, and its record's hash.
type expectation struct{ original, structured *record.Builder }

// Expect returns the expected records for these settings.
func Expect(set record.Settings) *expectation {
	original, structured := set, set
	original.Structured, structured.Structured = false, true
	return &expectation{record.NewBuilder(original), record.NewBuilder(structured)}
}

func (e *expectation) Item(raw *simulator.Entry, numericIDs bool) (*entry.Entry, error) {
	page, err := entry.ParsePage(slices.Concat([]byte(`{"code":0,"data":{"items":[`), []byte(raw.JSON(numericIDs)), []byte(`],"has_more":false}}`)))
	if err != nil {
		return nil, err
	}
	return &page.Entries[0], nil
}

func (e *expectation) Hash(it *entry.Entry, structured bool) uint64 {
	builder := e.original
	if structured {
		builder = e.structured
	}
	logs, _ := builder.Build([]*entry.Entry{it}, time.Now())
	rl := logs.ResourceLogs().At(0)
	sl := rl.ScopeLogs().At(0)
	return recordHash(rl, sl, sl.LogRecords().At(0))
}
