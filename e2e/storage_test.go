// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestFullStorage: the storage becomes full during a walk. The collector reports it, delivers nothing after the
// page that it could not commit, and resumes when there is space again: nothing is lost. If the process does not
// end in between, nothing is duplicated; each end repeats that one page. Covers F24, F32.
func TestFullStorage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, folder string)
		fill    func(t *testing.T, s *setup, c *collector)
		free    func(t *testing.T, s *setup, c *collector)
		ends    int // of the process, while the storage is full
	}{
		"no space left": {
			prepare: mountSmall,
			fill:    func(t *testing.T, s *setup, _ *collector) { fillUp(t, s.Storage) },
			free:    func(t *testing.T, s *setup, _ *collector) { require.NoError(t, os.Remove(filler(s.Storage))) },
		},
		"no space left, killed and ended": {
			prepare: mountSmall,
			fill:    func(t *testing.T, s *setup, _ *collector) { fillUp(t, s.Storage) },
			free:    func(t *testing.T, s *setup, _ *collector) { require.NoError(t, os.Remove(filler(s.Storage))) },
			ends:    2,
		},
		"file may not grow": {
			fill: func(t *testing.T, s *setup, c *collector) {
				info, err := os.Stat(s.file())
				require.NoError(t, err)
				limitFiles(t, c.cmd.Process.Pid, uint64(info.Size()))
			},
			free: func(t *testing.T, _ *setup, c *collector) { limitFiles(t, c.cmd.Process.Pid, unlimited) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := simulator.Tenant{Seed: 13, PerSecond: 30, BurstEvery: 5 * time.Second, BurstSize: 1000, Start: time.Now().Unix() - 20}
			a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
			// Ids are remembered for an hour, so the file has to grow.
			s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [2s, 1h]")
			if tc.prepare != nil {
				tc.prepare(t, s.Storage)
			}
			c := s.start(t, b)
			eventually(t, starts, "some pages arrive", func() bool { return b.count() >= 3*pageSize })
			tc.fill(t, s, c)
			// Whichever write comes first: the position, or a call that is to be made.
			c.says(t, "the position cannot be read or written: cannot write", recovers)
			c.says(t, "retrying. Nothing is lost", recovers)
			before := b.count()
			pause(t, 3*time.Second)
			require.Equal(t, before, b.count(), "the next page is not delivered before this one is stored")
			for i := range tc.ends {
				if i%2 == 0 {
					c.kill(t)
				} else {
					c.term(t)
				}
				c = s.start(t, b)
				c.says(t, "retrying. Nothing is lost", recovers)
			}
			tc.free(t, s, c)
			c.says(t, "works again", recovers)
			entries := a.ends(log)
			b.arrivals(t, entries)
			pause(t, 4*time.Second) // records that arrive now would be duplicates
			c.term(t)
			b.check(t, entries, tc.ends)
		})
	}
}

func filler(folder string) string { return filepath.Join(folder, "filler") }

// fillUp leaves no room in the folder's file system.
func fillUp(t *testing.T, folder string) {
	f, err := os.Create(filler(folder))
	require.NoError(t, err)
	defer f.Close()
	for size := 1 << 12; size > 0; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	require.Error(t, err)
}

// TestReadOnlyStorage: the storage's folder cannot be written, from the start or later. The collector waits for
// it, ends at once if asked to, and loses nothing. Covers F22, F32.
func TestReadOnlyStorage(t *testing.T) {
	t.Parallel()
	log := simulator.Tenant{Seed: 14, PerSecond: 10, Start: time.Now().Unix() - 60}
	a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
	s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [2s]")
	lock := func(folder, file os.FileMode) {
		require.NoError(t, os.Chmod(s.Storage, folder))
		if _, err := os.Stat(s.file()); !errors.Is(err, os.ErrNotExist) {
			require.NoError(t, os.Chmod(s.file(), file))
		}
	}
	require.NoError(t, os.Mkdir(s.Storage, 0o700))
	t.Cleanup(func() { lock(0o700, 0o600) })

	waits := func(c *collector) {
		c.says(t, "cannot open the storage", starts)
		c.says(t, "permission denied", time.Second)
		c.says(t, "retrying. Nothing is lost", recovers)
	}
	lock(0o500, 0)
	c := s.startAs(t, b, startBoundByPermissions)
	waits(c)
	require.Zero(t, b.count())
	lock(0o700, 0)
	c.says(t, "works again", recovers)
	eventually(t, starts, "some pages arrive", func() bool { return b.count() >= 3*pageSize })
	c.term(t)

	lock(0o500, 0o400)
	before := b.count()
	c = s.startAs(t, b, startBoundByPermissions)
	waits(c)
	c.term(t)
	c = s.startAs(t, b, startBoundByPermissions)
	waits(c)
	require.Equal(t, before, b.count())
	lock(0o700, 0o600)
	c.says(t, "works again", recovers)
	entries := a.ends(log)
	b.arrivals(t, entries)
	pause(t, 4*time.Second) // records that arrive now would be duplicates
	c.term(t)
	b.check(t, entries, 0)
}

// TestDamagedStorage: the storage's file is damaged, in its structure or in one value. The receiver never starts
// over on its own: it reports what is wrong, in a permanent status if only a restart can fix it, and stops,
// while another receiver of the collector continues. With the file repaired it resumes where it was: nothing is
// lost or duplicated. Covers F31, F32, F38.
func TestDamagedStorage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		damage  func(t *testing.T, path string)
		says    []string
		restart bool // needed to resume
	}{
		"garbage": {
			damage: func(t *testing.T, path string) { overwrite(t, path, 0) },
			says:   []string{"cannot open the storage file_storage (file receiver_feishu_audit_ in its directory): invalid database", "retrying. Nothing is lost"},
		},
		"garbage after a good head": {
			// bbolt's two meta pages are valid, so it reads the others and panics.
			damage:  func(t *testing.T, path string) { overwrite(t, path, 2*os.Getpagesize()) },
			says:    []string{"its file is probably damaged", "put back a good copy", "Other components keep running"},
			restart: true,
		},
		"cut off": {
			damage:  func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, int64(2*os.Getpagesize()+100))) },
			says:    []string{"its file is probably damaged", "Other components keep running"},
			restart: true,
		},
		"position": {
			damage: func(t *testing.T, path string) {
				change(t, path, "position", func(value []byte) []byte { value[len(value)/2] ^= 1; return value })
			},
			says:    []string{`the stored checkpoint cannot be used: key \"position\": damaged`, "to start over", "Other components keep running"},
			restart: true,
		},
		"ids": {
			damage: func(t *testing.T, path string) {
				change(t, path, "seen/0", func(value []byte) []byte { return value[:len(value)/2] })
			},
			says:    []string{`the stored checkpoint cannot be used: key \"seen/0\": damaged`, "Other components keep running"},
			restart: true,
		},
		"ids missing": {
			damage: func(t *testing.T, path string) {
				change(t, path, "seen/1", func([]byte) []byte { return nil })
			},
			says:    []string{`the stored checkpoint cannot be used: key \"seen/1\": damaged: it is missing`, "Other components keep running"},
			restart: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now().Unix() - 60
			log := simulator.Tenant{Seed: 15, PerSecond: 10, Start: start}
			second := simulator.Tenant{Seed: 16, PerSecond: 3, Start: start}
			a, a2 := newAPI(t, simulator.Options{Tenant: log}), newAPI(t, simulator.Options{Tenant: second})
			b := newBackend(t)
			s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [2s, 1h]")
			s.Others = map[string]*other{"second": {Endpoint: "http://" + a2.addr, Extra: []string{"initial_lookback: 10m", "recheck_after: [2s]"}}}
			s.Health = freeAddress(t)
			c := s.start(t, b)
			eventually(t, starts, "some pages arrive", func() bool { return b.count() >= 4*pageSize })
			c.term(t)

			good, err := os.ReadFile(s.file())
			require.NoError(t, err)
			tc.damage(t, s.file())
			count := b.count()
			c = s.start(t, b)
			for _, text := range tc.says {
				c.says(t, text, starts)
			}
			calls := len(a.Calls())
			if tc.restart {
				s.becomes(t, "receiver:feishu_audit", "StatusPermanentError")
				s.becomes(t, "receiver:feishu_audit/second", "StatusOK")
			} else {
				s.becomes(t, "receiver:feishu_audit", "StatusRecoverableError")
			}
			eventually(t, recovers, "the other receiver continues", func() bool { return b.count() >= count+10 })
			require.Len(t, a.Calls(), calls, "calls of the receiver without a position")
			if tc.restart {
				c.term(t)
			}
			// As a copy under another name and a rename: a process that has the bad file open keeps it.
			require.NoError(t, os.WriteFile(s.file()+".good", good, 0o600))
			require.NoError(t, os.Rename(s.file()+".good", s.file()))
			if tc.restart {
				c = s.start(t, b)
			}
			entries := append(a.ends(log), a2.ends(second)...)
			b.arrivals(t, entries)
			pause(t, 4*time.Second) // records that arrive now would be duplicates
			c.term(t)
			b.check(t, entries, 0)
		})
	}
}

// overwrite writes garbage over the file from the offset on.
func overwrite(t *testing.T, path string, from int) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	_, _ = rand.Read(data[from:]) // never fails
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// change changes one value in the storage's file; nil deletes it.
func change(t *testing.T, path, key string, f func(value []byte) []byte) {
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte("default"))
		value := bucket.Get([]byte(key))
		require.NotNil(t, value, "%s is in the storage", key)
		if value = f(append([]byte(nil), value...)); value == nil {
			return bucket.Delete([]byte(key))
		}
		return bucket.Put([]byte(key), value)
	}))
	require.NoError(t, db.Close())
}

var addresses atomic.Int64

// freeAddress is a loopback address where nobody listens now. On Linux it is a different host address, so that
// no connection of another test takes its port meanwhile.
func freeAddress(t *testing.T) string {
	host := "127.0.0.1"
	if runtime.GOOS == "linux" {
		n, pid := addresses.Add(1), os.Getpid()
		host = fmt.Sprintf("127.%d.%d.%d", 64+pid%128, pid/128%256, n%250+1)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", host+":0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
