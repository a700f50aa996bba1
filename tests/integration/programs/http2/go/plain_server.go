package main

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

type counting struct {
	http.ResponseWriter
	status, bytes int
}

func (c *counting) WriteHeader(status int) {
	if status >= 200 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counting) Write(data []byte) (int, error) {
	n, err := c.ResponseWriter.Write(data)
	c.bytes += n
	return n, err
}

func (c *counting) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

var zeros = make([]byte, 1<<20)

// /bytes/N, /trickle/N (one byte each 10 ms), /echo, /slow/MS, /status/N, /hints (103, then 200), /trailers.
func answer(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	n, _ := strconv.Atoi(parts[len(parts)-1])
	switch parts[1] {
	case "bytes":
		w.Header().Set("Content-Length", strconv.Itoa(n))
		for n > 0 {
			wrote, err := w.Write(zeros[:min(n, len(zeros))])
			if n -= wrote; err != nil {
				return
			}
		}
	case "trickle":
		for ; n > 0 && r.Context().Err() == nil; n-- {
			w.Write(zeros[:1])
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	case "echo":
		io.Copy(w, r.Body)
	case "slow":
		select {
		case <-time.After(time.Duration(n) * time.Millisecond):
		case <-r.Context().Done():
		}
	case "status":
		w.WriteHeader(n)
	case "hints":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Write([]byte("hinted"))
	case "trailers":
		w.Header().Set("Trailer", "X-Sum")
		w.Write([]byte("summed"))
		w.Header().Set("X-Sum", "6")
	}
}

func servePlain(address string, log *truthLog) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		counted := &counting{ResponseWriter: w, status: 200}
		answer(counted, r)
		log.write(map[string]any{"method": r.Method, "target": r.RequestURI, "status": counted.status, "bytes": counted.bytes, "ms": ms(start),
			"protocol": r.Proto, "gone": r.Context().Err() != nil})
	})
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		panic(err)
	}
	http.Serve(listener, h2c.NewHandler(handler, &http2.Server{MaxConcurrentStreams: 1000}))
}
