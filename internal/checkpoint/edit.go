// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"fmt"
	"slices"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// The functions below change a stored position on a person's order, while no receiver uses it.

// Fault reports what is wrong with stored values, as Store.Load would find it; nil if a receiver could resume
// from them.
func Fault(values map[string][]byte) error {
	c, err := Decode(values[KeyPosition])
	if err != nil {
		return fmt.Errorf("key %q: %w", KeyPosition, err)
	}
	for n := c.First; n < c.Next; n++ {
		name := SeenName(n)
		data, ok := values[name]
		if !ok {
			return fmt.Errorf("key %q: %w: it is missing", name, errDamaged)
		}
		if _, err := DecodeKeys(data); err != nil {
			return fmt.Errorf("key %q: %w", name, err)
		}
	}
	return nil
}

// Rewind moves passes that are past a time back to it, and the begin of the timeline with them.
func (c *Checkpoint) Rewind(to int64) {
	for pass := range c.Marks {
		c.Marks[pass] = min(c.Marks[pass], to)
	}
	// A position counts only if it is after the begin of the timeline: at the begin, the configuration would
	// decide again.
	c.Begin = min(c.Begin, to-1)
	if c.Covered != nil && to < c.Covered[1] {
		c.Covered = nil
	}
}

// Skip moves passes that are before a time forward to it.
func (c *Checkpoint) Skip(to int64) {
	for pass := range c.Marks {
		c.Marks[pass] = max(c.Marks[pass], to)
	}
}

// ForgetFrom returns a page of remembered ids without the ids of this minute or later, and how many these are.
func ForgetFrom(page []byte, minute int64) ([]byte, int, error) {
	keys, err := DecodeKeys(page)
	if err != nil {
		return nil, 0, err
	}
	kept := slices.DeleteFunc(slices.Clone(keys), func(k plan.Key) bool { return k.LastMinute() >= minute })
	out := encodeKeys(kept)
	body := out[:len(out)-4]
	body[0] = page[0] // the kind of hash stays the same
	return sealKeys(body), len(keys) - len(kept), nil
}
