// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package jsontexttest holds texts that tell right checks of JSON from wrong ones.
package jsontexttest

// Texts are JSON and almost JSON.
var Texts = []string{
	``, ` `, `null`, `true`, `false`, `nul`, `nulll`, `True`, `{}`, `[]`, `{ }`, "\t[\r\n] ", `{}{}`, `[] x`, "\ufeff{}",
	`[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[1`, `]`, `[}`, `{]`, `[[]`, `[[],{}]`, `[[[]]]]`,
	`{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{,}`, `{a:1}`, `{1:2}`, `{"a":1 "b":2}`, `{"a":1,"a":2}`, `{"a":{"b":[{"c":{}}]}}`, `{"a":[}`, `{"`,
	`0`, `-0`, `-`, `01`, `-01`, `1.`, `.5`, `1.5`, `1.5.5`, `1e`, `1e+`, `1e5`, `1E-5`, `1e5.5`, `+1`, `0x1`, `1_0`, `Infinity`, `12345678901234567890123`, `--1`, `[0`, `[-`, `[1e`,
	`""`, `"a"`, `"`, `"a`, `"\"`, `"\""`, `"\x"`, `"\u"`, `"\u12"`, `"\u12g4"`, `"\u1234"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`, `"\ud83dx"`, `"\/\b\f\n\r\t\\"`,
	`"12345678"`, `"1234567\"9"`, `"1234567` + "\n" + `9"`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\x80\xff\"", "\"\xed\xa0\x80\"", `"你好，世界"`, "\x00", "{\"\x01\":1}",
	`{"code":0,"msg":"success","data":{"items":[{"id":"1","log_detail":{"payload":"{\"a\":\"\\u4f60\"}"}}],"has_more":false}}`,
}
