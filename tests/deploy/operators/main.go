// Reads manifests that other people define by their own types, and refuses what these do not have: ServiceMonitor, PodMonitor and PrometheusRule
// of the Prometheus operator, Certificate of cert-manager.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	reader "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

func read(document []byte) (string, error) {
	var kind struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return "", err
	}
	known := map[string]any{
		"monitoring.coreos.com/v1 ServiceMonitor": &monitoring.ServiceMonitor{},
		"monitoring.coreos.com/v1 PodMonitor":     &monitoring.PodMonitor{},
		"monitoring.coreos.com/v1 PrometheusRule": &monitoring.PrometheusRule{},
		"cert-manager.io/v1 Certificate":          &certmanager.Certificate{},
	}
	name := kind.APIVersion + " " + kind.Kind
	into, ours := known[name]
	if !ours {
		return "", nil
	}
	return name, yaml.UnmarshalStrict(document, into)
}

func main() {
	documents := reader.NewYAMLReader(bufio.NewReader(os.Stdin))
	for {
		document, err := documents.Read()
		if err == io.EOF {
			return
		}
		name := ""
		if err == nil {
			name, err = read(document)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			os.Exit(1)
		}
		if name != "" {
			fmt.Println(name)
		}
	}
}
