// See README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

func exporter(ctx context.Context, protocol, endpoint, compression string) (trace.SpanExporter, error) {
	if protocol == "grpc" {
		options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure()}
		if compression == "gzip" {
			options = append(options, otlptracegrpc.WithCompressor("gzip"))
		}
		return otlptracegrpc.New(ctx, options...)
	}
	options := []otlptracehttp.Option{otlptracehttp.WithEndpoint(endpoint), otlptracehttp.WithInsecure()}
	if compression == "gzip" {
		options = append(options, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	return otlptracehttp.New(ctx, options...)
}

func run() error {
	ctx := context.Background()
	protocol, endpoint, compression := os.Args[1], "127.0.0.1:"+os.Args[2], os.Args[4]
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	var failed error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { failed = err }))
	sender, err := exporter(ctx, protocol, endpoint, compression)
	if err != nil {
		return err
	}
	provider := trace.NewTracerProvider(
		trace.WithBatcher(sender, trace.WithMaxQueueSize(2*count), trace.WithExportTimeout(time.Minute)),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", "sdk-go"))))
	tracer := provider.Tracer("sdk")
	for number := 0; number < count; number++ {
		_, span := tracer.Start(ctx, "work")
		span.SetAttributes(attribute.Int("number", number))
		span.End()
	}
	if err := provider.ForceFlush(ctx); err != nil {
		return err
	}
	if err := provider.Shutdown(ctx); err != nil {
		return err
	}
	return failed
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
