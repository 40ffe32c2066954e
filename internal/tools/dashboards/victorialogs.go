// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
)

// victoriaLogs is the type of the datasource plugin of VictoriaLogs, which Grafana's SDK does not know.
const victoriaLogs = "victoriametrics-logs-datasource"

// logsQuery is a query to it, with the keys of the plugin's src/types.ts, and those that every query may have.
type logsQuery struct {
	RefID      string `json:"refId"`
	Hide       bool   `json:"hide,omitempty"`
	Datasource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	} `json:"datasource"`
	Expr         string `json:"expr"`
	QueryType    string `json:"queryType"`
	LegendFormat string `json:"legendFormat,omitempty"`
	EditorMode   string `json:"editorMode,omitempty"`
	Direction    string `json:"direction,omitempty"`
	MaxLines     int    `json:"maxLines,omitempty"`
	Step         string `json:"step,omitempty"`
}

// DataqueryType implements variants.Dataquery.
func (logsQuery) DataqueryType() string { return victoriaLogs }

// ImplementsDataqueryVariant implements variants.Dataquery.
func (logsQuery) ImplementsDataqueryVariant() {}

// Equals implements variants.Dataquery.
func (q logsQuery) Equals(other variants.Dataquery) bool { return reflect.DeepEqual(q, other) }

// Validate implements variants.Dataquery.
func (q logsQuery) Validate() error {
	switch {
	case q.RefID == "" || q.Expr == "":
		return fmt.Errorf("a query to %s without refId or expr", victoriaLogs)
	case !slices.Contains([]string{"instant", "stats", "statsRange", "hits"}, q.QueryType):
		return fmt.Errorf("queryType %q is not one of %s", q.QueryType, victoriaLogs)
	}
	return nil
}

func readLogsQuery(raw []byte) (variants.Dataquery, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var q logsQuery
	if err := decoder.Decode(&q); err != nil {
		return nil, err
	}
	return q, q.Validate()
}

func init() {
	cog.NewRuntime().RegisterDataqueryVariant(variants.DataqueryConfig{Identifier: victoriaLogs, DataqueryUnmarshaler: readLogsQuery, StrictDataqueryUnmarshaler: readLogsQuery})
}
