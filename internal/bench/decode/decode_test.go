// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
)

func benchmark(b *testing.B, page benchdata.Page, prepare func([]byte) way) {
	observed := time.Unix(1610613400, 0)
	benchdata.Run(b, page, func(body []byte) func([]byte) (int, error) {
		decode := prepare(body)
		return func(body []byte) (int, error) {
			logs, err := decode(body, observed)
			if err != nil {
				return 0, err
			}
			return logs.LogRecordCount(), nil
		}
	})
}

// way goes from a page to records.
type way func([]byte, time.Time) (plog.Logs, error)

func BenchmarkSDK(b *testing.B) {
	for _, page := range benchdata.Pages() {
		benchmark(b, page, func([]byte) way { return SDK })
	}
}

func BenchmarkStructs(b *testing.B) {
	for _, page := range benchdata.Pages() {
		benchmark(b, page, func([]byte) way { return Structs })
	}
}

// BenchmarkFloor has the floor with each check.
func BenchmarkFloor(b *testing.B) {
	for _, check := range Checks() {
		b.Run(check.Name, func(b *testing.B) {
			for _, page := range benchdata.Pages() {
				benchmark(b, page, func(body []byte) way {
					floor, err := NewFloor(body, check.Valid)
					if err != nil {
						b.Fatal(err)
					}
					return floor.Decode
				})
			}
		})
	}
}

func BenchmarkValid(b *testing.B) {
	for _, check := range Checks() {
		b.Run(check.Name, func(b *testing.B) {
			for _, page := range benchdata.Pages() {
				benchdata.Run(b, page, func([]byte) func([]byte) (int, error) {
					return func(body []byte) (int, error) {
						if !check.Valid(body) {
							return 0, errInvalid
						}
						return len(body), nil
					}
				})
			}
		})
	}
}
