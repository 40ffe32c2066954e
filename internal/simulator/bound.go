// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"errors"
	"strconv"
	"time"
)

// Bounds are the calls of list_data that a fault applies to. Zero values are no limit; if several are set, all
// must apply.
type Bounds struct {
	// From and To are Unix seconds of event time: a query whose range contains one of them, bounds included. If
	// To is zero, only From counts.
	From, To int64
	// Deeper are the pages of a walk after this many.
	Deeper int
	// Longer are queries of a longer time range than that.
	Longer time.Duration
	// Older are queries that start longer ago than that, by the server's clock.
	Older time.Duration
}

// bind reports whether a call is one of them.
func (b Bounds) bind(a *answer) bool {
	if b == (Bounds{}) {
		return true
	}
	c := &a.call
	from, to := c.StartTime, c.EndTime
	if to == 0 {
		to = a.now.Unix()
	}
	if from == 0 {
		from = to - int64(24*time.Hour/time.Second)
	}
	switch {
	case b.From != 0 && (to < b.From || from > max(b.From, b.To)),
		b.Deeper > 0 && a.page <= b.Deeper,
		b.Longer > 0 && to-from <= int64(b.Longer/time.Second),
		b.Older > 0 && from >= a.now.Add(-b.Older).Unix():
		return false
	}
	return true
}

func (b Bounds) validate() error {
	switch {
	case b.From < 0 || b.To < 0 || b.Deeper < 0 || b.Longer < 0 || b.Older < 0:
		return errors.New("from, to, deeper, longer and older cannot be negative")
	case b.To != 0 && b.To < b.From || b.From == 0 && b.To != 0:
		return errors.New("from and to: a range of seconds starts with from and ends with to")
	}
	return nil
}

// set reads one of them as in ParseFault, and reports whether there is such a key.
func (b *Bounds) set(key, value string) (known bool, err error) {
	switch key {
	case "from":
		b.From, err = strconv.ParseInt(value, 10, 64)
	case "to":
		b.To, err = strconv.ParseInt(value, 10, 64)
	case "deeper":
		b.Deeper, err = strconv.Atoi(value)
	case "longer":
		b.Longer, err = time.ParseDuration(value)
	case "older":
		b.Older, err = time.ParseDuration(value)
	default:
		return false, nil
	}
	return true, err
}

// pageOf is the number of the page that a page token leads to, from 1.
func pageOf(token string) int {
	c, err := unseal(token)
	if err != nil {
		return 1
	}
	return c.Page + 1
}
