// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/week"
)

// shipment hands a made-up week over in the order in which it arrives, as records that the receiver's own code makes.
type shipment struct {
	entries  []week.Entry
	builders map[string]*record.Builder // by tenant
	send     func(logs plog.Logs)
}

func newShipment(entries []week.Entry, send func(plog.Logs)) *shipment {
	s := &shipment{entries: entries, builders: map[string]*record.Builder{}, send: send}
	for _, tenant := range []string{week.Reader, week.SilentReader} {
		s.builders[tenant] = record.NewBuilder(record.Settings{Endpoint: "https://open.feishu.cn", AppID: tenant, Version: "test", Redact: true})
	}
	return s
}

// until delivers what has arrived by a time, in pages of a hundred, and returns the number of entries.
func (s *shipment) until(t require.TestingT, at time.Time) int {
	n := 0
	for n < len(s.entries) && !s.entries[n].Arrives.After(at) {
		n++
	}
	arrived := s.entries[:n]
	s.entries = s.entries[n:]
	for tenant, builder := range s.builders {
		var page bytes.Buffer
		inPage := 0
		flush := func() {
			if inPage == 0 {
				return
			}
			parsed, err := entry.ParsePage(append(append([]byte(`{"code":0,"data":{"items":[`), page.Bytes()...), "]}}"...))
			require.NoError(t, err)
			require.Len(t, parsed.Entries, inPage)
			items := make([]*entry.Entry, inPage)
			for i := range items {
				items[i] = &parsed.Entries[i]
			}
			logs, _ := builder.Build(items, at)
			s.send(logs)
			page.Reset()
			inPage = 0
		}
		for i := range arrived {
			if arrived[i].Tenant != tenant {
				continue
			}
			if inPage > 0 {
				page.WriteByte(',')
			}
			page.WriteString(arrived[i].JSON(false))
			if inPage++; inPage == 1000 {
				flush()
			}
		}
		flush()
	}
	return n
}

// take sends records to VictoriaLogs as the collector's OTLP exporter does.
func (v *victoriaLogs) take(t *testing.T, logs plog.Logs) {
	body, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	v.post(t, "/insert/opentelemetry/v1/logs", body)
}

func (v *victoriaLogs) post(t *testing.T, path string, body []byte) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+v.addr+path, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode, path)
}
