// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math"
	"sync"
	"time"
)

// Registry has the shared pace of each credential.
type Registry struct {
	mu     sync.Mutex
	by     map[paceKey]*Pace
	phases int
}

// Phase returns the moment within its poll interval at which the next receiver polls, from 0 to 1, so that the
// receivers of one collector are spread over it. With the golden ratio each gets into one of the longest gaps
// between the others.
func (s *Registry) Phase() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, phase := math.Modf(float64(s.phases) * (math.Sqrt(5) - 1) / 2)
	s.phases++
	return phase
}

type paceKey struct{ endpoint, appID string }

// Get returns the pace of a credential. The limit applies while no receiver has joined it.
func (s *Registry) Get(endpoint, appID string, limit int) *Pace {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := paceKey{CanonicalEndpoint(endpoint), appID}
	p, ok := s.by[key]
	if !ok {
		p = New(limit)
		if s.by == nil {
			s.by = make(map[paceKey]*Pace)
		}
		s.by[key] = p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alone = limit
	p.adapt(time.Now())
	return p
}
