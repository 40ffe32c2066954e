// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// candidates are the versions that a module may move to, the newest first.
func candidates(path, current string, versions []string) (newer []string) {
	for _, version := range versions {
		if !released(version) || compare(version, current) <= 0 {
			continue
		}
		if mayMove(path, current, version) {
			newer = append(newer, version)
		}
	}
	slices.SortFunc(newer, func(a, b string) int { return compare(b, a) })
	return newer
}

// mayMove reports whether a module may move so far.
func mayMove(path, from, to string) bool {
	return !held(path) && (strings.HasPrefix(path, "golang.org/x/") || minor(from, 2) == minor(to, 2))
}

// asksForLittle reports whether a go.mod can be built with this version of Go, and requires of the modules that are there
// none in a version to which it may not move.
func asksForLittle(text, goVersion string, current map[string]string) bool {
	for line := range strings.Lines(text) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) < 2 {
			continue
		}
		path, version := fields[0], fields[1]
		if path == "go" && compare("v"+version, "v"+goVersion) > 0 {
			return false
		}
		if now, ok := current[path]; ok && compare(version, now) > 0 && !mayMove(path, now, version) {
			return false
		}
	}
	return true
}

// released reports whether a version is a release: neither a pre-release nor a commit.
func released(version string) bool { return !strings.Contains(version, "-") }

// minor are the first n numbers of a version.
func minor(version string, n int) string {
	version, _, _ = strings.Cut(version, "+")
	parts := strings.Split(version, ".")
	return strings.Join(parts[:min(n, len(parts))], ".")
}

// compare compares two versions, v1.2.3. A pre-release, or a commit, is before its release, and two of them are in the
// order of their texts, which has the time of a commit first.
func compare(a, b string) int {
	numbers := func(version string) (n [3]int, pre string) {
		version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "+")
		version, pre, _ = strings.Cut(version, "-")
		for i, part := range strings.SplitN(version, ".", 3) {
			n[i], _ = strconv.Atoi(part) // go.mod has only such
		}
		return n, pre
	}
	na, prea := numbers(a)
	nb, preb := numbers(b)
	if c := slices.Compare(na[:], nb[:]); c != 0 || prea == preb {
		return c
	}
	if prea == "" || preb == "" {
		return cmp.Compare(len(preb), len(prea))
	}
	return strings.Compare(prea, preb)
}
