// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package simulator is a fake of the two Feishu Open API endpoints that the receiver calls:
// tenant_access_token/internal and openapi_logs/list_data. Behaviour that the official documentation leaves open
// is a switch in [Options], and each failure is a [Fault].
//
// It has three uses: feishu-audit simulate over HTTP, tests through httptest, and simulations in
// testing/synctest bubbles through [Transport]. For the last one it reads the time only from time.Now, starts no
// goroutine, and never waits while it holds its mutex.
package simulator
