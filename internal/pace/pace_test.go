// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestPaceHolds: however long calls are in transit (up to the allowance), the server never counts more than the
// limit in any 60 s, and the limit is used. Covers F17.
func TestPaceHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 100
		p := New(limit)
		var mu sync.Mutex
		var counted []time.Time
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var group sync.WaitGroup
		for caller := range 8 {
			rng := rand.New(rand.NewPCG(uint64(caller), 1))
			group.Go(func() {
				for {
					answered, err := p.Wait(ctx, 0)
					if err != nil {
						return
					}
					time.Sleep(time.Duration(rng.Int64N(int64(transitAllowance))))
					mu.Lock()
					counted = append(counted, time.Now())
					mu.Unlock()
					time.Sleep(time.Duration(rng.Int64N(int64(2 * time.Second))))
					answered()
				}
			})
		}
		group.Wait()
		assert.LessOrEqual(t, world.MostInAMinute(counted), limit)
		assert.Greater(t, len(counted), limit*60*97/100, "at least 97 % of the ceiling")
	})
}

// TestPaceLeavesNoGap: in a backlog no call waits for most of a minute.
func TestPaceLeavesNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(100)
		last := time.Now()
		for range 500 {
			answered, err := p.Wait(t.Context(), 0)
			require.NoError(t, err)
			p.Recent() // as with a storage
			answered()
			assert.LessOrEqual(t, time.Since(last), 7*time.Second)
			last = time.Now()
		}
	})
}

// TestPaceRemembers: calls of the previous process count, even if it made all of them, and whatever happened to
// one of the clocks since; and no longer than necessary. Covers F17.
func TestPaceRemembers(t *testing.T) {
	for name, tc := range map[string]struct {
		down          time.Duration // between the processes
		ours, servers time.Duration // by how much the clocks were set meanwhile
		mute          bool          // the server does not send its time
		blind         bool          // no clock shows their age, so the calls count as just made
	}{
		"restart":                  {},
		"after a while":            {down: 3 * time.Second},
		"after long":               {down: 2 * time.Minute},
		"ours set back":            {ours: -time.Hour},
		"ours set back a little":   {down: 3 * time.Second, ours: -5 * time.Minute},
		"ours set ahead":           {ours: time.Hour},
		"ours set ahead, a while":  {down: 3 * time.Second, ours: 5 * time.Minute},
		"server's set ahead":       {servers: 5 * time.Minute},
		"server's set back":        {down: 3 * time.Second, servers: -5 * time.Minute},
		"mute":                     {down: 3 * time.Second, mute: true},
		"mute, and ours set back":  {mute: true, ours: -time.Hour, blind: true},
		"both set back":            {servers: -time.Hour, ours: -time.Hour, blind: true},
		"ours set back, long down": {down: time.Hour, ours: -2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				date := func(skew time.Duration) time.Time {
					if tc.mute {
						return time.Time{}
					}
					return time.Now().Add(skew).Truncate(time.Second)
				}
				before := New(10)
				before.Settle(date(7*time.Second), time.Now(), time.Now())
				var times []time.Time
				for range 10 {
					answered, err := before.Wait(t.Context(), 0)
					require.NoError(t, err)
					answered()
					times = append(times, time.Now())
				}
				wait := max(0, times[0].Add(time.Minute).Sub(times[9])-tc.down) + 5*time.Second // of rounding
				if tc.blind {
					wait = paceWindow
				}
				stored := before.Recent()
				// If our clock was set by this much, the stored times are off by as much.
				shifted := Remembered{Seconds: map[int64]int{}, Ahead: stored.Ahead}
				for second, n := range stored.Seconds {
					shifted.Seconds[second-int64(tc.ours.Seconds())] = n
				}
				if stored.Ahead != nil {
					ahead := *stored.Ahead + int64(tc.ours.Seconds())
					shifted.Ahead = &ahead
				}
				time.Sleep(tc.down)
				began := time.Now()
				after := New(10)
				after.restore(Remembered{Seconds: maps.Clone(shifted.Seconds), Ahead: shifted.Ahead})
				after.Settle(date(7*time.Second+tc.servers), time.Now(), time.Now())
				for i := range 10 {
					_, err := after.Wait(t.Context(), 0)
					require.NoError(t, err)
					times = append(times, time.Now())
					if i == 0 {
						assert.LessOrEqual(t, time.Since(began), wait, "no longer than it must")
					}
				}
				assert.LessOrEqual(t, world.MostInAMinute(times), 10)
			})
		})
	}
}

// TestPaceRemembersAFew: earlier calls that do not use up the limit delay nothing. Covers F36.
func TestPaceRemembersAFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, began := New(10), time.Now()
		p.restore(Remembered{Seconds: map[int64]int{began.Unix(): 9}})
		_, err := p.Wait(t.Context(), 0)
		require.NoError(t, err)
		assert.Zero(t, time.Since(began))
	})
}

// TestPaceWaitsForWhoBegins: after a restart no call is made before each receiver has reported which calls it
// remembers, or before those no longer count. Covers F17, F30.
func TestPaceWaitsForWhoBegins(t *testing.T) {
	for name, tc := range map[string]struct {
		says  time.Duration // after so long, or never
		last  int           // calls, five seconds before the restart
		waits time.Duration
	}{
		"remembers calls": {says: 10 * time.Second, last: 10, waits: 55 * time.Second},
		"remembers none":  {says: 10 * time.Second, waits: 10 * time.Second},
		"never says so":   {waits: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Hour)
				p, began := New(10), time.Now()
				p.Begins()(Remembered{})
				remembers := p.Begins()
				if tc.says > 0 {
					time.AfterFunc(tc.says, func() {
						remembers(Remembered{Seconds: map[int64]int{began.Unix() - 5: tc.last}})
						p.Settle(time.Time{}, time.Now(), time.Now())
					})
				}
				_, err := p.Wait(t.Context(), 1)
				require.NoError(t, err)
				assert.Equal(t, tc.waits, time.Since(began))
				for range 5 {
					_, err := p.Wait(t.Context(), 1)
					require.NoError(t, err)
				}
				assert.Equal(t, tc.waits, time.Since(began))
			})
		})
	}
}

func TestPacePauseAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(100)
		p.Pause(17 * time.Second)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := p.Wait(ctx, 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = p.Wait(t.Context(), 0)
		require.NoError(t, err)
		assert.Equal(t, 17*time.Second, time.Since(began))
	})
}

// TestPacesShare: receivers with one credential share a pace, with the smallest limit of the present ones.
// Covers F17, F68.
func TestPacesShare(t *testing.T) {
	var shared Registry
	a := shared.Get("https://a", "cli_1", 100)
	assert.Same(t, a, shared.Get("https://a", "cli_1", 100))
	leaveA := a.Join(100)
	leaveB := a.Join(50)
	leaveC := a.Join(50)
	assert.Equal(t, 50, a.Present())
	leaveB()
	assert.Equal(t, 50, a.Present())
	leaveC()
	assert.Equal(t, 100, a.Present(), "the limit of a receiver that is gone")
	leaveA()
	assert.Same(t, a, shared.Get("https://a", "cli_1", 70))
	assert.Equal(t, 70, a.Present())
	assert.NotSame(t, a, shared.Get("https://a", "cli_2", 100))
	assert.NotSame(t, a, shared.Get("https://b", "cli_1", 100))
}

// TestServersWaitIsNotOurPace: the server's hint to wait is counted once, however often it is sent, and a call
// that waits for it does not wait for our pace.
func TestServersWaitIsNotOurPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(100)
		assert.Equal(t, 20*time.Second, p.Pause(20*time.Second))
		began := time.Now()
		time.Sleep(5 * time.Second)
		assert.Zero(t, p.Pause(10*time.Second))
		assert.Equal(t, 5*time.Second, p.Pause(20*time.Second))
		_, err := p.Wait(t.Context(), 0)
		require.NoError(t, err)
		assert.Equal(t, 25*time.Second, time.Since(began))
		assert.Zero(t, p.Since(began))
		time.Sleep(time.Second)
		assert.Equal(t, time.Second, p.Since(began))
		assert.Equal(t, time.Second, p.Since(time.Now().Add(-time.Second)))
	})
}

// TestCallsAreBounded: a damaged record of calls delays nothing for more than a minute and needs no memory.
func TestCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[int64]int{math.MinInt64: math.MaxInt, math.MaxInt64: math.MaxInt, 0: 5, time.Now().Unix(): math.MaxInt}
		for second := range int64(1000) {
			calls[time.Now().Unix()+second] = math.MaxInt
		}
		p := New(50)
		p.restore(Remembered{Seconds: calls})
		assert.Len(t, p.counted(), 50)
		began := time.Now()
		_, err := p.Wait(t.Context(), 0)
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(began), paceWindow)
	})
}

// FuzzRemembered: remembered calls, of any number and at any time, neither delay calls for more than a minute
// nor need memory.
func FuzzRemembered(f *testing.F) {
	f.Add(int64(946684800), 3, int64(946684801), 1, int64(-3), true)
	f.Add(int64(-1<<32+1), math.MaxInt, int64(1<<32-1), math.MaxInt, int64(1<<32-1), true)
	f.Add(int64(0), 1, int64(5), 1, int64(0), false)
	f.Fuzz(func(t *testing.T, first int64, calls int, second int64, more int, ahead int64, known bool) {
		const most = 1 << 32 // what a checkpoint is read up to
		remembered := Remembered{Seconds: map[int64]int{first % most: max(1, calls), second % most: max(1, more)}}
		if ahead %= most; known {
			remembered.Ahead = &ahead
		}
		for _, date := range []time.Time{{}, time.Now().Add(time.Hour)} {
			p := New(10)
			p.restore(remembered)
			require.LessOrEqual(t, time.Until(p.next(0)), paceWindow)
			p.Settle(date, time.Now(), time.Now())
			require.LessOrEqual(t, len(p.calls), 10)
			require.True(t, slices.IsSortedFunc(p.calls, time.Time.Compare))
			require.LessOrEqual(t, time.Until(p.next(0)), paceWindow)
		}
	})
}
