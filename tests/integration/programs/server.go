// A net/http server for the truth tests: answers as the path asks, and writes what it did, one JSON line a request.
//
//	/echo            the body back
//	/status/N        status N
//	/bytes/N         N bytes, with a Content-Length
//	/chunked/N       N bytes, chunked
//	/slow/MS         after MS milliseconds
//	/call?url=U      after calling U itself (traces of several hops)
package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type counting struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *counting) WriteHeader(s int) { c.status = s; c.ResponseWriter.WriteHeader(s) }
func (c *counting) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}
func (c *counting) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

func number(path string) int {
	n, _ := strconv.Atoi(path[strings.LastIndex(path, "/")+1:])
	return n
}

func handle(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/echo"):
		// All of it first: net/http stops reading a request once its answer has begun.
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	case strings.HasPrefix(r.URL.Path, "/status/"):
		w.WriteHeader(number(r.URL.Path))
	case strings.HasPrefix(r.URL.Path, "/bytes/"):
		n := number(r.URL.Path)
		w.Header().Set("Content-Length", strconv.Itoa(n))
		w.Write(make([]byte, n))
	case strings.HasPrefix(r.URL.Path, "/chunked/"):
		n := number(r.URL.Path)
		for n > 0 {
			step := min(n, 1+n/3)
			w.Write(make([]byte, step))
			w.(http.Flusher).Flush()
			n -= step
		}
	case strings.HasPrefix(r.URL.Path, "/slow/"):
		time.Sleep(time.Duration(number(r.URL.Path)) * time.Millisecond)
	case strings.HasPrefix(r.URL.Path, "/call"):
		answer, err := http.Get(r.URL.Query().Get("url"))
		if err != nil {
			w.WriteHeader(502)
			return
		}
		io.Copy(w, answer.Body)
		answer.Body.Close()
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func main() {
	address, log := os.Args[1], os.Args[2]
	out, err := os.Create(log)
	if err != nil {
		panic(err)
	}
	var mutex sync.Mutex
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		panic(err)
	}
	if url := os.Getenv("BACKGROUND_URL"); url != "" {
		go func() { // calls in the background, numbered
			for i := 0; ; i++ {
				if answer, err := http.Get(url + strconv.Itoa(i)); err == nil {
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		answer := &counting{ResponseWriter: w, status: 200}
		handle(answer, r)
		line, _ := json.Marshal(map[string]any{"method": r.Method, "target": r.RequestURI, "status": answer.status,
			"bytes": answer.bytes, "ms": float64(time.Since(start).Microseconds()) / 1000})
		mutex.Lock()
		out.Write(append(line, '\n'))
		mutex.Unlock()
	}))
}
