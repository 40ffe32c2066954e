// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/consumer/consumererror"
)

func TestIsPermanent(t *testing.T) {
	passing, permanent := errors.New("503"), consumererror.NewPermanent(errors.New("400"))
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"passing":                   {passing, false},
		"permanent":                 {permanent, true},
		"wrapped":                   {fmt.Errorf("exporter: %w", permanent), true},
		"both":                      {errors.Join(permanent, permanent), true},
		"one of two":                {errors.Join(permanent, passing), false},
		"one of two, wrapped":       {fmt.Errorf("pipeline: %w", errors.Join(passing, permanent)), false},
		"one of three, nested":      {errors.Join(permanent, errors.Join(permanent, passing)), false},
		"all, nested":               {errors.Join(permanent, errors.Join(permanent, permanent)), true},
		"what wraps them says so":   {consumererror.NewPermanent(errors.Join(passing, passing)), true},
		"a single one of a fan-out": {errors.Join(permanent), true},
	} {
		assert.Equal(t, tc.want, isPermanent(tc.err), name)
	}
}
