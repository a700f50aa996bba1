package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/http2"
)

// Commands: method, path, body (bytes), cancel (ms). The target is PATH?n=ID.
func plainCaller(address string, log *truthLog) func(fields, int) bool {
	client := http.Client{Transport: &http2.Transport{AllowHTTP: true,
		DialTLSContext: func(ctx context.Context, network, _ string, _ *tls.Config) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}}
	return func(batch fields, id int) bool {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if after := batch.ms("cancel"); after > 0 {
			timer := time.AfterFunc(after, cancel)
			defer timer.Stop()
		}
		target := fmt.Sprintf("%s?n=%d", batch["path"], id)
		var body io.Reader
		if n := batch.number("body", 0); n > 0 {
			body = bytes.NewReader(make([]byte, n))
		}
		request, err := http.NewRequestWithContext(ctx, batch["method"], "http://"+address+target, body)
		if err != nil {
			panic(err)
		}
		start := time.Now()
		status, received := 0, int64(0)
		response, err := client.Do(request)
		if err == nil {
			status = response.StatusCode
			received, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		entry := map[string]any{"id": id, "method": batch["method"], "target": target, "status": status, "sent": batch.number("body", 0),
			"received": received, "start_ns": start.UnixNano(), "ms": ms(start)}
		if err != nil {
			entry["error"] = err.Error()
		}
		log.write(entry)
		return err == nil
	}
}
