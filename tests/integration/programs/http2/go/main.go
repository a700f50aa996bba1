// Servers and clients of HTTP/2 in clear that write down what they did. What they log and how clients are told what to
// do: truth.md beside this folder.
//
//	http2 grpc-serve PORT LOG [OPTION=VALUE]...
//	http2 grpc-call  PORT LOG [OPTION=VALUE]...   < commands
//	http2 serve      PORT LOG    (h2c: prior knowledge, Upgrade, and HTTP/1.1)
//	http2 call       PORT LOG    < commands
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

func main() {
	port, log := os.Args[2], openLog(os.Args[3])
	address := "127.0.0.1:" + port
	options := parseFields(strings.Join(os.Args[4:], " "), " ")
	switch os.Args[1] {
	case "grpc-serve":
		serveGrpc(address, log, options)
	case "grpc-call":
		obey(grpcCaller(address, log, options))
	case "serve":
		servePlain(address, log)
	case "call":
		obey(plainCaller(address, log))
	}
}

// Runs each line of commands: `count` calls, `concurrency` of them at a time, the first with the id `first`.
func obey(call func(batch fields, id int) bool) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		batch := parseFields(lines.Text(), " ")
		count, first := batch.number("count", 1), batch.number("first", 0)
		var next, good atomic.Int64
		var all sync.WaitGroup
		for i := 0; i < batch.number("concurrency", 1); i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for n := int(next.Add(1)) - 1; n < count; n = int(next.Add(1)) - 1 {
					if call(batch, first+n) {
						good.Add(1)
					}
				}
			}()
		}
		all.Wait()
		fmt.Println("done", count, good.Load())
	}
}
