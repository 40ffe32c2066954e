// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/week"
)

// monitor is a line of detections/opensearch/monitors.ndjson.
type monitor struct {
	Name   string
	Inputs []struct {
		Search struct{ Query map[string]any }
	}
	Triggers []struct {
		Trigger struct {
			Condition map[string]any
		} `json:"bucket_level_trigger"`
	}
}

func monitors(t *testing.T) []monitor {
	text, err := os.ReadFile("../detections/opensearch/monitors.ndjson")
	require.NoError(t, err)
	var all []monitor
	for line := range strings.Lines(string(text)) {
		var m monitor
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		all = append(all, m)
	}
	return all
}

// search is the query that OpenSearch's alerting sends: the monitor's search, with the trigger as a bucket
// selector in it.
func (m *monitor) search(t *testing.T) string {
	condition := m.Triggers[0].Trigger.Condition
	delete(condition, "parent_bucket_path")
	groups := m.Inputs[0].Search.Query["aggregations"].(map[string]any)["groups"].(map[string]any)
	groups["aggregations"].(map[string]any)["trigger"] = map[string]any{"bucket_selector": condition}
	text, err := json.Marshal(m.Inputs[0].Search.Query)
	require.NoError(t, err)
	return string(text)
}

// take sends records to OpenSearch like the collector's exporter.
func (s *openSearch) take(t *testing.T, logs plog.Logs) {
	var bulk bytes.Buffer
	encoder := json.NewEncoder(&bulk)
	resource := logs.ResourceLogs().At(0)
	records := resource.ScopeLogs().At(0).LogRecords()
	for i := range records.Len() {
		r := records.At(i)
		_ = encoder.Encode(map[string]any{"create": map[string]any{}})
		require.NoError(t, encoder.Encode(map[string]any{
			"@timestamp": millis(r.Timestamp()), "observed_timestamp": millis(r.ObservedTimestamp()), "attributes": r.Attributes().AsRaw(),
			"resource": map[string]any{"attributes": resource.Resource().Attributes().AsRaw()}, "body": map[string]any{"text": r.Body().Str()},
		}))
	}
	answer := s.does(t, http.MethodPost, "/"+s.stream()+"/_bulk", bulk.String())
	require.Contains(t, string(answer[:200]), `"errors":false`)
}

func millis(t pcommon.Timestamp) int64 { return t.AsTime().UnixMilli() }

// onOpenSearch runs the searches of detections/opensearch every two hours, which is how far they look back: when
// attacks happen, on the whole of Wednesday, and when the weekly job runs. vmalert runs at the other times, too.
func onOpenSearch(t *testing.T, w *week.Week) names {
	o := newOpenSearch(t)
	s := newShipment(w.Entries, func(logs plog.Logs) { o.take(t, logs) })
	s.until(t, week.Start.Add(-time.Minute)) // otherwise entries that were just read would be new
	all := monitors(t)
	searches := make([]string, len(all))
	for i := range all {
		searches[i] = all[i].search(t)
	}
	named := names{}
	for at := week.Start.Add(2 * time.Hour); !at.After(week.Start.AddDate(0, 0, 7)); at = at.Add(2 * time.Hour) {
		s.until(t, at)
		day, hour := int(at.Sub(week.Start)/(24*time.Hour)), at.Hour()
		if hours := [7][2]int{1: {14, 18}, 2: {0, 24}, 3: {10, 18}, 4: {12, 18}, 5: {-1, -1}, 6: {4, 8}}; day > 6 || day == 0 || hour < hours[day][0] || hour > hours[day][1] {
			continue
		}
		o.does(t, http.MethodPost, "/"+o.stream()+"/_refresh", "")
		moment := at.UTC().Format(time.RFC3339)
		now := strings.NewReplacer(`"now"`, `"`+moment+`"`, `"now-`, `"`+moment+`||-`)
		var body strings.Builder
		for _, search := range searches {
			body.WriteString("{}\n" + now.Replace(search) + "\n")
		}
		var answer struct {
			Responses []struct {
				Error        json.RawMessage
				Aggregations struct {
					Groups struct {
						Buckets []struct{ Key map[string]string }
					}
				}
			}
		}
		require.NoError(t, json.Unmarshal(o.does(t, http.MethodPost, "/"+o.stream()+"/_msearch", body.String()), &answer))
		require.Len(t, answer.Responses, len(all))
		for i, r := range answer.Responses {
			require.Empty(t, string(r.Error), all[i].Name)
			for _, bucket := range r.Aggregations.Groups.Buckets {
				named.add(all[i].Name, subject(map[string]string{
					"feishu_app_id": bucket.Key["app_id"], "client_address": bucket.Key["ip"], "feishu_credential_app_id": bucket.Key["tenant"],
				}))
			}
		}
	}
	return named
}
