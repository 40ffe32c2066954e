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
	b.Run(page.Name, func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(page.Body)))
		observed := time.Unix(1610613400, 0)
		for b.Loop() {
			logs, err := decode(page.Body, observed)
			if err != nil || logs.LogRecordCount() == 0 {
				b.Fatal(err)
			}
		}
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
				b.Run(page.Name, func(b *testing.B) {
					b.SetBytes(int64(len(page.Body)))
					for b.Loop() {
						if !check.Valid(page.Body) {
							b.Fatal("not JSON")
						}
					}
				})
			}
		})
	}
}
