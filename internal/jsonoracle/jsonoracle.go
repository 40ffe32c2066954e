// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package jsonoracle reads JSON like encoding/json, for tests that compare our own reader with it.
package jsonoracle

import (
	"encoding/json"
	"math/big"
	"strings"
)

// OracleObject returns the members of a JSON object, nil for any other value. If several members have one name,
// the last one counts.
func OracleObject(text []byte) (members []namedValue) {
	dec := json.NewDecoder(strings.NewReader(string(text)))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil
		}
		members = append(members, namedValue{name.(string), value})
	}
	return members
}

type namedValue struct {
	name  string
	value json.RawMessage
}

// OracleMember is the last member with that name, otherwise the last one with that name in another case.
func OracleMember(members []namedValue, name string) json.RawMessage {
	var exact, other json.RawMessage
	for _, m := range members {
		switch {
		case m.name == name:
			exact = m.value
		case len(m.name) == len(name) && strings.EqualFold(m.name, name):
			other = m.value
		}
	}
	if exact != nil {
		return exact
	}
	return other
}

// OracleRepeats reports whether one of the names occurs twice, in any case.
func OracleRepeats(members []namedValue, names ...string) bool {
	for _, name := range names {
		n := 0
		for _, m := range members {
			if len(m.name) == len(name) && strings.EqualFold(m.name, name) {
				n++
			}
		}
		if n > 1 {
			return true
		}
	}
	return false
}

// OracleText is the content of a JSON string, the digits of a number, or empty.
func OracleText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(value, &n) == nil {
		return n.String()
	}
	return ""
}

// OracleNumber is a number, if it is whole and of int64's range.
func OracleNumber(value json.RawMessage) (*big.Int, bool) {
	var n json.Number
	if strings.HasPrefix(string(value), `"`) || json.Unmarshal(value, &n) != nil || n == "" {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return nil, false
	}
	return r.Num(), true
}
