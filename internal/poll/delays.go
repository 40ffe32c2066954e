// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/collector/config/configretry"
)

// delays are the waits after failures, growing with each failure in a row. There are three sequences, because a
// call that only an admin can fix need not be retried as often as one that failed with a lost connection.
type delays struct {
	passingB, configB, quotaB *backoff.ExponentialBackOff
	quick                     int // waits that are shorter than initial_interval, from here on
}

// quickTries is how many waits after a success are shorter than initial_interval: an eighth, a quarter and half
// of it.
const quickTries = 3

func newDelays(cfg configretry.BackOffConfig) delays {
	d := delays{
		passingB: NewBackOff(cfg),
		// Often enough to notice a granted scope or a rotated secret soon, and seldom enough to disturb nobody.
		configB: &backoff.ExponentialBackOff{InitialInterval: 10 * time.Second, Multiplier: 2, RandomizationFactor: cfg.RandomizationFactor, MaxInterval: 5 * time.Minute},
		// Failed calls do not count against the quota, but nobody buys quota every minute.
		quotaB: &backoff.ExponentialBackOff{InitialInterval: 10 * time.Second, Multiplier: 3, RandomizationFactor: cfg.RandomizationFactor, MaxInterval: time.Hour},
	}
	d.reset()
	return d
}

// NewBackOff takes over retry_on_failure. If retries are turned off, it always waits for the longest interval: a
// poller that retried at once would be worse.
func NewBackOff(cfg configretry.BackOffConfig) *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     cfg.InitialInterval,
		Multiplier:          cfg.Multiplier,
		RandomizationFactor: cfg.RandomizationFactor,
		MaxInterval:         cfg.MaxInterval,
	}
	if !cfg.Enabled {
		b.InitialInterval = b.MaxInterval
	}
	b.Reset()
	return b
}

// passing is the wait after a temporary failure. After a success the first few waits are only a part of
// initial_interval: single failures, even many, must not slow down reading.
func (d *delays) passing() time.Duration {
	if d.quick > 0 {
		wait := d.passingB.InitialInterval >> d.quick
		d.quick--
		return wait
	}
	return d.passingB.NextBackOff()
}

// shortest is the shortest wait after a failure.
func (d *delays) shortest() time.Duration { return d.passingB.InitialInterval >> quickTries }

// config and quota are the waits after a failure that only a person can fix. The first few after a success are
// short in any case, because the failure may have been chance.
func (d *delays) config() time.Duration { return d.lasting(d.configB) }
func (d *delays) quota() time.Duration  { return d.lasting(d.quotaB) }

// pages is the wait before a walk whose pages did not end: each try costs pages.
func (d *delays) pages() time.Duration { return atMost(d.configB) }

func (d *delays) lasting(b *backoff.ExponentialBackOff) time.Duration {
	if d.quick > 0 {
		return d.passing()
	}
	return atMost(b)
}

// atMost keeps random spread from extending the longest wait: the runbook gives the latest time at which a fix
// is noticed.
func atMost(b *backoff.ExponentialBackOff) time.Duration {
	return min(b.NextBackOff(), b.MaxInterval)
}

// reset starts over after a success.
func (d *delays) reset() {
	d.quick = quickTries
	d.passingB.Reset()
	d.configB.Reset()
	d.quotaB.Reset()
}
