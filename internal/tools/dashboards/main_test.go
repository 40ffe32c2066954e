// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shipped = "../../../examples/prometheus/dashboard.json"

// TestFolder: every dashboard of a folder is checked, and other JSON is not.
func TestFolder(t *testing.T) {
	folder := t.TempDir()
	if _, _, err := checkAll(folder); err == nil {
		t.Error("a folder without a dashboard is valid")
	}
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"one.json": string(text), "sub/two.json": string(text), "sub/rule.json": `{"title": "a rule"}`} {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	boards, panels, err := checkAll(folder)
	if boards != 2 || panels < 40 || err != nil {
		t.Errorf("%d dashboards, %d panels, %v", boards, panels, err)
	}
	if err := os.WriteFile(filepath.Join(folder, "sub/two.json"), append([]byte{'{'}, text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := checkAll(folder); err == nil || !strings.Contains(err.Error(), "two.json") {
		t.Errorf("%v: does not name the broken file", err)
	}
}

// TestStale: the dashboards of the audit log match the list of panels, and a difference is reported.
func TestStale(t *testing.T) {
	for _, b := range backends {
		if err := generated(b, filepath.Join("../../../examples", b.file), false); err != nil {
			t.Error(err)
		}
		file := filepath.Join(t.TempDir(), "sub", "board.json")
		if err := generated(b, file, true); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check(text); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := generated(b, file, false); err == nil || !strings.Contains(err.Error(), "is stale") {
			t.Errorf("%v: does not say that it is stale", err)
		}
		broken := strings.Replace(string(text), `"queryType"`, `"expression": "x", "queryType"`, 1)
		if _, err := check([]byte(broken)); err == nil {
			t.Errorf("%s: an unknown key of a query is valid", b.name)
		}
	}
}

// TestRefused: one fault anywhere in a valid dashboard is reported, with where it is.
func TestRefused(t *testing.T) {
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]struct{ old, with, says string }{
		"a key of the dashboard":       {`"schemaVersion":`, `"schemaVersions": 1, "schemaVersion":`, "Dashboard: unexpected field 'schemaVersions'"},
		"a key of a row":               {`"gridPos": {`, `"gridPosition": {}, "gridPos": {`, "panels[0].RowPanel: unexpected field 'gridPosition'"},
		"a key of a panel":             {`"type": "stat",`, `"type": "stat", "gridPosition": {},`, "panels[1].Panel: unexpected field 'gridPosition'"},
		"a key of a panel's options":   {`"reduceOptions": {`, `"reduceOption": {}, "reduceOptions": {`, "panels[1].options.Options: unexpected field 'reduceOption'"},
		"a key of a panel's own style": {`"unit": "cps"`, `"unit": "cps", "custom": {"fillOpaque": 1}`, "fieldConfig.defaults.custom.GraphFieldConfig: unexpected field 'fillOpaque'"},
		"a style that is not there":    {`"unit": "none"`, `"unit": "none", "custom": {"fillOpacity": 1}`, `a panel of type "stat" has none`},
		"a key of the fields":          {`"unit": `, `"units": "s", "unit": `, "defaults.FieldConfig: unexpected field 'units'"},
		"a key of a query":             {`"legendFormat": "`, `"legend": "", "legendFormat": "`, "Dataquery: unexpected field 'legend'"},
		"a key of a variable":          {`"includeAll":`, `"includeEach": true, "includeAll":`, "templating.list[1].VariableModel: unexpected field 'includeEach'"},
		"a type of panel":              {`"type": "timeseries"`, `"type": "timeserie"`, `type "timeserie" is not known`},
		"a number for a string":        {`"legendFormat": "`, `"interval": 5, "legendFormat": "`, "targets[0].interval: json: cannot unmarshal number"},
		"a missing key":                {`"schemaVersion": 39,`, ``, "schemaVersion: required field is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(string(text), fault.old, fault.with, 1)
			if broken == string(text) {
				t.Fatalf("the dashboard has no %s", fault.old)
			}
			if _, err := check([]byte(broken)); err == nil || !strings.Contains(err.Error(), fault.says) {
				t.Fatalf("%v: does not say %q", err, fault.says)
			}
		})
	}
	for _, text := range []string{`{"schemaVersion": 41, "panels": []}`, `{`, `[]`} {
		if _, err := check([]byte(text)); err == nil {
			t.Errorf("%s is valid", text)
		}
	}
	elsewhere := strings.ReplaceAll(string(text), `"type": "prometheus"`, `"type": "influx"`)
	if _, err := check([]byte(elsewhere)); err == nil || !strings.Contains(err.Error(), "datasource whose type is not known") {
		t.Errorf("%v: does not say that the datasource is not known", err)
	}
}
