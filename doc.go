// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package feishuauditreceiver is an OpenTelemetry Collector receiver that reads
// the OpenAPI audit log of a Feishu or Lark tenant and hands every entry to a
// logs pipeline, once.
//
// The way of an entry, from the API to the pipeline:
//
//	factory.go    the component: type, defaults, construction
//	receiver.go   lifecycle: Start, Shutdown, terms of leadership
//	poller.go     the loop: which page to fetch next, hand over, commit
//	position.go   what has been read, and which window to read next
//	client.go     the two calls of the Open API
//	page.go       an answer taken apart; item.go an entry; lenient.go odd types
//	record.go     an entry becomes a log record; body.go its structured body
//	seen.go       the ids already handed over
//	checkpoint.go all of this, remembered across restarts
//
// docs/architecture.md explains why it is built this way.
package feishuauditreceiver

//go:generate make generate
