// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDoctorSeesFactsOnly: the doctor reads only Facts of a page and how to continue, and uses only these two
// types of package entry. So no later change can put the contents of a call into a report.
func TestDoctorSeesFactsOnly(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "entry" {
				seen["entry."+sel.Sel.Name] = true
			}
			if page, ok := sel.X.(*ast.SelectorExpr); ok && page.Sel.Name == "Page" {
				seen["Page."+sel.Sel.Name] = true
			}
			assert.NotContains(t, []string{"Entries", "Raw", "Fields"}, sel.Sel.Name, "%s", fset.Position(sel.Pos()))
			return true
		})
	}
	assert.Equal(t, map[string]bool{
		"entry.Page": true, "entry.Facts": true,
		"Page.Facts": true, "Page.HasMore": true, "Page.PageToken": true,
	}, seen)
}
