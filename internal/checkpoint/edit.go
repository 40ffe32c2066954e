// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"fmt"
	"slices"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// What follows changes a stored position on a person's order, while no receiver uses it.

// Fault reports what is wrong with stored values, as Store.Load would find it; nil where a
// receiver could go on from them.
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

// Rewind moves the passes back to a time, where they are beyond it, and the beginning of the
// timeline with them.
func (c *Checkpoint) Rewind(to int64) {
	for pass := range c.Marks {
		c.Marks[pass] = min(c.Marks[pass], to)
	}
	// A position is one only if it is not where the timeline begins: there the configuration
	// would decide again.
	c.Begin = min(c.Begin, to-1)
	if c.Covered != nil && to < c.Covered[1] {
		c.Covered = nil
	}
}

// Skip moves the passes forward to a time, where they are before it.
func (c *Checkpoint) Skip(to int64) {
	for pass := range c.Marks {
		c.Marks[pass] = max(c.Marks[pass], to)
	}
}

// ForgetFrom returns a page of remembered ids without those of a minute or later, and how
// many these are.
func ForgetFrom(page []byte, minute int64) ([]byte, int, error) {
	keys, err := DecodeKeys(page)
	if err != nil {
		return nil, 0, err
	}
	kept := slices.DeleteFunc(slices.Clone(keys), func(k plan.Key) bool { return k.LastMinute() >= minute })
	out := encodeKeys(kept)
	body := out[:len(out)-4]
	body[0] = page[0] // what the hashes are of does not change
	return sealKeys(body), len(keys) - len(kept), nil
}
