// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server counts calls like a real one, and states the limit that the test sets.
type server struct {
	limit         int
	fixed         bool
	names         func(s *server) int // the limit in a refusal; nil: none
	hints         bool                // how long to wait
	others        int                 // calls a minute of another program
	allowed       []time.Time
	minute        time.Time
	inMinute      int
	taken, denied int
}

func (s *server) call() (ok bool, wait time.Duration) {
	now := time.Now()
	for len(s.allowed) > 0 && now.Sub(s.allowed[0]) >= time.Minute {
		s.allowed = s.allowed[1:]
	}
	if m := now.Truncate(time.Minute); !m.Equal(s.minute) {
		s.minute, s.inMinute = m, 0
	}
	room := s.limit - s.others
	switch {
	case s.fixed && s.inMinute >= room:
		wait = s.minute.Add(time.Minute).Sub(now)
	case !s.fixed && len(s.allowed) >= room:
		wait = s.allowed[len(s.allowed)-room].Add(time.Minute).Sub(now)
	}
	if wait > 0 {
		s.denied++
		return false, wait
	}
	s.inMinute++
	s.taken++
	s.allowed = append(s.allowed, now)
	return true, 0
}

// drive makes calls as often as the pace allows, for this long.
func (s *server) drive(t *testing.T, p *Pace, lasts time.Duration) (taken, denied int) {
	t.Helper()
	s.taken, s.denied = 0, 0
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	for {
		answered, err := p.Wait(ctx, 0)
		if err != nil {
			return s.taken, s.denied
		}
		time.Sleep(50 * time.Millisecond)
		ok, wait := s.call()
		answered()
		named := 0
		if s.names != nil {
			named = s.names(s)
		}
		if ok {
			p.Allowed(0)
			continue
		}
		if wait = max(wait, time.Second).Round(time.Second); !s.hints {
			wait = 10 * time.Second // as after any failure
		}
		p.Pause(wait)
		p.Refused(50*time.Millisecond, named)
	}
}

func named(s *server) int { return s.limit }

// TestLearnsWhatTheServerAllows: however the server counts and whatever it states, there are hardly any
// refusals, the allowed calls are used, and so are more calls once it allows more. Covers F50.
func TestLearnsWhatTheServerAllows(t *testing.T) {
	for name, s := range map[string]server{
		"named, sliding":        {limit: 30, names: named, hints: true},
		"named, fixed":          {limit: 30, names: named, hints: true, fixed: true},
		"silent, sliding":       {limit: 30, hints: true},
		"silent, fixed":         {limit: 30, hints: true, fixed: true},
		"mute, sliding":         {limit: 30},
		"mute, fixed":           {limit: 30, fixed: true},
		"hardly anything":       {limit: 3, hints: true},
		"almost all":            {limit: 90, hints: true},
		"shared with a program": {limit: 100, others: 60, names: named, hints: true},
		"named, another window": {limit: 60, names: func(*server) int { return 1 }, hints: true},
		"named, nonsense":       {limit: 30, names: func(*server) int { return 1 << 40 }, hints: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(100)
				room := s.limit - s.others
				_, denied := s.drive(t, p, 15*time.Minute)
				assert.LessOrEqual(t, denied, 15, "until it is learned")
				taken, denied := s.drive(t, p, 3*time.Hour)
				t.Logf("%d taken, %d denied, of %d; now %d a minute", taken, denied, 180*room, p.Present())
				assert.LessOrEqual(t, denied, 75, "a try now and then whether more is allowed")
				assert.GreaterOrEqual(t, taken, 180*room*85/100)
				s.limit, s.others = 100, 0
				s.drive(t, p, 25*time.Minute)
				assert.GreaterOrEqual(t, p.Present(), 95, "the server allows more again")
				taken, denied = s.drive(t, p, time.Hour)
				assert.GreaterOrEqual(t, taken, 5800)
				assert.Zero(t, denied)
			})
		})
	}
}

// TestRefusalsWithoutReason: chance refusals, which no limit explains, do not slow reading down for long,
// however many there are and whatever hints they have. Covers F50.
func TestRefusalsWithoutReason(t *testing.T) {
	for _, tc := range []struct {
		oneIn int
		wait  time.Duration
	}{{30, 5 * time.Second}, {3, time.Second}, {3, 5 * time.Second}, {3, 30 * time.Second}} {
		for seed := range uint64(16) {
			t.Run(fmt.Sprintf("one in %d, %s, %d", tc.oneIn, tc.wait, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, rng := New(100), rand.New(rand.NewPCG(seed, 1))
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					slow, calls := 0, 0
					for {
						answered, err := p.Wait(ctx, 0)
						if err != nil {
							break
						}
						time.Sleep(200 * time.Millisecond)
						answered()
						if rng.IntN(tc.oneIn) == 0 {
							p.Pause(tc.wait)
							p.Refused(200*time.Millisecond, 100)
						} else {
							p.Allowed(0)
						}
						if calls++; p.Present() < 50 {
							slow++
						}
					}
					t.Logf("%d of %d calls below half of the pace, %d at the end", slow, calls, p.Present())
					assert.LessOrEqual(t, 6*slow, calls)
					for range 100 { // two minutes without refusals
						time.Sleep(1200 * time.Millisecond)
						p.Allowed(0)
					}
					assert.Equal(t, 100, p.Present())
				})
			})
		}
	}
}

// TestLimitOnSuccess: a limit that the server states with every answer applies at once, up and down. Covers F50.
func TestLimitOnSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(100)
		p.Allowed(40)
		assert.Equal(t, 40, p.Present())
		p.Allowed(20)
		assert.Equal(t, 20, p.Present())
		p.Allowed(70)
		assert.Equal(t, 70, p.Present())
		p.Allowed(1000)
		assert.Equal(t, 100, p.Present(), "never more than is configured")
		time.Sleep(time.Hour)
		for range 50 {
			p.Allowed(0)
		}
		p.Allowed(5)
		assert.Equal(t, 100, p.Present(), "fifty were allowed within a minute: that is no limit for one")
	})
}

// TestLearnedIsRemembered: after a restart the calls that were refused before are not made again. Covers F50.
func TestLearnedIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(100)
		p.Allowed(40)
		after := New(100)
		after.restore(p.Recent())
		assert.Equal(t, 40, after.Present())
		time.Sleep(time.Hour)
		assert.Equal(t, 100, after.Present())
		after.restore(Remembered{Limit: 1 << 30})
		assert.Equal(t, 100, after.Present())
	})
}

// TestUrgentBehindAnotherReceiver: an urgent call does not wait for an ordinary one of another receiver, which
// waits at most a minute longer. Covers F68, F14.
func TestUrgentBehindAnotherReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(100)
		for range 10 {
			answered, err := p.Wait(t.Context(), 0)
			require.NoError(t, err)
			answered()
		}
		began := time.Now()
		ordinary := make(chan time.Duration, 1)
		go func() {
			_, _ = p.Wait(context.Background(), 0)
			ordinary <- time.Since(began)
		}()
		synctest.Wait()
		for range 50 {
			answered, err := p.Wait(t.Context(), 1)
			require.NoError(t, err)
			answered()
		}
		assert.Zero(t, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		for {
			answered, err := p.Wait(ctx, 1)
			if err != nil {
				break
			}
			answered()
		}
		assert.LessOrEqual(t, <-ordinary, 2*time.Minute)
	})
}

// TestCallsInARow: if pages have to follow each other faster than the pace, the first one waits until the others
// need not wait. More calls than the limit are never possible. Covers F14, F47.
func TestCallsInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(10)
		call := func(inARow int) {
			answered, err := p.Wait(t.Context(), inARow)
			require.NoError(t, err)
			answered()
		}
		for range 20 {
			call(0)
		}
		call(4)
		began := time.Now()
		for range 3 {
			call(1)
		}
		assert.Zero(t, time.Since(began))
		call(1)
		assert.NotZero(t, time.Since(began))
		began = time.Now()
		call(1000)
		assert.LessOrEqual(t, time.Since(began), paceWindow)
		began = time.Now()
		for range 9 {
			call(1)
		}
		assert.Zero(t, time.Since(began))
	})
}

// TestOwnCallsAreLoadedOnce: stored calls of this process are known, and calls of one process in two storages
// are counted once. Covers F68, F17.
func TestOwnCallsAreLoadedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour)
		p := New(20)
		for range 10 {
			answered, err := p.Wait(t.Context(), 1)
			require.NoError(t, err)
			answered()
		}
		stored := p.Recent()
		p.Begins()(stored) // another term of this process
		p.Settle(time.Time{}, time.Now(), time.Now())
		began := time.Now()
		for range 10 {
			_, err := p.Wait(t.Context(), 1)
			require.NoError(t, err)
		}
		assert.Zero(t, time.Since(began))

		next := New(20)
		next.Begins()(stored)
		next.Begins()(stored) // of the receiver beside it
		for range 10 {
			_, err := next.Wait(t.Context(), 1)
			require.NoError(t, err)
		}
		assert.Zero(t, time.Since(began))
		_, err := next.Wait(t.Context(), 1)
		require.NoError(t, err)
		assert.Positive(t, time.Since(began), "what the process before has used counts")
	})
}

// TestOneRefusalThatNamesTheLimit: the number is believed at once. Covers F50.
func TestOneRefusalThatNamesTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(100)
		for range 20 {
			p.Allowed(0)
		}
		p.Refused(0, 30)
		assert.Equal(t, 30, p.Present())
	})
}
