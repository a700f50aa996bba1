// Servers and clients that strain the agent, and check every byte of every answer themselves.
//
//	load serve ADDRESS                 GET /b/N?...: N bytes; POST /sum: the CRC of the body
//	load echo ADDRESS                  gives back what it gets
//	load CLIENT -to HOST:PORT ...      flood, churn, hold, pipeline, hugehead, slowbody, slowhead, garbage, echoed
//
// A client prints one JSON line: asked, right, wrong (an answer that differs), failed (no answer).
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"math/rand"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var pattern = func() []byte {
	p := make([]byte, 4<<20)
	rand.New(rand.NewSource(7)).Read(p)
	return p
}()

func serve(address string) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			sum := crc32.NewIEEE()
			io.Copy(sum, r.Body)
			fmt.Fprintf(w, "%08x", sum.Sum32())
			return
		}
		n, _ := strconv.Atoi(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		w.Header()["Date"] = nil
		w.Header().Set("Content-Length", strconv.Itoa(n))
		w.Write(pattern[:n])
	})
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Handler: handler, MaxHeaderBytes: 4 << 20, ErrorLog: log.New(io.Discard, "", 0)}
	log.Fatal(server.Serve(listener))
}

func echo(address string) {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() { io.Copy(c, c); c.Close() }()
	}
}

type result struct {
	asked, right, wrong, failed atomic.Int64
	first                       atomic.Pointer[string] // the first thing that went wrong
}

func (r *result) note(err error) {
	text := err.Error()
	r.first.CompareAndSwap(nil, &text)
}

// One connection, no library between us and the bytes.
type link struct {
	c  net.Conn
	in *bufio.Reader
	r  *result
}

var (
	to      = flag.String("to", "", "server")
	spread  = flag.Int("spread", 1, "use so many addresses from the server's on (127.0.0.1, .2, ...)")
	conns   = flag.Int("conns", 8, "connections at once")
	rate    = flag.Float64("rate", 0, "requests a second, all connections; 0: as fast as it goes")
	seconds = flag.Float64("seconds", 5, "for so long")
	size    = flag.Int("size", 100, "bytes of a body")
	tag     = flag.String("tag", "load", "begins each request's query")
	count   = flag.Int64("count", 0, "stop after so many requests; 0: by time")
	depth   = flag.Int("depth", 64, "pipelined requests in one write")
)

func dial(r *result, i int) *link {
	host, port, _ := net.SplitHostPort(*to)
	if *spread > 1 {
		dot := strings.LastIndex(host, ".")
		last, _ := strconv.Atoi(host[dot+1:])
		host = fmt.Sprintf("%s.%d", host[:dot], last+i%*spread)
	}
	c, err := net.DialTimeout("tcp4", net.JoinHostPort(host, port), 30*time.Second)
	if err != nil {
		r.note(err)
		return nil
	}
	return &link{c: c, in: bufio.NewReaderSize(c, 4096), r: r}
}

// Reads one answer and compares it with `want`.
func (l *link) expect(want []byte) bool {
	l.c.SetReadDeadline(time.Now().Add(120 * time.Second))
	answer, err := http.ReadResponse(l.in, nil)
	if err != nil {
		l.r.failed.Add(1)
		l.r.note(err)
		return false
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		l.r.failed.Add(1)
		l.r.note(err)
		return false
	}
	if answer.StatusCode != 200 || !bytes.Equal(body, want) {
		l.r.wrong.Add(1)
		l.r.note(fmt.Errorf("status %d, %d bytes", answer.StatusCode, len(body)))
		return false
	}
	l.r.right.Add(1)
	return true
}

func (l *link) get(n int64, extra string) bool {
	l.r.asked.Add(1)
	if _, err := fmt.Fprintf(l.c, "GET /b/%d?%s-%d HTTP/1.1\r\nHost: load\r\n%s\r\n", *size, *tag, n, extra); err != nil {
		l.r.failed.Add(1)
		l.r.note(err)
		return false
	}
	return l.expect(pattern[:*size])
}

// Calls `do` from `workers` goroutines until time or count is over, at the rate asked for.
func repeat(workers int, do func(worker int, n int64) bool) {
	var next atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for w := 0; w < workers; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				n := next.Add(1) - 1
				if *count > 0 && n >= *count {
					return
				}
				if *rate > 0 {
					time.Sleep(time.Until(start.Add(time.Duration(float64(n) / *rate * 1e9))))
				}
				if *count == 0 && time.Since(start).Seconds() > *seconds || !do(w, n) {
					return
				}
			}
		}()
	}
	group.Wait()
}

func client(mode string, r *result) {
	links := make([]*link, *conns)
	connected := func(w int) *link {
		if links[w] == nil {
			links[w] = dial(r, w)
		}
		return links[w]
	}
	lost := func(w int) bool { // goes on with a new connection
		links[w].c.Close()
		links[w] = nil
		return true
	}
	switch mode {
	case "flood":
		repeat(*conns, func(w int, n int64) bool {
			l := connected(w)
			if l == nil {
				r.asked.Add(1)
				r.failed.Add(1)
				return true
			}
			return l.get(n, "") || lost(w)
		})
	case "churn":
		repeat(*conns, func(w int, n int64) bool {
			l := dial(r, int(n))
			if l == nil {
				r.asked.Add(1)
				r.failed.Add(1)
				return true
			}
			l.get(n, "Connection: close\r\n")
			l.c.Close()
			return true
		})
	case "hold": // all open at once; a request on each at the start, and one at the end
		var group sync.WaitGroup
		gate := make(chan struct{}, 64)
		each := func(do func(w int)) {
			for w := range links {
				group.Add(1)
				gate <- struct{}{}
				go func() { do(w); <-gate; group.Done() }()
			}
			group.Wait()
		}
		ask := func(round int) {
			each(func(w int) {
				if l := connected(w); l == nil {
					r.asked.Add(1)
					r.failed.Add(1)
				} else {
					l.get(int64(round**conns+w), "")
				}
			})
		}
		ask(0)
		fmt.Fprintln(os.Stderr, "open")
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGUSR1)
		select {
		case <-stop:
		case <-time.After(time.Duration(*seconds * 1e9)):
		}
		ask(1)
	case "pipeline":
		repeat(*conns, func(w int, n int64) bool {
			l := connected(w)
			if l == nil {
				return false
			}
			var text bytes.Buffer
			for i := 0; i < *depth; i++ {
				fmt.Fprintf(&text, "GET /b/%d?%s-%d-%d HTTP/1.1\r\nHost: load\r\n\r\n", *size, *tag, n, i)
			}
			r.asked.Add(int64(*depth))
			go l.c.Write(text.Bytes())
			for i := 0; i < *depth; i++ {
				if !l.expect(pattern[:*size]) {
					return lost(w)
				}
			}
			return true
		})
	case "hugehead":
		filler := strings.Repeat("X-Filler: "+strings.Repeat("f", 1000)+"\r\n", *depth)
		repeat(*conns, func(w int, n int64) bool {
			l := connected(w)
			return l != nil && (l.get(n, filler) || lost(w))
		})
	case "slowbody", "slowhead":
		repeat(*conns, func(w int, n int64) bool {
			l := connected(w)
			if l == nil {
				return false
			}
			r.asked.Add(1)
			body := pattern[:*size]
			head := fmt.Sprintf("POST /sum?%s-%d HTTP/1.1\r\nHost: load\r\nContent-Length: %d\r\n\r\n", *tag, n, *size)
			text := append([]byte(head), body...)
			pause := time.Duration(*seconds * 1e9 / float64(len(text)+1))
			if mode == "slowbody" {
				l.c.Write(text[:len(head)])
				text = text[len(head):]
			}
			for len(text) > 0 {
				piece := 1 + len(text)/200
				l.c.Write(text[:piece])
				text = text[piece:]
				time.Sleep(pause)
			}
			return l.expect([]byte(fmt.Sprintf("%08x", crc32.ChecksumIEEE(body))))
		})
	case "garbage": // an HTTP server says 400 or hangs up: both are right
		repeat(*conns, func(w int, n int64) bool {
			l := dial(r, int(n))
			if l == nil {
				return false
			}
			r.asked.Add(1)
			random := rand.New(rand.NewSource(n))
			junk := make([]byte, 1+random.Intn(20000))
			random.Read(junk)
			if n%3 == 0 {
				junk = append([]byte("GET / HTTP/1.1\r\nHost: "), junk...)
			}
			l.c.Write(junk)
			l.c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, l.in)
			l.c.Close()
			r.right.Add(1)
			return true
		})
	case "echoed": // bytes of no protocol, and of something that looks like one
		repeat(*conns, func(w int, n int64) bool {
			l := dial(r, int(n))
			if l == nil {
				return false
			}
			defer l.c.Close()
			r.asked.Add(1)
			at := int(n*977) % (len(pattern) - *size)
			text := append([]byte{}, pattern[at:at+*size]...)
			if n%4 == 1 {
				text = append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"), text...)
			}
			if n%4 == 2 {
				text = append([]byte("GET /b/9 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"), text...)
			}
			go func() { l.c.Write(text); l.c.(*net.TCPConn).CloseWrite() }()
			got, err := io.ReadAll(l.in)
			switch {
			case err != nil:
				r.failed.Add(1)
				r.note(err)
			case !bytes.Equal(got, text):
				r.wrong.Add(1)
			default:
				r.right.Add(1)
			}
			return true
		})
	default:
		log.Fatal("no such client: ", mode)
	}
	for _, l := range links {
		if l != nil {
			l.c.Close()
		}
	}
}

func main() {
	mode := os.Args[1]
	switch mode {
	case "serve":
		serve(os.Args[2])
	case "echo":
		echo(os.Args[2])
	}
	flag.CommandLine.Parse(os.Args[2:])
	r := &result{}
	start := time.Now()
	client(mode, r)
	text := ""
	if first := r.first.Load(); first != nil {
		text = *first
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"asked": r.asked.Load(), "right": r.right.Load(), "wrong": r.wrong.Load(),
		"failed": r.failed.Load(), "seconds": time.Since(start).Seconds(), "first_error": text})
}
