// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command kubeconform writes the JSON schemas with which kubeconform checks
// examples/kubernetes: `make kube-schemas`.
//
// Usage: kubeconform SWAGGER FOLDER
//
// SWAGGER is api/openapi-spec/swagger.json of k8s.io/kubernetes. Objects take no
// properties that it does not name, so a misspelt one is found.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// kinds are those in examples/kubernetes, with the names of their definitions.
var kinds = map[string]string{
	"configmap-v1":                  "io.k8s.api.core.v1.ConfigMap",
	"deployment-apps-v1":            "io.k8s.api.apps.v1.Deployment",
	"statefulset-apps-v1":           "io.k8s.api.apps.v1.StatefulSet",
	"service-v1":                    "io.k8s.api.core.v1.Service",
	"serviceaccount-v1":             "io.k8s.api.core.v1.ServiceAccount",
	"role-rbac-v1":                  "io.k8s.api.rbac.v1.Role",
	"rolebinding-rbac-v1":           "io.k8s.api.rbac.v1.RoleBinding",
	"networkpolicy-networking-v1":   "io.k8s.api.networking.v1.NetworkPolicy",
	"namespace-v1":                  "io.k8s.api.core.v1.Namespace",
	"poddisruptionbudget-policy-v1": "io.k8s.api.policy.v1.PodDisruptionBudget",
}

const prefix = "#/definitions/"

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: kubeconform SWAGGER FOLDER")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var swagger struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(text, &swagger); err != nil {
		log.Fatalf("%s: %v", os.Args[1], err)
	}
	for name, definition := range swagger.Definitions {
		strict(name, definition)
	}
	for file, name := range kinds {
		used := map[string]any{}
		if err := collect(swagger.Definitions, name, used); err != nil {
			log.Fatal(err)
		}
		schema, err := json.MarshalIndent(map[string]any{"$ref": prefix + name, "definitions": used}, "", " ")
		if err == nil {
			err = os.WriteFile(filepath.Join(os.Args[2], file+".json"), append(schema, '\n'), 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

// strict makes a definition refuse unknown properties, and allows numbers where Kubernetes accepts them as a
// string.
func strict(name string, definition map[string]any) {
	if _, ok := definition["properties"]; ok {
		definition["additionalProperties"] = false
	}
	if definition["format"] == "int-or-string" || strings.HasSuffix(name, ".resource.Quantity") {
		definition["type"] = []string{"string", "number"}
	}
}

// collect adds a definition and all that it refers to.
func collect(all map[string]map[string]any, name string, used map[string]any) error {
	if _, ok := used[name]; ok {
		return nil
	}
	definition, ok := all[name]
	if !ok {
		return fmt.Errorf("no definition of %s", name)
	}
	used[name] = definition
	return refer(all, definition, used)
}

func refer(all map[string]map[string]any, node any, used map[string]any) error {
	switch node := node.(type) {
	case map[string]any:
		if target, ok := node["$ref"].(string); ok {
			return collect(all, strings.TrimPrefix(target, prefix), used)
		}
		for key, child := range node {
			if _, ok := child.(string); ok && (key == "description" || key == "format") {
				delete(node, key) // not needed here; a property with that name is an object
			}
			if err := refer(all, child, used); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range node {
			if err := refer(all, child, used); err != nil {
				return err
			}
		}
	}
	return nil
}
