// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package conformance compares the simulator with an independent client of the API, the official Go SDK. It is a
// separate module with tests only, so that the SDK is not a dependency of the receiver.
package conformance
