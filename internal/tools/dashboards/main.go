// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command dashboards writes the dashboards of the audit log, for Loki and for VictoriaLogs, from one list of
// panels (audit.go), or checks that the files match it. It also checks all Grafana dashboards in a folder by
// Grafana's own types. Errors are an unknown key, a required key that is missing, a value of a wrong type, and a
// panel or a query of a kind whose keys are not known.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	log.SetFlags(0)
	write := flag.Bool("write", false, "write those of the audit log first")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: dashboards [-write] FOLDER")
	}
	folder := flag.Arg(0)
	for _, b := range backends {
		if err := generated(b, filepath.Join(folder, b.file), *write); err != nil {
			log.Fatal(err)
		}
	}
	boards, panels, err := checkAll(folder)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d dashboards with %d panels are valid\n", boards, panels)
}

// generated writes the dashboard of the audit log for a backend. Without write, it fails if the file differs.
func generated(b backend, path string, write bool) error {
	want, err := auditLog(b)
	if err != nil {
		return err
	}
	if write {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, want, 0o644)
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s is stale: run make dashboards", path)
	}
	return nil
}

// checkAll checks the dashboards in a folder, and returns how many dashboards and panels it has checked.
func checkAll(folder string) (boards, panels int, _ error) {
	var errs []error
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var is struct {
			Panels        json.RawMessage `json:"panels"`
			SchemaVersion json.RawMessage `json:"schemaVersion"`
		}
		if json.Unmarshal(text, &is) == nil && is.Panels == nil && is.SchemaVersion == nil {
			return nil // other JSON
		}
		boards++
		n, err := check(text)
		panels += n
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:\n%w", path, err))
		}
		return nil
	})
	if boards == 0 {
		errs = append(errs, errors.New("no dashboard in "+folder))
	}
	return boards, panels, errors.Join(append(errs, err)...)
}

// classic is a dashboard in the schema that every release of Grafana imports.
type classic = dashboard.Dashboard //nolint:staticcheck // the newer schema is not imported by older releases

// check checks one dashboard, and returns how many panels it has checked.
func check(text []byte) (int, error) {
	plugins.RegisterDefaultPlugins()
	if err := faults(new(classic).UnmarshalJSONStrict(text)); err != nil {
		return 0, err
	}
	var board classic // again: read strictly, the SDK leaves the panels out
	if err := json.Unmarshal(text, &board); err != nil {
		return 0, err
	}
	panels, err := inside(text)
	errs := []error{err, board.Validate()}
	if len(panels) == 0 {
		errs = append(errs, errors.New("no panel"))
	}
	for _, raw := range panels {
		var panel dashboard.Panel
		if err := json.Unmarshal(raw, &panel); err != nil {
			errs = append(errs, err)
			continue
		}
		if err := lenient(raw, panel); err != nil {
			errs = append(errs, fmt.Errorf("panel %s: %w", title(panel), err))
		}
	}
	return len(panels), errors.Join(errs...)
}

// faults returns the error of the SDK's strict reading, which returns an empty list of errors if there are none.
func faults(err error) error {
	var list cog.BuildErrors
	if errors.As(err, &list) && len(list) == 0 {
		return nil
	}
	return err
}

// inside are the panels of a dashboard or of a collapsed row, without the rows.
func inside(text []byte) (panels []json.RawMessage, err error) {
	var row struct {
		Panels []json.RawMessage `json:"panels"`
	}
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, err
	}
	for _, raw := range row.Panels {
		var is struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(raw, &is); err != nil {
			return nil, err
		}
		if is.Type != "row" {
			panels = append(panels, raw)
			continue
		}
		more, err := inside(raw)
		if err != nil {
			return nil, err
		}
		panels = append(panels, more...)
	}
	return panels, nil
}

func title(panel dashboard.Panel) string {
	if panel.Title == nil {
		return "without a title"
	}
	return *panel.Title
}

// lenient checks what the SDK's strict reading accepts without checking its keys: options and style of an
// unknown type of panel, queries to an unknown type of datasource, and the settings of fields.
func lenient(raw []byte, panel dashboard.Panel) error {
	kind, found := cog.ConfigForPanelcfgVariant(panel.Type)
	if !found {
		return fmt.Errorf("type %q is not known", panel.Type)
	}
	for _, target := range panel.Targets {
		if _, unknown := target.(variants.UnknownDataquery); unknown {
			return errors.New("a query to a datasource whose type is not known")
		}
	}
	if panel.FieldConfig == nil {
		return nil
	}
	if panel.FieldConfig.Defaults.Custom != nil && kind.StrictFieldConfigUnmarshaler == nil {
		return fmt.Errorf("fieldConfig.defaults.custom: a panel of type %q has none", panel.Type)
	}
	var has struct {
		FieldConfig json.RawMessage `json:"fieldConfig"`
	}
	if err := json.Unmarshal(raw, &has); err != nil {
		return err
	}
	return faults(new(dashboard.FieldConfigSource).UnmarshalJSONStrict(has.FieldConfig))
}
