// A client for the truth tests that keeps a rate and writes what it did, one JSON line a request.
//
//	paced URL RATE SECONDS CONNECTIONS LOG
//
// Request i goes to URL + "n=i" at its own time i/RATE after the start, on connection i % CONNECTIONS; one that is late
// goes at once. The time told is from before the request is written to after its answer is read.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"
)

type entry struct {
	Method   string  `json:"method"`
	Target   string  `json:"target"`
	Status   int     `json:"status"`
	Sent     int     `json:"sent"`
	Received int64   `json:"received"`
	Ms       float64 `json:"ms"`
}

func ask(client *http.Client, address string) (entry, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return entry{}, err
	}
	start := time.Now()
	answer, err := client.Get(address)
	if err != nil {
		return entry{}, err
	}
	n, err := io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	took := float64(time.Since(start).Nanoseconds()) / 1e6
	return entry{"GET", parsed.RequestURI(), answer.StatusCode, 0, n, took}, err
}

func main() {
	base := os.Args[1]
	numbers := [3]int{}
	for i := range numbers {
		n, err := strconv.Atoi(os.Args[2+i])
		if err != nil {
			panic(err)
		}
		numbers[i] = n
	}
	rate, total, connections := numbers[0], numbers[0]*numbers[1], numbers[2]
	done := make([]entry, total)
	failed := make([]error, connections)
	var all sync.WaitGroup
	start := time.Now()
	for c := 0; c < connections; c++ {
		all.Add(1)
		go func(c int) {
			defer all.Done()
			client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1}}
			for i := c; i < total; i += connections {
				time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(rate))))
				one, err := ask(client, fmt.Sprintf("%sn=%d", base, i))
				if err != nil {
					failed[c] = err
					return
				}
				done[i] = one
			}
		}(c)
	}
	all.Wait()
	for _, err := range failed {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	fmt.Printf("%d requests in %.3f s\n", total, time.Since(start).Seconds())
	out, err := os.Create(os.Args[5])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewWriter(out)
	encoder := json.NewEncoder(lines)
	for _, one := range done {
		encoder.Encode(one)
	}
	lines.Flush()
	out.Close()
}
