// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"

	"go.opentelemetry.io/collector/component"
)

// Elector behaves like the extension: it calls back one at a time.
type Elector struct {
	component.StartFunc
	component.ShutdownFunc
	OnStart func(context.Context)
	OnStop  func()
}

// SetCallBackFuncs is the method of the k8s_leader_elector extension.
func (e *Elector) SetCallBackFuncs(onStart func(context.Context), onStop func()) {
	e.OnStart, e.OnStop = onStart, onStop
}
