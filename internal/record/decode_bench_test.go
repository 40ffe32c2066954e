// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

func answerOf(entries ...string) []byte { return benchdata.Answer(entries...) }

func entryOf(n int, payload string) string { return benchdata.Entry(n, payload) }

func decode(b *Builder, body []byte, observed time.Time) (records int, err error) {
	p, err := entry.ParsePage(body)
	if err != nil {
		return 0, err
	}
	items := make([]*entry.Entry, len(p.Entries))
	for i := range p.Entries {
		items[i] = &p.Entries[i]
	}
	logs, _ := b.Build(items, observed)
	return logs.LogRecordCount(), nil
}

// BenchmarkDecodePage decodes a page of 100 entries, from the bytes of the answer to finished records, with
// redaction on.
func BenchmarkDecodePage(b *testing.B) {
	builder := NewBuilder(someSettings())
	observed := time.Unix(1610613400, 0)
	for _, page := range append(benchdata.Pages(), benchdata.Sizes()...) {
		benchdata.Run(b, page, func([]byte) func([]byte) (int, error) {
			return func(body []byte) (int, error) { return decode(builder, body, observed) }
		})
	}
}

// pdata itself needs one object for a record, one for its attributes and one for each value. In addition, a
// response in an unusual form is unescaped, and a masked entry gets its own text.
func TestDecodeAllocations(t *testing.T) {
	builder := NewBuilder(someSettings())
	for _, page := range benchdata.Pages() {
		t.Run(page.Name, func(t *testing.T) {
			body := page.Body()
			perEntry := testing.AllocsPerRun(10, func() {
				n, err := decode(builder, body, time.Unix(1610613400, 0))
				require.NoError(t, err)
				require.Equal(t, 100, n)
			}) / 100
			most := 16.8
			if page.Name == "tokens" {
				most = 17.6 // a text of its own, and feishu.redacted
			}
			if page.Name == "tokens" && raceEnabled {
				most *= 2 // redaction's pooled memory is dropped
			}
			require.LessOrEqual(t, perEntry, most)
		})
	}
}
