// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Reads a JSON array of LogQL queries, and writes an array of what is wrong with each: null,
// or the text from the first place on that the grammar does not know. The grammar is that of
// Grafana's query editor.
import { readFileSync } from 'node:fs';
import { parser } from '@grafana/lezer-logql';

const faults = JSON.parse(readFileSync(0, 'utf8')).map((query) => {
  let fault = null;
  parser.parse(query).iterate({
    enter: (node) => {
      if (node.type.isError && fault === null) {
        fault = query.slice(node.from, node.from + 60) || 'the end';
      }
    },
  });
  return fault;
});
process.stdout.write(JSON.stringify(faults));
