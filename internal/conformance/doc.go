// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package conformance holds the simulator against an independent client of the
// API, the official Go SDK. It is a module of its own and has tests only, so that
// the SDK is no dependency of the receiver.
package conformance
