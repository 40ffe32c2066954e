// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command monitoring checks the objects of Prometheus' operator on standard input with the operator's own types:
// an unknown field is an error, and so is an input without such an object. Other objects are checked by
// kubeconform.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	n, err := check(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d objects of Prometheus' operator are valid\n", n)
}

// check returns how many objects it has checked.
func check(in io.Reader) (int, error) {
	n := 0
	for reader := yaml.NewYAMLReader(bufio.NewReader(in)); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return n, err
		}
		var is struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := strict.Unmarshal(document, &is); err != nil {
			return n, err
		}
		if is.APIVersion != monitoring.SchemeGroupVersion.String() {
			continue
		}
		var object any
		switch is.Kind {
		case monitoring.PodMonitorsKind:
			object = &monitoring.PodMonitor{}
		case monitoring.PrometheusRuleKind:
			object = &monitoring.PrometheusRule{}
		default:
			return n, fmt.Errorf("%s: a kind that this program does not know", is.Kind)
		}
		if err := strict.UnmarshalStrict(document, object); err != nil {
			return n, fmt.Errorf("%s: %w", is.Kind, err)
		}
		n++
	}
	if n == 0 {
		return 0, errors.New("no object of Prometheus' operator")
	}
	return n, nil
}
