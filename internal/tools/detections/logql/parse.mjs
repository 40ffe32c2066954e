// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Parses every expression of the rule files given with Grafana's LogQL grammar; fails where it has an error.
import { readFileSync } from 'node:fs'
import { parser } from '@grafana/lezer-logql'
import yaml from 'js-yaml'

let rules = 0
for (const file of process.argv.slice(2)) {
  for (const group of yaml.load(readFileSync(file, 'utf8')).groups) {
    for (const rule of group.rules) {
      rules++
      parser.parse(rule.expr).iterate({
        enter(node) {
          if (node.type.isError) {
            console.error(`${group.name}/${rule.alert}: not LogQL at ${node.from}: ${rule.expr.slice(Math.max(0, node.from - 40), node.to + 40)}`)
            process.exitCode = 1
          }
        },
      })
    }
  }
}
if (rules === 0) process.exitCode = 1
console.log(`${rules} expressions parsed by Grafana's grammar of LogQL`)
