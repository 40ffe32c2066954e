// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
)

func benchmark(b *testing.B, page benchdata.Page, decode func([]byte, time.Time) (plog.Logs, error)) {
	observed := time.Unix(1610613400, 0)
	benchdata.Run(b, page, func(body []byte) (int, error) {
		logs, err := decode(body, observed)
		if err != nil {
			return 0, err
		}
		return logs.LogRecordCount(), nil
	})
}

func BenchmarkSDK(b *testing.B) {
	for _, page := range benchdata.Pages() {
		benchmark(b, page, SDK)
	}
}

func BenchmarkStructs(b *testing.B) {
	for _, page := range benchdata.Pages() {
		benchmark(b, page, Structs)
	}
}

func BenchmarkFloor(b *testing.B) {
	for _, page := range benchdata.Pages() {
		floor, err := NewFloor(page.Body, Fastest().Valid)
		if err != nil {
			b.Fatal(err)
		}
		benchmark(b, page, floor.Decode)
	}
}

func BenchmarkValid(b *testing.B) {
	for _, check := range Checks() {
		b.Run(check.Name, func(b *testing.B) {
			for _, page := range benchdata.Pages() {
				benchdata.Run(b, page, func(body []byte) (int, error) {
					if !check.Valid(body) {
						return 0, errInvalid
					}
					return len(body), nil
				})
			}
		})
	}
}
