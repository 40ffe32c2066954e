// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// storageMutants break what is stored across restarts.
var storageMutants = []mutant{
	{
		"a position is loaded only if none of its reads fails (F32)", "internal/checkpoint/store.go",
		"	readTries = 5\n",
		"	readTries = 1\n",
	},
	{
		"a position later than the present is not reported (F31)", "internal/poll/resume.go",
		".Unix() && from.restores:\n",
		".Unix() && false:\n",
	},
	{
		"ids that an older build has stored are taken for identities (F46)", "internal/checkpoint/checkpoint.go",
		"		stored = plan.KeyByID\n",
		"",
	},
	{
		"a storage that cannot be read is an empty one (F32)", "internal/checkpoint/store.go",
		"		return nil, nil, fmt.Errorf(\"cannot read the checkpoint: %w\", err)\n	}\n	if err := s.loadGivenUp",
		"		return nil, plan.NewSeen(), nil\n	}\n	if err := s.loadGivenUp",
	},
	{
		"stored ids are not loaded (F30)", "internal/checkpoint/store.go",
		"				known.Add(k)\n",
		"				_ = k\n",
	},
	{
		"all stored ids are deleted (F33)", "internal/checkpoint/store.go",
		"	for drop < min(len(pages), maxDeletes) && pages[drop] < forgettable {\n",
		"	for drop < min(len(pages), maxDeletes) {\n",
	},
	{
		"no stored id is ever deleted (F33)", "internal/checkpoint/store.go",
		"	for drop < min(len(pages), maxDeletes) && pages[drop] < forgettable {\n",
		"	for false {\n",
	},
	{
		"the position of another query is taken over (F31)", "internal/checkpoint/store.go",
		"	if !c.Query.Equal(s.query) && !c.untouched() {\n",
		"	if false {\n",
	},
	{
		"a leader that was replaced writes its position (F34)", "internal/checkpoint/store.go",
		"c.Term > s.term",
		"c.Term > s.term+1000",
	},
	{
		"a damaged checkpoint is taken as it is (F32)", "internal/checkpoint/checkpoint.go",
		"	if crc32.Checksum(body, castagnoli) != sum {\n		return nil, fmt.Errorf(\"%w: its checksum does not match\", errDamaged)\n	}\n	stored :=",
		"	_ = sum\n	stored :=",
	},
	{
		"a checkpoint of a newer version is read (F31)", "internal/checkpoint/checkpoint.go",
		"	if version.Version > Version {\n",
		"	if false {\n",
	},
	{
		"a position before anything was read blocks another query", "internal/checkpoint/checkpoint.go",
		"	return c.Next == 0 && ",
		"	return false && ",
	},
}
