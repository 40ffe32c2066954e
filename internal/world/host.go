// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"net/http"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// StatusHost records the reported statuses.
type StatusHost struct {
	Host
	mu       sync.Mutex
	Statuses []componentstatus.Status
}

// Report implements componentstatus.Reporter.
func (h *StatusHost) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Statuses = append(h.Statuses, event.Status())
}

// Seen returns the statuses so far.
func (h *StatusHost) Seen() []componentstatus.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.Statuses)
}

// Last returns the last status. There has to be one.
func (h *StatusHost) Last() componentstatus.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.Statuses[len(h.Statuses)-1]
}

// Host is a collector with one storage extension.
type Host map[component.ID]component.Component

// GetExtensions implements component.Host.
func (h Host) GetExtensions() map[component.ID]component.Component { return h }

var (
	// DiskID names a world's disk among the extensions.
	DiskID = component.MustNewID("disk")
	// NetworkID names a world's network among the extensions.
	NetworkID = component.MustNewID("network")
)

// Network is a middleware extension that answers calls instead of the network.
type Network struct {
	component.StartFunc
	component.ShutdownFunc
	Wire http.RoundTripper
}

// GetHTTPRoundTripper is the method of a middleware of confighttp.
func (n Network) GetHTTPRoundTripper(http.RoundTripper) (http.RoundTripper, error) {
	return n.Wire, nil
}
