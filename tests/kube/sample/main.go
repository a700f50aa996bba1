// A shop of three services that knows nothing of telemetry: shop asks orders, orders asks stock, each by a plain HTTP request.
//
//	sample serve NAME [URL]       answers on :8080; asks URL first if there is one
//	sample ask URL COUNT          requests one after the other; prints how many were answered with 200
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
)

func ask(url string) (int, error) {
	answer, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

func serve(name, next string) error {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if next != "" {
			if status, err := ask(next + r.URL.Path); err != nil || status != http.StatusOK {
				http.Error(w, fmt.Sprintf("%s: %d %v", next, status, err), http.StatusBadGateway)
				return
			}
		}
		fmt.Fprintf(w, "%s\n", name)
	})
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	return http.ListenAndServe(":8080", nil)
}

func main() {
	arguments := append(os.Args[1:], "", "")
	switch arguments[0] {
	case "serve":
		fmt.Println(serve(arguments[1], arguments[2]))
		os.Exit(1)
	case "ask":
		count, _ := strconv.Atoi(arguments[2])
		good := 0
		for i := 0; i < count; i++ {
			status, err := ask(arguments[1])
			if err == nil && status == http.StatusOK {
				good++
			} else {
				fmt.Fprintln(os.Stderr, status, err)
			}
		}
		fmt.Println(good)
	default:
		os.Exit(2)
	}
}
