// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"slices"
)

// This file reads tables in JSON: an object has an array of columns and one of rows, in either order. The columns are
// names, and the rows arrays; or the columns are objects with an id and a name, and the rows have their values by
// the ids, as in the table of a card.

// columnID is the id of a column of credentials.
type columnID struct {
	name []byte
	kind kind
}

// maxIDs is how many such columns are noted at a time.
const maxIDs = 64

// isNamesKey reports whether a member of that name may hold names of other values, in
// an array, and isRowsKey whether it may hold those.
func isNamesKey(name []byte) bool {
	switch string(name) {
	case "keys", "names", "fields", "columns", "cols", "headers", "header", "params", "labels", "variables":
		return true
	}
	return false
}

func isRowsKey(name []byte) bool {
	switch string(name) {
	case "values", "rows", "data", "records", "cells":
		return true
	}
	return false
}

// isIDKey reports whether a member of that name may hold the id of a column. Those of isNameKey may, too.
func isIDKey(name []byte) bool {
	switch string(name) {
	case "id", "field_id", "fieldid", "column_id", "columnid", "data_index", "dataindex", "column":
		return true
	}
	return false
}

// readNames reads an array of columns: names, or objects.
func (p *parser) readNames(pair *pairing, depth int) bool {
	was, first := p.columns, len(p.ids)
	p.columns = depth + 2
	ok := p.value(plain, depth)
	p.columns = was
	if len(p.ids) > first && pair.ids == 0 {
		pair.ids = first + 1
	}
	if !p.last.value {
		pair.columns = p.last
	}
	return ok
}

// readRows reads the values of a table a second time, at the end of its object, by the names of its columns. What is
// found twice is merged.
func (p *parser) readRows(pair *pairing, depth int) bool {
	ids := p.ids
	if pair.ids > 0 {
		ids, p.ids = p.ids[pair.ids-1:], p.ids[:pair.ids-1]
	}
	if pair.rows.end == 0 || pair.columns.names == 0 && pair.ids == 0 || !p.again(pair.rows.start, pair.rows.end) {
		return true
	}
	end, table := p.pos, p.table
	p.pos = pair.rows.start + 1
	if pair.columns.names != 0 {
		p.table = newTable(&pair.columns, depth+1)
		if p.peek() == '[' {
			p.table.depth++
		}
	}
	if pair.ids > 0 {
		p.byID, p.rowDepth = slices.Clone(ids), depth+2
	}
	p.pos, p.second = pair.rows.start, true
	ok := p.value(plain, depth)
	p.pos, p.second, p.table, p.byID = end, false, table, nil
	return ok
}

// again reports whether text[start:end] is to be read a second time. Within what is read a second time, nothing is:
// the first time has found it. Of tables within many tables the outer ones are masked as a whole.
func (p *parser) again(start, end int) bool {
	if p.second {
		return false
	}
	if p.repeated += end - start; p.repeated <= maxFailed*(p.pos-p.first) {
		return true
	}
	p.spans = append(p.spans, span{start: start, end: end, quote: `"`})
	return false
}

// columnKind is the kind of a member of a row, by the id of its column. The row may have its values in a member.
func (p *parser) columnKind(name []byte, depth int) kind {
	if depth != p.rowDepth && depth != p.rowDepth+1 {
		return plain
	}
	for _, id := range p.byID {
		if bytes.Equal(id.name, name) {
			return id.kind
		}
	}
	return plain
}
