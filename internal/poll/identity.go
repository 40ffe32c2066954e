// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// noteShared counts a new entry whose id another entry had, and reports the first one of a term. Both are
// delivered; a backend that deduplicates by id may keep only one.
func (p *Poller) noteShared(k plan.Key, it *entry.Entry) {
	if !p.sched.SharesID(k) {
		return
	}
	p.Tel.CountSharedIDs(1)
	if p.told.sharedID {
		return
	}
	p.told.sharedID = true
	p.Logger.Warn("Several entries share an id: all are delivered, but a backend that deduplicates by id keeps one",
		zap.String("id", it.UID()))
}
