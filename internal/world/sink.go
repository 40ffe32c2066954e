// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Sink is a pipeline that remembers what it accepted.
type Sink struct {
	Mu       sync.Mutex
	Accepted map[string]int
	Lost     map[string]int // how often it was refused permanently, alone or with others
	times    map[string]int64
	Arrived  map[string]time.Time
	Refuse   func(logs plog.Logs) error // nil: never
	Mutates  bool
	// Frees empties the records when its call returns, also with an error, like a collector that pools records.
	// The receiver does not know it.
	Frees  bool
	Dead   bool
	Killed chan struct{} // closed when the process is dead

	// Blocks is how long the pipeline takes, and whether it obeys its context meanwhile; nil: no time.
	Blocks func() (takes time.Duration, heeds bool)
	Freed  time.Time // when it last stopped blocking

	// ByIdentity distinguishes records by more than their id, for a log with shared ids: see IdentityOf. Nothing
	// else changes: a partial failure still names ids.
	ByIdentity bool

	// Book is used in simulations; nil elsewhere.
	Book *Book
}

// NewSink returns a pipeline that accepts everything.
func NewSink() *Sink {
	return &Sink{Accepted: map[string]int{}, Lost: map[string]int{}, times: map[string]int64{}, Arrived: map[string]time.Time{}}
}

// RefuseWith sets what is refused; nil: nothing. Like Got and Refused it may be used while the receiver runs.
func (s *Sink) RefuseWith(refuse func(plog.Logs) error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Refuse = refuse
}

// Got counts, for each id, how often it was accepted.
func (s *Sink) Got() map[string]int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return maps.Clone(s.Accepted)
}

// Refused counts, for each id, how often it was refused permanently, alone or with others.
func (s *Sink) Refused() map[string]int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return maps.Clone(s.Lost)
}

// Capabilities implements consumer.Logs.
func (s *Sink) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: s.Mutates}
}

// ConsumeLogs implements consumer.Logs.
func (s *Sink) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	if err := s.block(ctx); err != nil {
		return err
	}
	if len(UidsIn(logs)) == 0 {
		panic("a delivery without records")
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.Dead {
		return errDead
	}
	var err error
	if s.Refuse != nil {
		err = s.Refuse(logs)
	}
	switch left, partly := leftOf(err); {
	case partly:
		s.take(logs, func(uid string) bool { return !left[uid] })
	case consumererror.IsPermanent(err):
		for _, uid := range UidsIn(logs) {
			s.Lost[uid]++
		}
	case err == nil:
		s.take(logs, func(string) bool { return true })
	}
	if s.Mutates || s.Frees { // as a processor would, whether or not the pipeline after it accepts the records
		logs.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
	}
	return err
}

// leftOf returns the ids that partial failures name, if an error consists of partial failures.
func leftOf(err error) (left map[string]bool, partly bool) {
	left = map[string]bool{}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			of, ok := leftOf(one)
			if !ok {
				return nil, false
			}
			maps.Copy(left, of)
		}
		return left, true
	}
	var part consumererror.Logs
	if !errors.As(err, &part) {
		return nil, false
	}
	for _, uid := range UidsIn(part.Data()) {
		left[uid] = true
	}
	return left, true
}

// UidsIn are the log.record.uid of all records.
func UidsIn(logs plog.Logs) (uids []string) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if uid, ok := record.Attributes().Get("log.record.uid"); ok {
					uids = append(uids, uid.Str())
				}
			}
		}
	}
	return uids
}

// block waits for the time that the pipeline takes.
func (s *Sink) block(ctx context.Context) error {
	if s.Blocks == nil {
		return nil
	}
	takes, heeds := s.Blocks()
	if takes == 0 {
		return nil
	}
	defer func() {
		s.Mu.Lock()
		defer s.Mu.Unlock()
		s.Freed = time.Now()
	}()
	timer := time.NewTimer(takes)
	defer timer.Stop()
	var done <-chan struct{}
	if heeds {
		done = ctx.Done()
	}
	select {
	case <-timer.C:
		return nil
	case <-s.Killed:
		return errDead
	case <-done:
		return ctx.Err()
	}
}

func (s *Sink) take(logs plog.Logs, want func(uid string) bool) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				value, _ := record.Attributes().Get("log.record.uid")
				uid := value.Str()
				if !want(uid) {
					continue
				}
				if s.ByIdentity {
					uid = identityOf(uid, record)
				}
				s.Accepted[uid]++
				s.times[uid] = record.Timestamp().AsTime().Unix()
				if _, ok := s.Arrived[uid]; !ok {
					s.Arrived[uid] = time.Now()
				}
				if s.Book != nil {
					s.Book.taken(uid)
					s.Book.keep(uid, rl, sl, record)
				}
			}
		}
	}
}
