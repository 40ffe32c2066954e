// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"errors"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// backend is the destination of a test's pipeline: it refuses records for given reasons, and counts deliveries.
type backend struct {
	mu      sync.Mutex
	calls   int
	down    error           // the answer to everything; nil: it works
	bad     map[string]bool // records that it never accepts
	most    int             // records that it accepts at once; 0: any number
	tooMany error           // the answer to more
}

func newBackend(w *testbed) *backend {
	b := &backend{bad: map[string]bool{}, tooMany: permanent}
	w.sink.RefuseWith(b.refuse)
	return b
}

var permanent = consumererror.NewPermanent(errors.New("HTTP Status Code 400"))

func (b *backend) refuse(logs plog.Logs) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.down != nil {
		return b.down
	}
	if b.most > 0 && logs.LogRecordCount() > b.most {
		return b.tooMany
	}
	if slices.ContainsFunc(world.UidsIn(logs), func(uid string) bool { return b.bad[uid] }) {
		return permanent
	}
	return nil
}

// says sets the answer to everything.
func (b *backend) says(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = err
}

// takesAll makes it accept every record.
func (b *backend) takesAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bad = nil
}

// took returns the number of deliveries since its last call.
func (b *backend) took() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.calls
	b.calls = 0
	return n
}
