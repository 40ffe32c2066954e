// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// everywhere returns a Redactor whose filter notices every byte of a text except the last one.
func everywhere(extraKeys []string) *Redactor {
	keys := newKeySet(extraKeys)
	f := &filter{wide: newFilter(keys).wide}
	for c := range f.pairs {
		f.pairs[c] = 1<<firstStemGroup | 1<<(firstStemGroup+32)
		f.groups[firstStemGroup] = append(f.groups[firstStemGroup], stem{text: string([]byte{lower(byte(c))}), gaps: 1<<32 - 1, free: true})
	}
	return &Redactor{keys: keys, filter: f}
}

func TestFilterNotices(t *testing.T) {
	for _, f := range []*filter{newFilter(newKeySet(nil)), newFilter(newKeySet([]string{"id_card", "q"}))} {
		requireNotices(t, f)
	}
	f := newFilter(newKeySet([]string{"id_card", "q"}))
	for _, text := range []string{`id-card`, `Q `, `\\\u0071`, `\u005c\u0075`} {
		require.False(t, clean(f, text), text)
	}

	f = newFilter(newKeySet([]string{"密码"}))
	require.False(t, clean(f, `\u5bc6\u7801`))
	require.False(t, clean(f, `%E5%AF%86`))
	require.True(t, clean(f, `中文`))
}

func requireNotices(t *testing.T, f *filter) {
	t.Helper()
	for _, c := range credentials {
		if !isASCII(c.suffix) {
			require.False(t, clean(f, "中"+c.suffix+"中"), c.suffix)
			continue
		}
		for _, text := range []string{
			c.suffix + " ", strings.ToUpper(c.suffix) + " ", "x_" + c.suffix + "1", strings.TrimSuffix(c.suffix, "s") + "s.", apart(c, "_-") + ".",
			apart(c, "+ ") + ".", c.suffix[:1] + "\\u0061", c.suffix[:1] + "%5f", "%41",
		} {
			require.False(t, clean(f, text), text)
			require.False(t, clean(f, []byte(text)), text)
		}
	}
	for _, text := range []string{`basic`, `api_key`, `profile_token`, `file_tokenvalue`, `t-0123456789abcdef01234`, `x://u:p@h`, `ｔｏｋｅｎ`, `AKIA`, `eyJ0`, `\u005c`, `\u0025`, `\u0030`, `\u0020`, `%20`, `%5C`, `%25`, `\\\u006a`} {
		require.False(t, clean(f, text), text)
	}
	for _, text := range []string{
		``, `\`, `%`, `%4`, `\u00`, `\u0026\u003c\u003e\u0022`, `%22%3A%7B%2F%E4%BD%A0`, `\u4e2d\u6587`, `100%`, `tok.en`, `"to":"ken"`,
		`"api_key":"POST/open-apis/x"`, `{"page_token":"x"}`, `file-token=x`, `"token_type"`, `tokenizer`, `task`, `design`, `tenant_key`, `message`, `basis`, `%zz`, `\u00zz`, `user_id`,
	} {
		require.True(t, clean(f, text), text)
	}
}

// apart returns a suffix with separators wherever they are allowed.
func apart(c credential, separators string) string {
	var b strings.Builder
	for i := range len(c.suffix) {
		if i > 0 && c.gaps>>i&1 != 0 {
			b.WriteString(separators)
		}
		b.WriteByte(c.suffix[i])
	}
	return b.String()
}

// TestStride compares the search in steps of two bytes with the one in steps of one: each stem, at either
// offset, with other bytes in place of each of its own.
func TestStride(t *testing.T) { requireStrides(t, 37) }

// TestEveryStride is TestStride with twelve times as many bytes.
func TestEveryStride(t *testing.T) { requireStrides(t, 3) }

func requireStrides(t *testing.T, step int) {
	t.Helper()
	t.Parallel()
	const reach = 2 // how far around a stem bytes are changed
	f := newFilter(newKeySet(nil))
	require.NotNil(t, f.stride)
	texts := []string{"basic", `\u0041`, `\\u0020`, "%41", "%5f", "0%7A", `\u00zz`, "%zz", `\u4e00`}
	for _, c := range credentials {
		texts = append(texts, c.suffix, strings.ToUpper(c.suffix), apart(c, "_"))
	}
	for _, s := range slices.Concat(freeStems, exactStems) {
		texts = append(texts, s, strings.ToUpper(s))
	}
	for _, text := range texts {
		for _, around := range [][2]string{{}, {"."}, {"中文", "中"}, {".........", "......"}} {
			size, first := len(text), max(len(around[0])-reach, 0)
			text := around[0] + text + around[1]
			requireSameStride(t, f, text)
			changed := []byte(text)
			for i := first; i < min(len(text), len(around[0])+size+reach); i++ {
				for c := i % step; c < 256; c += step {
					changed[i] = byte(c)
					if want := nextHit(f, changed, 0) < 0; clean(f, changed) != want {
						t.Fatalf("clean should be %t of %q", want, changed)
					}
				}
				changed[i] = text[i]
				requireSameStride(t, f, text[i:])
				requireSameStride(t, f, text[:i])
				requireSameStride(t, f, text[:i]+"-+"+text[i:])
				requireSameStride(t, f, text[:i]+" "+text[i:])
			}
		}
	}
}

func requireSameStride(t *testing.T, f *filter, text string) {
	t.Helper()
	if want := nextHit(f, text, 0) < 0; clean(f, text) != want || clean(f, []byte(text)) != want {
		t.Fatalf("clean should be %t of %q", want, text)
	}
}

// FuzzFilter: everything that a search without the filter finds is also found with it.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`{"to_ken":"xyz"}`, `{"a":"p w d=xyz"}`, `to%6ben=xyz`, `{"\u0074oken":"xyz"}`, `{"id-card":"xyz"}`, `bea_rer xyz`, `a%2520b`, `{"密码":"xyz"}`,
	} {
		f.Add(seed)
	}
	extraKeys := []string{"id_card", "q"}
	r, all := New(extraKeys), everywhere(extraKeys)
	stride := newFilter(newKeySet(nil))
	f.Fuzz(func(t *testing.T, text string) {
		requireSameStride(t, stride, text)
		if !clean(r.filter, text) {
			return
		}
		// Each level halves a run of backslashes and rounds up. Text beyond the last level is masked as a whole
		// if the filter objects, which this one always does.
		if strings.Contains(text, strings.Repeat(`\`, 1<<(maxLevels-1)+1)) {
			return
		}
		spans, _ := new(walker).walk(all, text, mayHoldCodes(text), false)
		require.Empty(t, spans, "%q", text)
	})
}
