// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes files of a module and returns its folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.org/m\n\ngo 1.25.0\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCheck: what compiles on one platform only is refused on the other, in the code and in its tests.
func TestCheck(t *testing.T) {
	rusage := "package m\n\nimport \"syscall\"\n\nfunc F() (u syscall.Rusage, err error) {\n\terr = syscall.Getrusage(0, &u)\n\treturn u, err\n}\n"
	for name, tc := range map[string]struct {
		files     map[string]string
		tests     bool
		platforms map[string]string // and what is wrong there
	}{
		"a call of Unix":         {map[string]string{"m.go": rusage}, false, map[string]string{"linux/amd64": "", "darwin/arm64": "", "windows/amd64": "Getrusage"}},
		"only in a test":         {map[string]string{"m.go": "package m\n", "m_test.go": rusage}, true, map[string]string{"linux/arm64": "", "windows/amd64": "Getrusage"}},
		"tests are not asked":    {map[string]string{"m.go": "package m\n", "m_test.go": rusage}, false, map[string]string{"windows/amd64": ""}},
		"a file of one platform": {map[string]string{"m.go": "package m\n\nvar X = y\n", "y_linux.go": "package m\n\nvar y = 1\n"}, false, map[string]string{"linux/arm64": "", "darwin/arm64": "undefined: y"}},
		"no file left":           {map[string]string{"m_linux.go": "package m\n"}, false, map[string]string{"linux/amd64": "", "windows/amd64": "no package"}},
		"a word's size":          {map[string]string{"m.go": "package m\n\nconst X int = 1 << 40\n"}, false, map[string]string{"linux/amd64": "", "linux/arm": "overflows"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := module(t, tc.files)
			for platform, wrong := range tc.platforms {
				_, err := check(platform, dir, tc.tests, "./...")
				switch {
				case wrong == "" && err != nil:
					t.Errorf("%s: %v", platform, err)
				case wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)):
					t.Errorf("%s: %v, want %s", platform, err, wrong)
				}
			}
		})
	}
}
