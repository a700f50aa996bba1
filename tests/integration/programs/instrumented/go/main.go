// A net/http service with the OpenTelemetry SDK: otelhttp around its handler and its client.
//
//	main ADDRESS OTLP-ENDPOINT
package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(os.Args[2]+"/v1/traces"))
	if err != nil {
		panic(err)
	}
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithBatcher(exporter, trace.WithBatchTimeout(500*time.Millisecond))))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	client := http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if url := r.URL.Query().Get("url"); url != "" {
			request, _ := http.NewRequestWithContext(r.Context(), "GET", url, nil)
			if answer, err := client.Do(request); err == nil {
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}
		w.Write([]byte("ok"))
	})
	panic(http.ListenAndServe(os.Args[1], otelhttp.NewHandler(handler, "truth")))
}
