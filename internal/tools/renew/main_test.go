// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestCandidates(t *testing.T) {
	for name, tc := range map[string]struct {
		path, current, versions, want string
	}{
		"patches of its minor version": {"github.com/a/b", "v1.2.3", "v1.2.2 v1.2.3 v1.2.4 v1.2.10 v1.3.0 v2.0.0", "v1.2.10 v1.2.4"},
		"no pre-releases":              {"github.com/a/b", "v1.2.3", "v1.2.4-rc.1 v1.2.4-0.20250101000000-abcdef", ""},
		"it is the newest":             {"github.com/a/b", "v1.2.3", "v1.2.1 v1.2.3", ""},
		"golang.org/x has no patches":  {"golang.org/x/net", "v0.46.0", "v0.9.0 v0.46.0 v0.47.0 v0.62.0", "v0.62.0 v0.47.0"},
		"with +incompatible":           {"github.com/a/b", "v2.1.0+incompatible", "v2.1.1+incompatible v2.2.0+incompatible", "v2.1.1+incompatible"},
		"not what sounds like it":      {"golang.org/xnet", "v0.1.0", "v0.2.0", ""},
	} {
		if got := strings.Join(candidates(tc.path, tc.current, strings.Fields(tc.versions)), " "); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestCompare(t *testing.T) {
	ordered := strings.Fields("v0.0.0-20240101000000-b v0.0.0-20250101000000-a v0.0.0 v0.9.0 v0.10.0 v1.0.0-rc.1 v1.0.0 v1.0.1 v1.1.0 v1.25 v1.25.1 v1.26 v2.0.0")
	for i, a := range ordered {
		for j, b := range ordered {
			got, want := compare(a, b), 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got != want {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
	}
}

func TestAsksForLittle(t *testing.T) {
	current := map[string]string{"example.org/a": "v1.2.3", "golang.org/x/net": "v0.46.0", "go.opentelemetry.io/collector/pdata": "v1.45.0"}
	for requires, want := range map[string]bool{
		"example.org/a v1.2.9 // indirect":            true,
		"example.org/a v1.1.0":                        true,
		"example.org/a v1.3.0":                        false,
		"example.org/new v7.0.0":                      true,
		"golang.org/x/net v0.50.0":                    true,
		"go.opentelemetry.io/collector/pdata v1.45.1": false,
		"go.opentelemetry.io/collector/pdata v1.44.0": true,
	} {
		for _, text := range []string{"require (\n\t" + requires + "\n)\n", "require " + requires + "\n"} {
			if got := asksForLittle("module m\n\ngo 1.24\n\n"+text, "1.25.0", current); got != want {
				t.Errorf("%s: %v", requires, got)
			}
		}
	}
	if asksForLittle("module m\n\ngo 1.26.0\n", "1.25.0", current) || !asksForLittle("module m\n\ngo 1.25.0\n", "1.25.0", current) {
		t.Error("the version of Go")
	}
}

// file is a go.mod with these requirements, of which the first is replaced.
func file(t *testing.T, goVersion string, requires ...string) (f modFile) {
	f.Go = goVersion
	for _, r := range requires {
		path, version, _ := strings.Cut(r, "@")
		f.Require = append(f.Require, struct{ Path, Version string }{path, version})
	}
	path, _, _ := strings.Cut(requires[0], "@")
	if err := json.Unmarshal([]byte(`[{"Old":{"Path":"`+path+`"}}]`), &f.Replace); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestKept(t *testing.T) {
	f := file(t, "1.25.0", "example.org/ours@v0.1.0", "go.opentelemetry.io/collector/pdata@v1.45.0", "example.org/a@v1.2.3", "example.org/b@v1.2.3", "example.org/new@v1.0.0")
	before := map[string]string{
		"example.org/ours": "v0.2.0", "go.opentelemetry.io/collector/pdata": "v1.46.0", "example.org/a": "v1.2.9", "example.org/b": "v1.2.1", "example.org/gone": "v9.0.0",
	}
	if got := kept(f, before); !slices.Equal(got, []string{"example.org/a@v1.2.9"}) {
		t.Errorf("kept %v", got)
	}
}

func TestUnmoved(t *testing.T) {
	const collector = "go.opentelemetry.io/collector/pdata"
	before := file(t, "1.25.0", "example.org/ours@v0.1.0", collector+"@v1.45.0", "example.org/a@v1.2.3")
	for fault, after := range map[string]modFile{
		"":                     file(t, "1.25.0", "example.org/ours@v0.1.0", collector+"@v1.45.0", "example.org/a@v1.2.4"),
		collector + " would":   file(t, "1.25.0", "example.org/ours@v0.1.0", collector+"@v1.46.0", "example.org/a@v1.2.3"),
		"Go would":             file(t, "1.26.0", "example.org/ours@v0.1.0", collector+"@v1.45.0", "example.org/a@v1.2.3"),
		"example.org/ours wou": file(t, "1.25.0", "example.org/ours@v0.2.0", collector+"@v1.45.0", "example.org/a@v1.2.3"),
	} {
		err := unmoved(before, after)
		if (err == nil) != (fault == "") || err != nil && !strings.HasPrefix(err.Error(), fault) {
			t.Errorf("%q: %v", fault, err)
		}
	}
}

func TestChanges(t *testing.T) {
	got := strings.Join(changes(map[string]string{"a": "v1", "b": "v1", "c": "v1"}, map[string]string{"a": "v1", "b": "v2", "d": "v1"}), "")
	if want := "- `b` from v1 to v2\n- `c` is gone, was v1\n- `d` v1 is new\n"; got != want {
		t.Errorf("%s", got)
	}
}
