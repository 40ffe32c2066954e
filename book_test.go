// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// book is what a simulated pipeline notes down of one receiver's records, for the
// promises to be checked. The lock is the sink's.
type book struct {
	receivedAt map[string]received
	// open are the ids taken since the position was last written: only these may
	// come again, and only if the process ends now.
	open map[string]bool
	// mayRepeat counts, for each id, the deaths of the process that it was open at.
	mayRepeat map[string]int
	known     map[string]bool
	again     int      // ids that came again, as they may
	wrong     []string // what may not have happened
	// structured is the form of bodies.
	structured bool
}

// received is a record as it came.
type received struct {
	hash       uint64
	structured bool // the form of bodies, then
}

func newBook() *book {
	return &book{receivedAt: map[string]received{}, open: map[string]bool{}, mayRepeat: map[string]int{}, known: map[string]bool{}}
}

func (b *book) fault(format string, args ...any) {
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}

// taken notes that the pipeline has taken an id, or has refused it for good.
func (b *book) taken(uid string) {
	switch {
	case !b.known[uid]:
	case b.mayRepeat[uid] > 0:
		b.mayRepeat[uid]--
		b.again++
	default:
		b.fault("%s comes again, and was written down when it came before", uid)
	}
	b.known[uid], b.open[uid] = true, true
}

// committed notes that the position was written.
func (b *book) committed() { clear(b.open) }

// died notes that the process ended without writing down what is open. A page at most:
// nothing more is asked for until it is written.
func (b *book) died(pageSize int) {
	if len(b.open) > pageSize {
		b.fault("%d ids are not written down when the process ends, with pages of %d", len(b.open), pageSize)
	}
	for uid := range b.open {
		b.mayRepeat[uid]++
	}
	clear(b.open)
}

// ended notes that the process was shut down in order. unwritten tells that the storage
// refused the last position.
func (b *book) ended(pageSize int, unwritten bool) {
	if len(b.open) > 0 && !unwritten {
		b.fault("a shutdown leaves %d ids that are not written down, with a storage that works", len(b.open))
	}
	b.died(pageSize)
}

var (
	hashSeed  = maphash.MakeSeed()
	marshaler plog.ProtoMarshaler
)

// recordHash is that of everything in a record but when it was observed, its resource
// and scope among it.
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

func (b *book) keep(uid string, rl plog.ResourceLogs, sl plog.ScopeLogs, record plog.LogRecord) {
	b.receivedAt[uid] = received{recordHash(rl, sl, record), b.structured}
	// When the page was received: not later than now, and one value a page.
	observed := record.ObservedTimestamp()
	if observed == 0 || observed.AsTime().After(time.Now()) || observed != sl.LogRecords().At(0).ObservedTimestamp() {
		b.fault("%s was observed at %s", uid, observed)
	}
}

// expectation is what should become of an entry: its uid, and its record's hash.
type expectation struct{ original, structured *recordBuilder }

func expect(set recordSettings) *expectation {
	original, structured := set, set
	original.Structured, structured.Structured = false, true
	return &expectation{newRecordBuilder(original), newRecordBuilder(structured)}
}

func (e *expectation) item(entry *simulator.Entry, numericIDs bool) (*item, error) {
	page, err := parsePage(slices.Concat([]byte(`{"code":0,"data":{"items":[`), []byte(entry.JSON(numericIDs)), []byte(`],"has_more":false}}`)))
	if err != nil {
		return nil, err
	}
	return &page.items[0], nil
}

func (e *expectation) hash(it *item, structured bool) uint64 {
	builder := e.original
	if structured {
		builder = e.structured
	}
	logs, _ := builder.build([]*item{it}, time.Now())
	rl := logs.ResourceLogs().At(0)
	sl := rl.ScopeLogs().At(0)
	return recordHash(rl, sl, sl.LogRecords().At(0))
}
